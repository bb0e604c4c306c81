"""Any table as a dataset: ``parquet:PATH``, ``csv:PATH`` and JSON lines, with columns named by the user.

``--columns text=prompt,image=picture`` says which column holds which field; columns that are called as the fields need
not be named. A row without an id column has its number as id, counted from 0 over all files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, OnBad, Records, Ref, json_kind, need_place, text_field
from vlsbench.datasets.files.columns import OPTION, Columns, resolve
from vlsbench.datasets.files.parquet import column_names, open_parquet
from vlsbench.datasets.files.questions import options_field, question
from vlsbench.datasets.files.splits import split_of
from vlsbench.datasets.files.tables import TableFile, csv_table, grade, json_lines, json_table, samples

_TEXTS = ("category", "sub_category", "source", "description", "safety_reason")


def open_parquet_path(ref: Ref) -> Records:
    """Open ``parquet:PATH``: a file, a pattern, or a folder of shards, which are read in the order of their names.

    Raises:
        DatasetError: Nothing is there, or a named column is absent.
    """
    place = need_place(ref, PARQUET)
    files = _shards(place) if os.path.isdir(place) else [place]
    if "*" in place.name and not os.path.exists(place):
        files = sorted(place.parent.glob(place.name))
        if not files:
            raise DatasetError(f"No file is called {place}. {PARQUET.get}")
    _need_file(files[0], PARQUET)
    return open_tables(str(ref), files, ref.columns)


def _shards(folder: Path) -> list[Path]:
    """The shards of a folder: those in it, or, of a clone from the hub, those of the one split in its ``data/``.

    Raises:
        DatasetError: There are none, or ``data/`` holds several splits.
    """
    if files := sorted(folder.glob("*.parquet")):
        return files
    splits: dict[str, list[Path]] = {}
    for file in sorted((folder / "data").glob("*.parquet")):
        splits.setdefault(split_of(PurePath(file.name)), []).append(file)
    if not splits:
        raise DatasetError(f"There is no .parquet file in {folder} and none in {folder / 'data'}. {PARQUET.get}")
    if len(splits) > 1:
        first = next(iter(splits))
        raise DatasetError(
            f"{folder / 'data'} holds several splits: {', '.join(splits)}. "
            f"Name the files of one, for example parquet:{folder / 'data' / first}-*.parquet."
        )
    return next(iter(splits.values()))


def open_csv_path(ref: Ref) -> Records:
    """Open ``csv:PATH``.

    Raises:
        DatasetError: No such file, or a named column is absent.
    """
    file = need_place(ref, CSV)
    _need_file(file, CSV)
    return open_tables(str(ref), [file], ref.columns)


def open_tables(
    name: str,
    files: Sequence[Path],
    columns: Columns | None,
    *,
    revision: str = "",
    table: Callable[[Path], TableFile] | None = None,
) -> Records:
    """A dataset of the rows of some files of one format: Parquet, CSV, JSON or JSON lines.

    Args:
        name: What the dataset is called.
        files: The files, in the order in which they are read.
        columns: Which column holds which field.
        revision: As in `vlsbench.core.protocols.Dataset`.
        table: How a file is read; by the end of its name where not given.

    Raises:
        DatasetError: A file cannot be read, or lacks a column.
    """
    files = [Path(os.path.abspath(file)) for file in files]
    root = files[0].parent
    columns = columns or Columns(())

    def as_sample(row: Mapping[str, object], number: str) -> Sample:
        return to_sample(columns.translate(row) if columns.names else row, number)

    if files[0].suffix == ".parquet" and table is None:
        fields = resolve(columns, column_names(files[0]), str(files[0]))
        return open_parquet(name, files, root, as_sample, fields=fields, revision=revision)
    tables = [(table or _table)(file) for file in files]
    fields = resolve(columns, _first_fields(tables[0]), str(files[0]))
    wanted = [column for field, column in fields.items() if field == "text" or column in dict(columns).values()]

    def scan(on_bad: OnBad) -> Iterator[Sample]:
        number = -1

        def made(row: Mapping[str, object], _: str) -> list[Sample]:
            return [as_sample({field: row.get(column) for field, column in fields.items()}, str(number))]

        for part in tables:

            def counted(part: TableFile = part) -> Iterator[tuple[str, object]]:
                nonlocal number
                for place, row in part.rows():
                    number += 1
                    yield place, row

            yield from samples(replace(part, rows=counted, names=fields.get("id", "")), made, wanted, on_bad)

    return Records(name=name, root=root, scan=scan, files=tuple(files), revision=revision)


def to_sample(row: Mapping[str, object], number: str) -> Sample:
    """A row, by field, as a sample. Whole numbers pass for texts; empty cells for missing ones.

    Raises:
        BadField: No text, or a value of the wrong type.
    """
    plain = {name: str(value) if type(value) is int else value for name, value in row.items()}
    images = _images(plain)
    asked = question(text_field(plain, "text"), _options(plain), row.get("answer"))
    usual = Expect.HARMFUL if asked.answer is None else Expect.BENIGN
    texts = {name: text_field(plain, name, required=False) for name in _TEXTS}
    return Sample(
        id=text_field(plain, "id", required=False) or number,
        text=asked.text,
        image=images[0] if images else None,
        image_sha256=text_field(plain, "image_sha256", required=False) or None,
        more_images=tuple(images[1:]),
        category=texts["category"],
        sub_category=texts["sub_category"],
        source=texts["source"],
        description=texts["description"],
        safety_reason=texts["safety_reason"],
        expect=grade(plain, "expect") if plain.get("expect") else usual,
        twin_of=text_field(plain, "twin_of", required=False) or None,
        group=text_field(plain, "group", required=False) or None,
        options=asked.options,
        answer=asked.answer,
    )


def _images(row: Mapping[str, object]) -> list[str]:
    """The images of a row: one, or a list."""
    several = row.get("images") or [row.get("image") or None]
    if not isinstance(several, list):
        raise BadField(f"the images should be a list, but are {json_kind(several)}")
    found = [image for image in several if image]
    if odd := next((image for image in found if not isinstance(image, str)), None):
        raise BadField(f"the image should be a path or a data: URI, but is {json_kind(odd)}")
    return [str(image) for image in found]


def _options(row: Mapping[str, object]) -> tuple[str, ...]:
    """The options of a row: a list in one cell, or a cell for each, of which the last may be empty."""
    if "options" in row:
        return options_field(row, "options")
    cells = [row[name] for name in row if name.startswith(OPTION)]
    while cells and cells[-1] in (None, ""):
        cells.pop()
    return options_field({"options": cells}, "options")


def _table(file: Path) -> TableFile:
    if file.suffix == ".jsonl":
        return json_lines(file)
    return json_table(file) if file.suffix == ".json" else csv_table(file)


def _first_fields(table: TableFile) -> list[str]:
    """The fields of a table's first row.

    Raises:
        DatasetError: It has no row that is an object.
    """
    for _, row in table.rows():
        if isinstance(row, Mapping):
            return [str(name) for name in row]
        if not isinstance(row, BadField):
            break
    raise DatasetError(f"{table.file} does not begin with a row of named fields.")


def _need_file(file: Path, entry: Entry) -> None:
    if os.path.isdir(file):
        raise DatasetError(f"{file} is a folder; {entry.usage} takes a file.")
    if not os.path.exists(file):
        raise DatasetError(f"There is no file {file}. {entry.get}")
    if not os.path.isfile(file):
        raise DatasetError(f"{file} is not a regular file. A dataset is read more than once: save it to a file.")


PARQUET = Entry(
    name="parquet",
    title="Your own data: Parquet, with images inside or beside it",
    size="as many as the file has rows",
    records="yours",
    images="inside the file (bytes, or a struct of bytes and path), or paths beside it",
    pictures="yours",
    licence="yours",
    source="a file of yours, or a folder of shards",
    citation="",
    get=(
        "Name a .parquet file, a pattern such as test-*.parquet, or a folder of them, and pass parquet:PATH with "
        "--columns text=COLUMN,image=COLUMN."
    ),
    usage="parquet:PATH",
    benign=True,
    twins=True,
    takes_columns=True,
    open=open_parquet_path,
)
"""The catalogue entry."""

CSV = Entry(
    name="csv",
    title="Your own data: a CSV file with a header, in UTF-8",
    size="as many as the file has rows",
    records="yours",
    images="paths beside the file, or data: URIs in it",
    pictures="yours",
    licence="yours",
    source="a file of yours",
    citation="",
    get="Name a CSV file and pass csv:PATH with --columns text=COLUMN,image=COLUMN.",
    usage="csv:PATH",
    benign=True,
    twins=True,
    takes_columns=True,
    open=open_csv_path,
)
"""The catalogue entry."""
