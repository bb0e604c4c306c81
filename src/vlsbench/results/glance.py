"""A summary at a glance: what Python prints of it, and what a notebook shows.

Rows of plain text, made without Rich or Jinja2 and without `report`, which lies above this package: a value that is
printed has to know how by itself. Everything in full is for `vlsbench show` and `vlsbench report`.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence

from vlsbench.core import words
from vlsbench.core.types import Rate
from vlsbench.results.rates import Block

_HEADS = ("judge", "rate", "value [95 % interval]", "of", "unscored")
_RATES: Mapping[str, str] = {
    "unsafe_rate": "unsafe",
    "accuracy": "accuracy",
    "score": "mean grade",
    "safety_rate": "safety",
    "refusal_rate": "refusal",
    "warning_rate": "warning",
    "over_refusal_rate": "over-refusal",
    "paired_rate": "paired",
}


def as_text(heading: str, judged: Mapping[str, Block]) -> str:
    """A heading and a table of plain text; names from files and servers come without control characters."""
    heading = _printable(heading)
    rows = [_HEADS, *(tuple(map(_printable, row)) for row in _rows(judged))]
    if len(rows) == 1:
        return f"{heading}\nNot judged yet."
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return "\n".join((heading, *(_line(row, widths) for row in rows)))


def as_html(heading: str, judged: Mapping[str, Block]) -> str:
    """The same as an HTML table, with everything escaped."""
    rows = "".join(f"<tr>{_cells('td', row)}</tr>" for row in _rows(judged))
    table = f"<table><thead><tr>{_cells('th', _HEADS)}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    return f"<p>{html.escape(_printable(heading))}</p>{table or '<p>Not judged yet.</p>'}"


def _rows(judged: Mapping[str, Block]) -> Iterator[tuple[str, ...]]:
    for name, block in judged.items():
        first = name
        for rate_name, rate in _rates(block):
            yield first, rate_name, str(rate), words.of(rate), f"{rate.unscored:,}"
            first = ""


def _rates(block: Block) -> Iterator[tuple[str, Rate]]:
    """The rates that say something: a guard has an unsafe rate and none of the three labels."""
    for field, name in _RATES.items():
        rate: Rate | None = getattr(block, field)
        guard_has_none = block.unsafe_rate is not None and field not in ("unsafe_rate", "accuracy")
        if rate is not None and (rate.n or rate.unscored) and not guard_has_none:
            yield name, rate


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cells(tag: str, row: Sequence[str]) -> str:
    return "".join(f"<{tag}>{html.escape(_printable(cell))}</{tag}>" for cell in row)


def _printable(text: str) -> str:
    """Text from a server or a file on one line: what could move a cursor or turn writing around is left out."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)
