"""Figures on paper: the same values as in the page, drawn by Matplotlib at the width of a column."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlsbench.core import words
from vlsbench.core.errors import MissingExtra, Stopped, UserError
from vlsbench.report.charts import palette, rings
from vlsbench.report.charts.kinds import Bars, Cloud, Figure, Radar, Stack, Sunburst
from vlsbench.report.charts.look import Look, arranged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

FORMATS = (".pdf", ".svg", ".png")
WIDTHS = {"column": 3.35, "page": 7.0}
"""Inches: one column of a two-column paper, and both."""

_HATCHES = ("", "////", "....", "xxxx")
_DASHES = ("-", "--", ":", "-.")
_PARTS = ("#2f6db5", "#d9912a", "#b5332c", "#77797f")
_STYLE = {
    "font.size": 7,
    "font.family": "sans-serif",
    "axes.titlesize": 8,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0,
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "pdf.fonttype": 42,  # text stays text, as publishers ask
    "svg.fonttype": "none",
    "svg.hashsalt": "vlsbench",  # the same figure is the same file
    "savefig.dpi": 300,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
}


def save(figure: Figure, out: Path, *, width: str = "column", look: Look | None = None) -> None:
    """Draw a figure into a file.

    Args:
        figure: What to draw.
        out: A ``.pdf``, ``.svg`` or ``.png`` file.
        width: ``column`` or ``page``.
        look: Font, colours, order and labels.

    Raises:
        UserError: The file has another ending, is a folder, or lies in none; or the look asks for what there is not.
        MissingExtra: Matplotlib (for word clouds also wordcloud) is not installed.
        Stopped: The file cannot be written.
    """
    check_out(out)
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise MissingExtra("matplotlib", "report") from error
    look = look or Look()
    figure = arranged(figure, look)
    with mpl.rc_context(_style(look)):
        inches = WIDTHS[width]
        canvas = Canvas(figsize=(inches, _height(figure, inches)), layout="constrained")
        _DRAW[type(figure)](canvas, figure)
        part = out.with_name(f".{out.name}.part")
        try:
            canvas.savefig(part, format=out.suffix[1:].lower(), metadata=_METADATA.get(out.suffix.lower()))
            part.replace(out)
        except OSError as error:
            raise Stopped(f"Cannot write {out}: {error.strerror}.") from error
        finally:
            part.unlink(missing_ok=True)


def _style(look: Look) -> dict[str, Any]:
    """The settings of Matplotlib for a look."""
    from cycler import cycler
    from matplotlib import colors, font_manager

    for colour in look.colours:
        if not colors.is_color_like(colour):
            raise UserError(f"{colour!r} is no colour; write a name such as navy, or #2b4c9b.")
    style = {**_STYLE, "font.size": look.size, "axes.titlesize": look.size + 1, "legend.fontsize": look.size - 0.5}
    style["axes.prop_cycle"] = cycler(color=[*look.colours, *palette.SERIES[len(look.colours) :]])
    if look.font is not None:
        try:
            font_manager.findfont(look.font, fallback_to_default=False)
        except ValueError as error:
            known = ", ".join(sorted(font_manager.get_font_names())[:12])
            raise UserError(f"There is no font {look.font!r} here. Among those that there are: {known}.") from error
        style["font.family"] = look.font
    return style


_WHISKER: dict[str, Any] = {"elinewidth": 0.6, "capsize": 1.5, "capthick": 0.6}
_METADATA: dict[str, dict[str, None]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


def check_out(out: Path) -> None:
    """Nothing, where a figure can be written; raises `UserError`."""
    if out.is_dir():
        raise UserError(f"{out} is a folder; name a file, for example --out {out / 'figure.pdf'}.")
    if out.suffix.lower() not in FORMATS:
        raise UserError(f"--out takes a file that ends in {', '.join(FORMATS)}, not {out}.")
    if not out.parent.is_dir():
        raise UserError(f"There is no folder {out.parent}; make it first, or choose another --out.")


def _height(figure: Figure, width: float) -> float:
    if isinstance(figure, Bars):
        lines = sum(max(1.0, len(figure.series), 0.9 * _wrapped(name).count("\n") + 0.9) for name in figure.groups)
        return 0.7 + 0.1 * len(figure.groups) + 0.11 * lines + 0.12 * len(figure.series)
    if isinstance(figure, Stack):
        return 0.75 + 0.24 * len(figure.groups)
    if isinstance(figure, Radar):
        return width * (0.42 if width > 5 else 0.5) + 0.12 * len(figure.series)
    return rings.height(figure, width) if isinstance(figure, Sunburst) else width * 0.6


def _bars(canvas: Canvas, figure: Bars) -> None:
    axes: Axes = canvas.subplots()
    several = len(figure.series)
    thick = 0.8 / several
    for s, (name, row) in enumerate(zip(figure.series, figure.points, strict=True)):
        colour, hatch = palette.colour(s), _HATCHES[s // len(palette.SERIES) % len(_HATCHES)]
        places = [(g + (s - (several - 1) / 2) * thick, p) for g, p in enumerate(row) if p is not None]
        drawn = [(y, p, p.value) for y, p in places if p.value is not None]
        fill: dict[str, Any] = {"facecolor": "white", "edgecolor": colour} if hatch else {"color": colour}
        heights, values = [y for y, _, _ in drawn], [value for *_, value in drawn]
        axes.barh(heights, values, thick * 0.9, label=name, alpha=0.88, hatch=hatch, **fill)
        for y, p, value in drawn:
            if p.low is not None and p.high is not None:
                ends = [[value - p.low], [p.high - value]]
                axes.errorbar([value], [y], xerr=ends, fmt="none", ecolor="black", **_WHISKER)
            axes.annotate(
                figure.value_shown(p),
                (max(value, p.high or 0, 0), y),
                (3, 0),
                textcoords="offset points",
                va="center",
                size=palette.small(1.5),
                annotation_clip=False,
            )
        line = figure.lines[s] if figure.lines else None
        if line is not None:
            axes.axvline(line, color=colour if several > 1 else "black", linewidth=0.7, linestyle="--")
    axes.set_yticks(range(len(figure.groups)), [_wrapped(name) for name in figure.groups])
    axes.invert_yaxis()
    if figure.unit == "points":
        axes.set_xlim(-1, 1)
        axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−100", "−50", "0", "+50", "+100"])
        axes.set_xlabel("Difference (percentage points)")
    elif figure.unit == "share":
        _percent_axis(axes, figure.title)
    else:
        axes.set_xlabel("Number of samples")
    if several > 1:
        _legend(canvas, axes)


def _wrapped(name: str) -> str:
    """A long name in several lines, of whole words."""
    return "\n".join(textwrap.wrap(name, 26, break_long_words=False)) or name


def _percent_axis(axes: Axes, title: str) -> None:
    """An axis from 0 to 100 %, with what it shows."""
    ticks = [0, 0.25, 0.5, 0.75, 1.0]
    axes.set_xlim(0, 1)
    axes.set_xticks(ticks, [f"{100 * tick:.0f}" for tick in ticks])
    axes.set_xlabel(f"{title} (%)")


def _legend(canvas: Canvas, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside upper center", ncols=2 if max(map(len, names)) < 22 else 1)


def _stack(canvas: Canvas, figure: Stack) -> None:
    axes: Axes = canvas.subplots()
    places = range(len(figure.groups))
    start = [0.0] * len(figure.groups)
    for p, part in enumerate(figure.parts):
        shares = [figure.share(p, g) for g in places]
        axes.barh(places, shares, 0.7, left=start, color=_PARTS[p % len(_PARTS)], label=part)
        for g, share in enumerate(shares):
            if share >= 0.1:
                axes.text(
                    start[g] + share / 2,
                    g,
                    words.bare(share),
                    ha="center",
                    va="center",
                    color="white",
                    size=palette.small(),
                )
        start = [low + share for low, share in zip(start, shares, strict=True)]
    axes.set_yticks(places, [_wrapped(name) for name in figure.groups])
    axes.invert_yaxis()
    _percent_axis(axes, "Share of scored answers")
    handles, names = axes.get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside upper center", ncols=len(names))


def _radar(canvas: Canvas, figure: Radar) -> None:
    from math import nan, pi

    turns = [2 * pi * a / len(figure.axes) for a in range(len(figure.axes))]
    grid = canvas.subplots(1, len(figure.panels), subplot_kw={"projection": "polar"}, squeeze=False)[0]
    for axes, (panel, rows) in zip(grid, figure.panels, strict=True):
        axes.set_theta_offset(pi / 2)
        axes.set_theta_direction(-1)
        axes.set_xticks(turns, [_wrapped(axis).replace(" ", "\n") for axis in figure.axes], size=palette.small(2))
        axes.set_ylim(0, 1)
        axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "50 %", "", "100 %"], size=palette.small(2.5), color="0.35")
        axes.set_rlabel_position(180 / len(figure.axes))  # between the first two axes
        axes.grid(linewidth=0.3)
        axes.set_title(panel)
        for s, (name, values) in enumerate(zip(figure.series, rows, strict=True)):
            # What is not known is a gap: no line leads to it.
            closed = [nan if value is None else value for value in (*values, values[0])]
            dashes = _DASHES[s % 2 + 2 * (s // len(palette.SERIES) % 2)]
            axes.plot([*turns, turns[0]], closed, color=palette.colour(s), linestyle=dashes, linewidth=0.8, label=name,
                      marker="o", markersize=1.6)  # fmt: skip
    handles, names = grid[0].get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside lower center", ncols=3)


def _cloud(canvas: Canvas, figure: Cloud) -> None:
    try:
        from wordcloud import WordCloud
    except ImportError as error:
        raise MissingExtra("wordcloud", "report") from error
    made = WordCloud(
        width=1500, height=900, background_color="white", prefer_horizontal=0.92, random_state=0,
        color_func=lambda word, **_: palette.colour(sum(map(ord, word)) % len(palette.SERIES)),
    )  # fmt: skip
    made.generate_from_frequencies(dict(figure.words))
    axes: Axes = canvas.subplots()
    axes.imshow(made.to_array(), interpolation="bilinear")
    axes.set_axis_off()


_DRAW: dict[type[Figure], Callable[[Canvas, Any], None]] = {
    Bars: _bars,
    Stack: _stack,
    Radar: _radar,
    Sunburst: rings.draw,
    Cloud: _cloud,
}
