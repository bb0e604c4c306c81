"""The labelling sheet: a CSV file for people's spreadsheets, and the cells in it made safe and read back.

A cell that begins with one of ``= + - @``, a tab or a line break is a formula to a spreadsheet program, and the
text in it comes from a model. An id such as ``1-1``, ``007`` or ``1e5`` would come back from one as a date or another
number. An apostrophe goes before such cells, and before one that begins with an apostrophe itself; reading takes
exactly one away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from vlsbench.calibration.cards import Card

COLUMNS = ("number", "sample_id", "label", "query", "answer", "image", "note", "design")

_GUARD = "'"
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", _GUARD)


_REWRITTEN = re.compile(r"\s*([\d.(]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"0|[1-9]\d{0,8}")


def as_text(name: str) -> str:
    """An id that no spreadsheet program takes for a formula, a date or another number."""
    loose = _REWRITTEN.match(name) and not _PLAIN_NUMBER.fullmatch(name)
    return _GUARD + name if loose else neutralised(name)


def neutralised(text: str) -> str:
    """A cell that no spreadsheet program takes for a formula."""
    return _GUARD + text if text.startswith(_STARTS_FORMULA) or text.lstrip().startswith(_STARTS_FORMULA) else text


def restored(cell: str) -> str:
    """The text that `neutralised` was given."""
    return cell.removeprefix(_GUARD)


def write(design_id: str, cards: Sequence[Card]) -> bytes:
    """The sheet, one row per answer, in UTF-8 with a byte order mark (spreadsheet programs look for it)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for number, card in enumerate(cards, 1):
        image = "\n".join(map(str, card.images))
        texts = (neutralised(cell) for cell in (card.query, card.answer, image))
        writer.writerow([number, as_text(card.sample_id), "", *texts, "", as_text(design_id)])
    return buffer.getvalue().encode("utf-8-sig", "backslashreplace")
