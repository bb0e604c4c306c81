"""The taxonomy on paper: two rings with numbers, and below them what these mean, since names do not fit a ring."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from vlsbench.report.charts import palette
from vlsbench.report.charts.kinds import Sunburst

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_LINE = 0.115
"""Height of a line of the key of the rings, in inches."""

_KEY_COLUMNS = 3


def height(figure: Sunburst, width: float) -> float:
    """What the rings and their key need, in inches."""
    return _rings(width) + _LINE * max(map(len, _key(figure, width))) + 0.1


def _rings(width: float) -> float:
    """Height of the two rings, in inches."""
    return min(width, 3.6) * 0.86


def _key(figure: Sunburst, width: float) -> list[list[tuple[str, int | None]]]:
    """What stands below the rings, in columns: categories (with their number) and their numbered sub-categories."""
    columns = _KEY_COLUMNS if width > 5 else _KEY_COLUMNS - 1
    blocks: list[list[tuple[str, int | None]]] = []
    number = 0
    for place, (name, subs) in enumerate(figure.tree.items()):
        block: list[tuple[str, int | None]] = [(line, place) for line in _key_wrapped(name)]
        for sub, count in subs.items():
            number += 1
            block += [(line, None) for line in _key_wrapped(f"{number} {sub} ({count:,})")]
        blocks.append(block)
    found: list[list[tuple[str, int | None]]] = [[] for _ in range(columns)]
    most, place = sum(map(len, blocks)) / columns, 0
    for block in blocks:
        # A category stays together; it goes where more than half of it fits.
        if found[place] and len(found[place]) + len(block) / 2 > most and place < columns - 1:
            place += 1
        found[place].extend(block)
    return found


def _key_wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 36, subsequent_indent="   ", break_long_words=False)


def draw(canvas: Canvas, figure: Sunburst) -> None:
    """Two rings with numbers beside the outer one, and below them what the numbers mean: names do not fit a ring."""
    from math import cos, pi, sin

    width, height = canvas.get_size_inches()
    canvas.set_layout_engine("none")
    size = _rings(width)
    axes: Axes = canvas.add_axes(((width - size) / 2 / width, 1 - size / height, size / width, size / height))
    colours = [palette.colour(number + number // len(palette.SERIES)) for number in range(len(figure.tree))]
    rings: dict[str, Any] = {"startangle": 90.0, "counterclock": False, "wedgeprops": {"edgecolor": "white"}}
    totals = [sum(subs.values()) for subs in figure.tree.values()]
    inner = {**rings, "wedgeprops": {"edgecolor": "white", "linewidth": 0.5, "width": 0.42}}
    axes.pie(totals, radius=0.6, colors=colours, **inner)
    outer = [(k, colour) for subs, colour in zip(figure.tree.values(), colours, strict=True) for k in subs.values()]
    outside = {**rings, "wedgeprops": {"edgecolor": "white", "linewidth": 0.5, "width": 0.38, "alpha": 0.75}}
    axes.pie([k for k, _ in outer], radius=1.0, colors=[colour for _, colour in outer], **outside)
    start = 0.0
    for number, (k, _) in enumerate(outer):
        turn = 2 * pi * (start + k / 2) / figure.total
        away = 1.07 if number % 2 else 1.13  # neighbours that are thin do not cover each other
        axes.text(away * sin(turn), away * cos(turn), str(number + 1), ha="center", va="center", size=palette.small())
        start += k
    axes.set_xlim(-1.2, 1.2)
    axes.set_ylim(-1.2, 1.2)
    _draw_key(canvas, _key(figure, width), colours, top=1 - size / height)


def _draw_key(canvas: Canvas, columns: list[list[tuple[str, int | None]]], colours: list[str], *, top: float) -> None:
    height = canvas.get_size_inches()[1]
    for place, column in enumerate(columns):
        for line, (text, category) in enumerate(column):
            y = top - _LINE * (line + 0.6) / height
            colour, weight = ("black", "normal") if category is None else (colours[category], "bold")
            canvas.text(
                0.02 + place / len(columns), y, text, size=palette.small(), color=colour, weight=weight, va="center"
            )
