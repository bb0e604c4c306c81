"""The labelling sheet: a CSV file for people's spreadsheets, and the cells in it made safe and read back.

A cell that begins with one of ``= + - @``, a tab or a line break is a formula to a spreadsheet program, and the
text in it comes from a model. An apostrophe goes before such a cell, and before one that begins with an
apostrophe itself; reading takes exactly one away.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from vlsbench.calibration.cards import Card

COLUMNS = ("number", "sample_id", "label", "query", "answer", "image", "note", "design")

_GUARD = "'"
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", _GUARD)


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
        image = str(card.image) if card.image else ""
        row = (str(number), card.sample_id, "", card.query, card.answer, image, "", design_id)
        writer.writerow([neutralised(cell) for cell in row])
    return buffer.getvalue().encode("utf-8-sig", "backslashreplace")
