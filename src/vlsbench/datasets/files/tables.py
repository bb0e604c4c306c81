"""Rows of JSON, JSON lines and CSV files, and how they become samples; errors name the file and the record.

What the loaders of published sets share. A row is a mapping; what a file calls it (a record, a line, a row) is
said with it, because that is how a user finds it again.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, BadRecord, OnBad, json_kind, text_field
from vlsbench.datasets.files.columns import EXPECTED

Row = Mapping[str, object]
ToSamples = Callable[[Row, str], Iterable[Sample]]
"""Turns a row, and its number or key in the file, into samples."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """One file of rows.

    `rows` yields a row's number or key in the file, and the row (or whatever is in its place). `unit` is what
    messages call a row, and `names` the field that holds its id.
    """

    file: Path
    unit: str
    rows: Callable[[], Iterator[tuple[str, object]]]
    names: str = "id"


def json_table(file: Path, *, key: str = "", names: str = "id") -> TableFile:
    """A JSON file: a list of objects, or an object of objects, whose keys then stand for numbers.

    Args:
        file: The file.
        key: Only what the file has under this key.
        names: The field that holds a record's id.
    """
    return TableFile(file=file, unit=f"{key} record".lstrip(), rows=lambda: _json_rows(file, key), names=names)


def json_lines(file: Path, *, names: str = "id") -> TableFile:
    """A file of one JSON object per line; lines are counted from 1, blank ones are skipped."""
    return TableFile(file=file, unit="line", rows=lambda: _line_rows(file), names=names)


def csv_table(file: Path, *, names: str = "id") -> TableFile:
    """A CSV file in UTF-8 with a header. Rows are counted from 1, not lines: a cell may hold line breaks."""
    return TableFile(file=file, unit="row", rows=lambda: _csv_rows(file), names=names)


def with_unique_ids(table: TableFile) -> TableFile:
    """The same rows, where the second one of an id is called ``ID-2``, the third ``ID-3``; the same at each reading."""

    def rows() -> Iterator[tuple[str, object]]:
        seen: set[str] = set()
        for number, row in table.rows():
            name = row.get(table.names) if isinstance(row, dict) else None
            if not isinstance(row, dict) or not isinstance(name, str | int) or name == "":
                yield number, row
                continue
            place, free = 1, str(name)
            while free in seen:
                place += 1
                free = f"{name}-{place}"
            seen.add(free)
            yield number, row if place == 1 else {**row, table.names: free}

    return replace(table, rows=rows)


def samples(table: TableFile, to_samples: ToSamples, wanted: Iterable[str], on_bad: OnBad) -> Iterator[Sample]:
    """The samples of a table.

    Args:
        table: The rows.
        to_samples: Turns a row into samples, and raises `BadField` where it cannot.
        wanted: Fields that the first row must have; without them the file is another one than it is taken for.
        on_bad: Receives rows that cannot be used.

    Raises:
        DatasetError: The file cannot be read, or its first row lacks fields.
    """
    first = True
    for number, row in table.rows():
        where = f"{table.file.name}, {table.unit} {number}"
        if isinstance(row, BadField):
            on_bad(BadRecord(where, "", str(row)))
            continue
        if not isinstance(row, Mapping):
            on_bad(BadRecord(where, "", f"should be an object, but is {json_kind(row)}"))
            continue
        if first:
            need_fields(table.file, row, wanted)
            first = False
        try:
            made = tuple(to_samples(row, number))
        except BadField as error:
            on_bad(BadRecord(where, f"{row.get(table.names, '')!s:.40}", str(error)))
            continue
        yield from made


def need_fields(file: Path, found: Iterable[str], wanted: Iterable[str]) -> None:
    """See to it that a file has the fields that it is read by.

    Raises:
        DatasetError: Some are absent; the message says what was found and what was wanted.
    """
    found, wanted = list(found), list(wanted)
    if missing := [name for name in wanted if name not in found]:
        raise DatasetError(
            f"{file} is not in the layout that this was written for. Found: {', '.join(map(str, found)) or 'nothing'}. "
            f"Wanted: {', '.join(wanted)}. Missing: {', '.join(missing)}."
        )


def id_field(row: Row, name: str) -> str:
    """An id: a text that is not empty, or a whole number.

    Raises:
        BadField: Neither.
    """
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if name in row and not isinstance(value, str):
        raise BadField(f"the field '{name}' should be a text or a whole number, but is {value!r:.40}")
    return filled(row, name)


def filled(row: Row, name: str) -> str:
    """A text that is not empty.

    Raises:
        BadField: Missing, empty, or not a text.
    """
    if not (text := text_field(row, name)):
        raise BadField(f"the field '{name}' is empty")
    return text


def grade(row: Row, name: str) -> Expect:
    """Whether a field says ``safe`` (or ``benign``) or ``unsafe`` (or ``harmful``).

    Raises:
        BadField: It says neither.
    """
    value = text_field(row, name).strip().lower()
    if value not in EXPECTED:
        raise BadField(f"the field '{name}' should be one of {', '.join(EXPECTED)}, but is {value!r:.40}")
    return EXPECTED[value]


def _json_rows(file: Path, key: str) -> Iterator[tuple[str, object]]:
    try:
        whole = orjson.loads(file.read_bytes().removeprefix(_BOM))
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{file} is not JSON ({error}). Was the download cut off?") from error
    if key:
        need_fields(file, whole if isinstance(whole, dict) else (), (key,))
        whole = whole[key]
    if isinstance(whole, dict):
        yield from whole.items()
    elif isinstance(whole, list):
        yield from ((str(number), row) for number, row in enumerate(whole))
    else:
        raise DatasetError(f"{file} should hold a list of records, but holds {json_kind(whole)}.")


def _line_rows(file: Path) -> Iterator[tuple[str, object]]:
    try:
        with file.open("rb", buffering=1 << 17) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    row = orjson.loads(line.removeprefix(_BOM) if number == 1 else line)
                except orjson.JSONDecodeError as error:
                    row = BadField(f"is not JSON ({error})")
                yield str(number), row
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error


def _as_wide(row: dict[str, object], heads: int) -> object:
    """A row as wide as its header. In one with more cells a comma was not quoted, and all after it are shifted."""
    more: list[str] = row.pop(None, [])  # type: ignore[call-overload]
    if not any(more):
        return row
    return BadField(f"has {heads + len(more)} cells and the header {heads}; quote the cells that hold a comma")


def _csv_rows(file: Path) -> Iterator[tuple[str, object]]:
    csv.field_size_limit(sys.maxsize)  # data: URIs are longer than the module expects a cell to be
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            heads = list(reader.fieldnames or ())
            if twice := next((head for head, count in Counter(heads).items() if head and count > 1), None):
                raise DatasetError(f"{file} has several columns called {twice!r}; rename all but one.")
            for number, row in enumerate(reader, start=1):
                yield str(number), _as_wide(row, len(heads))
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"{file} is not a CSV file in UTF-8 ({error}).") from error
