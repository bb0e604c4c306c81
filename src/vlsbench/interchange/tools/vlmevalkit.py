"""VLMEvalKit's predictions: ``MODEL_DATASET.xlsx``, or ``.tsv`` or ``.json`` (its ``PRED_FORMAT``).

A table with the columns of the tool's dataset (``index``, ``question`` and others, without the pictures), and
``prediction``; with ``SPLIT_THINK`` also ``thinking``. Where a request failed, the failure's message is the prediction.
"""

from __future__ import annotations

import contextlib
import csv
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from vlsbench.core.errors import MissingExtra, UserError
from vlsbench.interchange.tools.answers import Answer, Answers, Record, failed, parse, said, text_of

_FAILED = "Failed to obtain answer"
"""How the tool's messages of failure begin, of servers and of local models."""

MAX_UNPACKED = 1 << 30
"""Bytes that the parts of a spreadsheet may unpack to."""


def read(file: Path) -> Answers:
    """Read a table of predictions.

    Raises:
        UserError: The file cannot be read as such a table.
        MissingExtra: A spreadsheet, and openpyxl is not installed.
    """
    readers = {".xlsx": _spreadsheet, ".tsv": _separated, ".csv": _separated, ".json": _json}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        pickled = " A pickle can run any code, so none is opened." if file.suffix == ".pkl" else ""
        raise UserError(
            f"{file} is none of VLMEvalKit's tables (.xlsx, .tsv, .json).{pickled} Set PRED_FORMAT and run it again."
        )
    try:
        records = list(reader(file))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, csv.Error) as error:
        raise UserError(f"{file} is damaged: {error}.") from error
    if records and "prediction" not in records[0]:
        raise UserError(f"{file} has no column 'prediction', so it is no table of predictions.")
    damaged = [f"row {number}" for number, record in enumerate(records, start=1) if record.get("index") is None]
    found = (_answer(record) for record in records if record.get("index") is not None)
    return Answers(model=_model(file), found=tuple(found), damaged=tuple(damaged))


def _model(file: Path) -> str:
    """The model's name: the tool puts its predictions into a folder of that name, or below one."""
    return next((folder.name for folder in file.absolute().parents[:3] if file.name.startswith(f"{folder.name}_")), "")


def _answer(record: Record) -> Answer:
    index = record["index"]
    key = str(int(index)) if isinstance(index, float) and index.is_integer() else str(index)
    position = int(key) if key.isascii() and key.isdigit() and len(key) < 12 else None
    text = record["prediction"]
    text = "" if text is None or text != text else str(text)  # a blank cell is NaN to pandas
    is_failure = text.lstrip().startswith(_FAILED)
    return Answer(
        keys=(key,),
        position=position,
        asked=text_of(record, "question"),
        reply=failed(text) if is_failure else said(text, reasoning=text_of(record, "thinking")),
        raw=record,
    )


def _json(file: Path) -> Iterator[Record]:
    found = parse(file.read_bytes())
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError("it is no list of objects")
    yield from found


def _separated(file: Path) -> Iterator[Record]:
    # A cell may hold a long answer; the default limit is for small ones.
    csv.field_size_limit(min(sys.maxsize, 1 << 28))
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        for row in csv.DictReader(opened, delimiter="\t" if file.suffix.lower() == ".tsv" else ","):
            yield {name: value for name, value in row.items() if isinstance(name, str)}


def _spreadsheet(file: Path) -> Iterator[Record]:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtra("openpyxl", "tables") from error
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                raise ValueError(f"it unpacks to more than {MAX_UNPACKED:,} bytes")
        with contextlib.closing(openpyxl.load_workbook(file, read_only=True, data_only=True)) as book:
            rows = book.worksheets[0].iter_rows(values_only=True) if book.worksheets else iter(())
            names = [str(name) for name in next(rows, ())]
            for row in rows:
                yield {name: _plain(value) for name, value in zip(names, row, strict=False)}
    except (OSError, ValueError):
        raise
    except Exception as error:  # whatever openpyxl stumbles over in a damaged part is that part's damage
        raise ValueError(f"it is no sound spreadsheet ({error})") from error


def _plain(value: object) -> object:
    """A cell as JSON can hold it; dates and the like become texts."""
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
