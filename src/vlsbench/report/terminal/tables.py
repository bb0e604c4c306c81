"""Tables that fit the terminal without losing a name or a figure.

Where a terminal is too narrow, intervals go below their values, then names are folded, and what still has no room
is continued below, with the names repeated. A figure is never cut.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_GAP = 3
"""Columns of the terminal that a column of the table takes beside its text."""

_NAME, _FOLDED = 24, 12
"""How narrow a name may become while intervals stand beside their values, and how narrow at all."""


def print_table(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1, bold: Collection[int] = ()
) -> None:
    """Print a table.

    Args:
        console: Where to.
        heads: The head of each column; a line break in it stays.
        rows: The cells, safe to print.
        texts: How many columns from the left are names, which may be folded; the others are figures.
        bold: The rows that stand out, by number.
    """
    broken = [[cell.replace(" [", "\n[") for cell in row] for row in rows]
    several = [re.sub(r" (?!%)", "\n", head) if number >= texts else head for number, head in enumerate(heads)]
    for shown_heads, shown_rows, least in ((heads, rows, _NAME), (several, broken, _FOLDED)):
        widths = _widths(shown_heads, shown_rows)
        names = _names(console, widths, texts, least)
        if names is not None:
            _print(console, shown_heads, shown_rows, [*names, *widths[texts:]], texts, bold)
            return
    names = [min(width, _FOLDED) for width in widths[:texts]]
    for place, columns in enumerate(_pieces(widths, names, console.width)):
        if place:
            console.print("The same rows, further columns:")
        taken = [*range(texts), *columns]
        cells = [[row[number] for number in taken] for row in broken]
        # A piece has room for its names beyond their least width where its figures are few.
        own = _names(console, [widths[number] for number in taken], texts, _FOLDED) or names
        _print(console, [several[n] for n in taken], cells, [*own, *(widths[n] for n in columns)], texts, bold)


def _widths(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    columns = zip(heads, *rows, strict=True)
    return [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]


def _names(console: Console, widths: Sequence[int], texts: int, least: int) -> list[int] | None:
    """How wide the names may be where all figures have their room; None where that is less than `least`."""
    room = console.width - sum(widths[texts:]) - _GAP * len(widths) + 1
    names = list(widths[:texts])
    while sum(names) > room:
        widest = max(range(texts), key=names.__getitem__)
        if names[widest] <= least:
            return None
        names[widest] -= 1
    return names


def _pieces(widths: Sequence[int], names: Sequence[int], width: int) -> list[list[int]]:
    """The columns of figures, in as many tables as it takes."""
    room = width + 1 - sum(names) - _GAP * len(names)
    pieces: list[list[int]] = [[]]
    left = room
    for number in range(len(names), len(widths)):
        needed = widths[number] + _GAP
        if needed > left and pieces[-1]:
            pieces.append([])
            left = room
        pieces[-1].append(number)
        left -= needed
    return pieces


def _print(
    console: Console,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    texts: int,
    bold: Collection[int],
) -> None:
    from rich import box
    from rich.segment import Segments
    from rich.table import Table

    grid: Table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, (head, width) in enumerate(zip(heads, widths, strict=True)):
        figures = number >= texts
        grid.add_column(head, justify="right" if figures else "left", width=width, no_wrap=figures, overflow="fold")
    for number, row in enumerate(rows):
        grid.add_row(*row, style="bold" if number in bold else "")
    # A terminal narrower than one name and one figure breaks the line itself, rather than that a figure is cut.
    needed = max(console.width, sum(widths) + _GAP * len(widths) - 1)
    console.print(Segments(console.render(grid, console.options.update_width(needed))), crop=False, end="")
