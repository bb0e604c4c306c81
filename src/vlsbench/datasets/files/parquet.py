"""Rows of Parquet files, with the images that lie inside them, one small batch at a time.

An embedded image (bytes, or a struct of bytes and path as the Hugging Face hub writes them) becomes a ``data:`` URI
when its row is reached, and is forgotten with it. Who needs no images reads the other columns alone: Parquet keeps
columns apart, so that listing a large set costs what its texts cost.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vlsbench.core.errors import DatasetError, ImageProblem, MissingExtra
from vlsbench.core.types import Sample
from vlsbench.datasets.base import BadField, BadRecord, OnBad, Records, stop
from vlsbench.datasets.files.tables import need_fields

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

ToSample = Callable[[Mapping[str, object], str], Sample]
"""Turns a row, by field, and its number in the whole set into a sample. A field of pictures holds a path, a ``data:``
URI or None; ``images`` a list of them."""

_BUFFER_BYTES = 1 << 16
_BATCH_BYTES = 1 << 18
"""Images held at once; more than one batch would be waste, since they are used one after the other."""
_MOST_ROWS = 1024

_LISTS = ("options", "answer")
"""Fields that may be lists of texts."""


def open_parquet(
    name: str,
    files: Sequence[Path],
    root: Path,
    to_sample: ToSample,
    *,
    fields: Mapping[str, str],
    optional: Mapping[str, str] | None = None,
    pictures: Collection[str] = ("image", "images"),
    revision: str = "",
) -> Records:
    """A dataset of the rows of some Parquet files, in their order.

    Args:
        name: What the dataset is called.
        files: The files, all with the same columns.
        root: The folder that images given as paths lie in.
        to_sample: Turns a row into a sample.
        fields: The column of each field that has to be there.
        optional: The same for fields that may be missing.
        pictures: The fields that are pictures, the first of a sample foremost.
        revision: As in `vlsbench.core.protocols.Dataset`.

    Raises:
        MissingExtra: pyarrow is not installed.
        DatasetError: A file is damaged, or lacks a column, or a column holds something that fits no sample.
    """
    shards = []
    rows = 0
    for file in files:
        with _opened(file) as table:
            schema = table.schema_arrow
            need_fields(file, schema.names, fields.values())
            chosen = {**fields, **{f: c for f, c in (optional or {}).items() if c in schema.names}}
            counts = Counter(schema.names)
            if twice := next((column for column in chosen.values() if counts[column] > 1), None):
                raise DatasetError(f"{file} has several columns called {twice!r}; rename all but one.")
            embedded = _embedded(file, schema, chosen, pictures)
            shards.append(_Shard(file=file, first=rows, fields=chosen, embedded=embedded))
            rows += table.metadata.num_rows

    def scan(on_bad: OnBad, start: int = 0, *, light: bool = False) -> Iterator[Sample]:
        for shard in shards:
            for number, row in shard.rows(max(0, start - shard.first), light=light):
                try:
                    if bad := next((value for value in row.values() if isinstance(value, BadField)), None):
                        raise bad
                    yield to_sample(row, str(shard.first + number))
                except BadField as error:
                    on_bad(BadRecord(f"{shard.file.name}, row {number}", f"{row.get('id') or ''!s:.40}", str(error)))

    return Records(
        name=name,
        root=root,
        scan=scan,
        revision=revision,
        files=tuple(files),
        light=lambda on_bad: scan(on_bad, light=True),
        resume=lambda start: scan(stop, start),
    )


def column_names(file: Path) -> list[str]:
    """The columns of a Parquet file.

    Raises:
        MissingExtra: pyarrow is not installed.
        DatasetError: The file is damaged.
    """
    with _opened(file) as table:
        return list(table.schema_arrow.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shard:
    """One file: the number of its first row in the whole set, its columns by field, and those that embed images."""

    file: Path
    first: int
    fields: Mapping[str, str]
    embedded: tuple[str, ...]

    def rows(self, start: int, *, light: bool) -> Iterator[tuple[int, dict[str, object]]]:
        """Number in the file and fields of each row from `start` on; `light` names embedded images only."""
        left_out = self.embedded if light else ()
        fields = {field: column for field, column in self.fields.items() if field not in left_out}
        with _opened(self.file) as table:
            groups, number = _groups_from(table, start)
            read = {self.fields[field] for field in self.embedded} if not light else set[str]()
            size = _batch_rows(table, read) if read else _MOST_ROWS
            columns = list(dict.fromkeys(fields.values()))
            batches = table.iter_batches(batch_size=size, row_groups=groups, columns=columns, use_threads=False)
            for batch in batches if groups else ():
                skip = min(max(0, start - number), batch.num_rows)
                values = [_values(batch.column(column).slice(skip), column) for column in fields.values()]
                for place, row in enumerate(zip(*values, strict=True), start=number + skip):
                    filled = dict(zip(fields, row, strict=True))
                    if light and self.embedded:
                        first, name = self.embedded[0], f"{self.file.name}#{place}"
                        filled[first] = [name] if first == "images" else name
                    elif self.embedded:
                        filled |= {field: _inline(filled[field]) for field in self.embedded}
                    yield place, filled
                number += batch.num_rows


def _values(column: pa.Array, name: str) -> list[Any]:
    """The values of a column; in place of a text that is not UTF-8 (nobody checks when it is written), what to say."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        values: list[Any] = []
        for value in column:
            try:
                values.append(value.as_py())
            except UnicodeDecodeError:
                values.append(BadField(f"the column {name!r} is not in UTF-8 here"))
        return values


def _groups_from(table: ParquetFile, start: int) -> tuple[list[int], int]:
    """The row groups that hold rows from `start` on, and the number of the first row of the first of them."""
    number = 0
    for group in range(table.num_row_groups):
        rows = table.metadata.row_group(group).num_rows
        if number + rows > start:
            return list(range(group, table.num_row_groups)), number
        number += rows
    return [], number


def _batch_rows(table: ParquetFile, columns: Collection[str]) -> int:
    """How many rows of images fill a batch, going by their mean size."""
    total = rows = 0
    for number in range(table.num_row_groups):
        group = table.metadata.row_group(number)
        chunks = (group.column(place) for place in range(group.num_columns))
        total += sum(c.total_uncompressed_size for c in chunks if c.path_in_schema.partition(".")[0] in columns)
        rows += group.num_rows
    return max(1, min(_MOST_ROWS, _BATCH_BYTES * rows // max(1, total)))


def _inline(value: object) -> object:
    """A picture, or a list of them, with what lies inside the file as ``data:`` URIs; a note on what is wrong stays."""
    if isinstance(value, BadField):
        return value
    return [_uri(one) for one in value] if isinstance(value, list) else _uri(value)


def _uri(value: object) -> str | None:
    """An embedded image as a ``data:`` URI; a struct without bytes gives the path in it."""
    from vlsbench.core.image_formats import sniff

    path = None
    if isinstance(value, dict):
        path, value = value.get("path"), value.get("bytes")
    if value is None:
        return path or None
    data = cast("bytes", value)  # `_holds_bytes` saw to it
    try:
        kind = sniff(data)
    except ImageProblem:
        kind = "application/octet-stream"  # who opens it says that it is no image
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _embedded(file: Path, schema: pa.Schema, fields: Mapping[str, str], pictures: Collection[str]) -> tuple[str, ...]:
    """The fields whose images lie inside the file.

    Raises:
        DatasetError: A column is of a type that fits no field.
    """
    from pyarrow import types

    for field, column in fields.items():
        kind = _kind(schema, column)
        if field == "images" and not types.is_null(kind):
            if not _is_list(kind):
                raise DatasetError(f"The column {column!r} of {file} holds {kind}. Images are a list; one is an image.")
            kind = kind.value_type
        elif field in _LISTS and _is_list(kind):
            kind = kind.value_type
        plain = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
        countable = types.is_integer(kind) or types.is_boolean(kind) or (field in _LISTS and types.is_floating(kind))
        if field not in pictures and not (plain or countable or types.is_null(kind)):
            raise DatasetError(f"The column {column!r} of {file} holds {kind}, not texts, so it cannot be the {field}.")
        if field in pictures and not (plain or types.is_null(kind) or _holds_bytes(kind)):
            raise DatasetError(
                f"The column {column!r} of {file} holds {kind}. An image is a path, its bytes, or a struct of both."
            )
    return tuple(field for field in pictures if field in fields and _holds_bytes(_of_list(schema, fields[field])))


def _is_list(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _of_list(schema: pa.Schema, column: str) -> pa.DataType:
    """The type of a column's values, or of what lists in it hold."""
    kind = _kind(schema, column)
    return kind.value_type if _is_list(kind) else kind


def _kind(schema: pa.Schema, column: str) -> pa.DataType:
    """The type of a column's values, also where equal ones are kept once."""
    from pyarrow import types

    kind = schema.field(column).type
    return kind.value_type if types.is_dictionary(kind) else kind


def _holds_bytes(kind: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        inside = {kind.field(place).name: kind.field(place).type for place in range(kind.num_fields)}
        path = inside.get("path")
        named = path is None or types.is_string(path) or types.is_large_string(path) or types.is_null(path)
        return "bytes" in inside and named and (types.is_null(inside["bytes"]) or _is_bytes(inside["bytes"]))
    return _is_bytes(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    from pyarrow import types

    fixed = types.is_fixed_size_binary(kind)
    return bool(fixed or types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


@contextmanager
def _opened(file: Path) -> Iterator[ParquetFile]:
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtra("pyarrow", "data") from error
    try:
        # With a buffer, a column is read bit by bit; without, a row group's worth at once.
        with ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False) as table:
            yield table
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error
        text = next(iter(str(error).splitlines()), type(error).__name__)
        raise DatasetError(f"{file} cannot be read as Parquet ({text}). Was the download cut off?") from error
