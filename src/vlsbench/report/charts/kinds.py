"""The kinds of figure: data alone, drawn by the page and on paper alike, and readable as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from vlsbench.core import words
from vlsbench.core.types import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChart:
    """A figure's numbers, as text."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TitledTable:
    """Numbers that are read rather than drawn."""

    title: str
    about: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleAnswer:
    """What a model said, and what a judge calls it."""

    model: str
    text: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One sample and the answers of several models to it; `webp` is its picture in base64, empty for none."""

    title: str
    query: str
    about: str
    webp: str
    answers: tuple[ExampleAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bar: a value with its interval; `of` says over what, for example ``12 / 60``."""

    value: float | None
    low: float | None = None
    high: float | None = None
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars with intervals: one group of bars per name in `groups`, one bar in each per name in `series`.

    `unit` is ``share`` (of 1), ``points`` (differences of shares, between -1 and 1) or ``count``.
    """

    id: str
    title: str
    about: str
    groups: tuple[str, ...]
    series: tuple[str, ...]
    points: tuple[tuple[Point | None, ...], ...]
    """By series, then by group."""
    unit: str = "share"
    lines: tuple[float | None, ...] = ()
    """By series, where there are any: a value to compare its bars with."""
    line_name: str = ""

    def to_json(self) -> dict[str, object]:
        """What the page draws."""
        return _drawn(
            self,
            shown=[[self.value_shown(point) for point in row] for row in self.points],
            said=[[self.said(point) for point in row] for row in self.points],
            lines_shown=[words.percent(line) for line in self.lines],
        )

    def value_shown(self, point: Point | None) -> str:
        """A bar's value as text."""
        value = None if point is None else point.value
        if self.unit == "count" and value is not None:
            return f"{value:,.0f}"
        return words.signed(value) if self.unit == "points" else words.percent(value)

    def shown(self, point: Point | None) -> str:
        """A bar's value and its interval."""
        if self.unit == "count":
            return self.value_shown(point)
        return words.points(point) if self.unit == "points" else words.rate(point)

    def said(self, point: Point | None) -> str:
        """The same, and what it is over."""
        has_of = point is not None and point.value is not None and point.of
        return self.shown(point) + (f" ({point.of})" if point is not None and has_of else "")

    def table(self) -> TableChart:
        """A row per group and a column per series, each value with its interval and what it is over."""
        rows = [(group, *(self.said(row[g]) for row in self.points)) for g, group in enumerate(self.groups)]
        if self.lines:
            rows.append((self.line_name, *map(words.percent, self.lines)))
        return TableChart(head=("", *self.series), rows=tuple(rows))

    def alt(self) -> str:
        """The figure in words, for who cannot see it; long ones point to the table."""
        said = [
            f"{group}{', ' + name if len(self.series) > 1 else ''}: {self.shown(row[g])}"
            for g, group in enumerate(self.groups)
            for name, row in zip(self.series, self.points, strict=True)
            if row[g] is not None
        ]
        return _in_words(self.title, said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Shares that add up to one, as one stacked bar per name in `groups`; `counts` by part, then by group."""

    id: str
    title: str
    about: str
    groups: tuple[str, ...]
    parts: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, object]:
        """What the page draws."""
        return _drawn(self, shown=[[self.shown(p, g) for g in range(len(self.groups))] for p in range(len(self.parts))])

    def share(self, part: int, group: int) -> float:
        """A part's share of its bar; 0 for an empty bar."""
        total = sum(row[group] for row in self.counts)
        return self.counts[part][group] / total if total else 0.0

    def shown(self, part: int, group: int) -> str:
        """A part's share as text."""
        return words.percent(self.share(part, group))

    def table(self) -> TableChart:
        """A row per bar: counts and shares."""
        rows = tuple(
            (
                group,
                *(f"{row[g]:,} ({self.shown(p, g)})" for p, row in enumerate(self.counts)),
                f"{sum(row[g] for row in self.counts):,}",
            )
            for g, group in enumerate(self.groups)
        )
        return TableChart(head=("", *self.parts, "all"), rows=rows)

    def alt(self) -> str:
        """The figure in words."""
        return _in_words(
            self.title,
            [
                f"{group}: " + ", ".join(f"{part} {self.shown(p, g)}" for p, part in enumerate(self.parts))
                for g, group in enumerate(self.groups)
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Radar:
    """Small multiples of a radar: per panel, a polygon for each series over the same axes. Values are shares."""

    id: str
    title: str
    about: str
    axes: tuple[str, ...]
    series: tuple[str, ...]
    panels: tuple[tuple[str, tuple[tuple[float | None, ...], ...]], ...]
    """Name of the panel; values by series, then by axis."""

    def to_json(self) -> dict[str, object]:
        """What the page draws."""
        return _drawn(self, shown=[[[*map(words.percent, values)] for values in rows] for _, rows in self.panels])

    def table(self) -> TableChart:
        """A row per panel and series, a column per axis."""
        rows = tuple(
            (panel, name, *map(words.percent, values))
            for panel, rows in self.panels
            for name, values in zip(self.series, rows, strict=True)
        )
        return TableChart(head=("", "model", *self.axes), rows=rows)

    def alt(self) -> str:
        """The figure in words."""
        return _in_words(self.title, [f"{len(self.series)} models on {', '.join(self.axes)}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunburst:
    """Two rings: categories, and their sub-categories. `tree` maps category to sub-category to count."""

    id: str
    title: str
    about: str
    tree: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, object]:
        """What the page draws."""
        shown = {name: {sub: self.shown(k) for sub, k in subs.items()} for name, subs in self.tree.items()}
        sums = {name: self.shown(sum(subs.values())) for name, subs in self.tree.items()}
        return _drawn(self, shown=shown, sums_shown=sums)

    def shown(self, count: int) -> str:
        """A count with its share of all."""
        return f"{count:,} ({words.percent(count / self.total)})"

    @property
    def total(self) -> int:
        """How many samples there are."""
        return sum(sum(subs.values()) for subs in self.tree.values()) or 1

    def table(self) -> TableChart:
        """A row per sub-category, with its share of all."""
        rows = tuple(
            (category, sub, f"{count:,}", words.percent(count / self.total))
            for category, subs in self.tree.items()
            for sub, count in subs.items()
        )
        return TableChart(head=("category", "sub-category", "samples", "share"), rows=rows)

    def alt(self) -> str:
        """The figure in words."""
        return _in_words(self.title, [f"{name} {sum(subs.values()):,}" for name, subs in self.tree.items()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Words by how often they occur, the most frequent first."""

    id: str
    title: str
    about: str
    words: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, object]:
        """What the page draws."""
        return _drawn(self)

    def table(self) -> TableChart:
        """A row per word."""
        return TableChart(head=("word", "queries"), rows=tuple((word, f"{count:,}") for word, count in self.words))

    def alt(self) -> str:
        """The figure in words."""
        return _in_words(self.title, [f"{word} {count:,}" for word, count in self.words])


Figure = Bars | Stack | Radar | Sunburst | Cloud


def point(rate: Rate | None) -> Point | None:
    """A rate as a bar; None for a rate over nothing."""
    if rate is None or rate.value is None:
        return None
    of = "; ".join(filter(None, (words.of(rate), words.worth(rate))))
    return Point(value=rate.value, low=rate.low, high=rate.high, of=of)


def _drawn(figure: Figure, **shown: object) -> dict[str, object]:
    """What the page draws: the figure, and its numbers as texts, so that the page rounds nothing."""
    return {"kind": type(figure).__name__.lower(), **asdict(figure), "alt": figure.alt(), **shown}


def _in_words(title: str, said: Sequence[str], most: int = 12) -> str:
    more = f"; and {len(said) - most} more, in the table below" if len(said) > most else ""
    return f"{title}. {'; '.join(said[:most])}{more}."
