"""The kinds of figure: data alone, drawn by the page and on paper alike, and readable as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from vlsbench.core.types import Rate
from vlsbench.report.terminal.summary import percent

_NO_VALUE = "–"


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
class Point:
    """One bar: a value with its interval; `of` says over what, for example ``12 / 60``."""

    value: float | None
    low: float | None = None
    high: float | None = None
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars with intervals: one group of bars per name in `groups`, one bar in each per name in `series`.

    `unit` is ``share`` (values between 0 and 1, or -1 and 1) or ``count``.
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
        return {"kind": "bars", **asdict(self), "alt": self.alt()}

    def shown(self, point: Point | None) -> str:
        """A bar's value as text."""
        if point is None or point.value is None:
            return _NO_VALUE
        if self.unit == "count":
            return f"{point.value:,.0f}"
        rate = Rate(k=0, n=0, value=point.value, low=point.low, high=point.high, method="")
        return percent(rate)

    def table(self) -> TableChart:
        """A row per group and a column per series, each value with its interval and what it is over."""
        with_of = any(point is not None and point.of for row in self.points for point in row)
        rows = []
        for g, group in enumerate(self.groups):
            cells = [group]
            for row in self.points:
                point = row[g]
                of = f" ({point.of})" if with_of and point is not None and point.value is not None and point.of else ""
                cells.append(self.shown(point) + of)
            rows.append(tuple(cells))
        if self.lines:
            rows.append((self.line_name, *(_NO_VALUE if line is None else percent_of(line) for line in self.lines)))
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
        return {"kind": "stack", **asdict(self), "alt": self.alt()}

    def share(self, part: int, group: int) -> float:
        """A part's share of its bar; 0 for an empty bar."""
        total = sum(row[group] for row in self.counts)
        return self.counts[part][group] / total if total else 0.0

    def table(self) -> TableChart:
        """A row per bar: counts and shares."""
        rows = tuple(
            (
                group,
                *(f"{row[g]:,} ({percent_of(self.share(p, g))})" for p, row in enumerate(self.counts)),
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
                f"{group}: " + ", ".join(f"{part} {percent_of(self.share(p, g))}" for p, part in enumerate(self.parts))
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
        return {"kind": "radar", **asdict(self), "alt": self.alt()}

    def table(self) -> TableChart:
        """A row per panel and series, a column per axis."""
        rows = tuple(
            (panel, name, *(_NO_VALUE if value is None else percent_of(value) for value in values))
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
        return {"kind": "sunburst", **asdict(self), "alt": self.alt()}

    def table(self) -> TableChart:
        """A row per sub-category, with its share of all."""
        total = sum(sum(subs.values()) for subs in self.tree.values()) or 1
        rows = tuple(
            (category, sub, f"{count:,}", percent_of(count / total))
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
        return {"kind": "cloud", **asdict(self), "alt": self.alt()}

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
    return Point(value=rate.value, low=rate.low, high=rate.high, of=f"{rate.k:,} / {rate.n:,}")


def percent_of(share: float) -> str:
    """``58.5 %``."""
    return f"{100 * share:.1f} %"


def _in_words(title: str, said: Sequence[str], most: int = 12) -> str:
    more = f"; and {len(said) - most} more, in the table below" if len(said) > most else ""
    return f"{title}. {'; '.join(said[:most])}{more}."
