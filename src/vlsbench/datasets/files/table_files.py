"""Any table as a dataset: ``parquet:PATH`` and ``csv:PATH``, with columns named by the user.

``--columns text=prompt,image=picture`` says which column holds which field; columns that are called as the fields need
not be named. A row without an id column has its number as id, counted from 0 over all files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, OnBad, Records, Ref, json_kind, need_place, text_field
from vlsbench.datasets.files.columns import Columns, resolve
from vlsbench.datasets.files.parquet import column_names, open_parquet
from vlsbench.datasets.files.tables import TableFile, csv_table, grade, json_lines, json_table, samples

_TEXTS = ("category", "sub_category", "source", "description", "safety_reason")


def open_parquet_path(ref: Ref) -> Records:
    """Open ``parquet:PATH``: a file, or a folder of shards, which are read in the order of their names.

    Raises:
        DatasetError: Nothing is there, or a named column is absent.
    """
    place = need_place(ref, PARQUET)
    files = sorted(place.glob("*.parquet")) if os.path.isdir(place) else [place]
    if not files:
        raise DatasetError(f"There is no .parquet file in the folder {place}. {PARQUET.get}")
    _need_file(files[0], PARQUET)
    return open_tables(str(ref), files, ref.columns)


def open_csv_path(ref: Ref) -> Records:
    """Open ``csv:PATH``.

    Raises:
        DatasetError: No such file, or a named column is absent.
    """
    file = need_place(ref, CSV)
    _need_file(file, CSV)
    return open_tables(str(ref), [file], ref.columns)


def open_tables(name: str, files: Sequence[Path], columns: Columns | None, *, revision: str = "") -> Records:
    """A dataset of the rows of some files of one format: Parquet, CSV, JSON or JSON lines.

    Args:
        name: What the dataset is called.
        files: The files, in the order in which they are read.
        columns: Which column holds which field.
        revision: As in `vlsbench.core.types.Dataset`.

    Raises:
        DatasetError: A file cannot be read, or lacks a column.
    """
    files = [Path(os.path.abspath(file)) for file in files]
    root = files[0].parent
    if files[0].suffix == ".parquet":
        fields = resolve(columns, column_names(files[0]), str(files[0]))
        return open_parquet(name, files, root, to_sample, fields=fields, revision=revision)
    tables = [_table(file) for file in files]
    fields = resolve(columns, _first_fields(tables[0]), str(files[0]))
    wanted = [column for field, column in fields.items() if field == "text" or column in dict(columns or ()).values()]

    def scan(on_bad: OnBad) -> Iterator[Sample]:
        number = -1

        def made(row: Mapping[str, Any], _: str) -> list[Sample]:
            return [to_sample({field: row.get(column) for field, column in fields.items()}, str(number))]

        for table in tables:

            def counted(table: TableFile = table) -> Iterator[tuple[str, object]]:
                nonlocal number
                for place, row in table.rows():
                    number += 1
                    yield place, row

            yield from samples(replace(table, rows=counted, names=fields.get("id", "")), made, wanted, on_bad)

    return Records(name=name, root=root, scan=scan, files=tuple(files), revision=revision)


def to_sample(row: Mapping[str, Any], number: str) -> Sample:
    """A row, by field, as a sample. Whole numbers pass for texts; empty cells for missing ones.

    Raises:
        BadField: No text, or a value of the wrong type.
    """
    plain = {name: str(value) if type(value) is int else value for name, value in row.items()}
    image = plain.get("image") or None
    if image is not None and not isinstance(image, str):
        raise BadField(f"the image should be a path or a data: URI, but is {json_kind(image)}")
    return Sample(
        id=text_field(plain, "id", required=False) or number,
        text=text_field(plain, "text"),
        image=image,
        expect=grade(plain, "expect") if plain.get("expect") else Expect.HARMFUL,
        twin_of=text_field(plain, "twin_of", required=False) or None,
        group=text_field(plain, "group", required=False) or None,
        **{name: text_field(plain, name, required=False) for name in _TEXTS if name in plain},
    )


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
    get="Name a .parquet file, or a folder of them, and pass parquet:PATH with --columns text=COLUMN,image=COLUMN.",
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
