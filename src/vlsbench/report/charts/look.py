"""What a user may choose of a figure on paper: font, colours, order and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vlsbench.core.errors import UserError
from vlsbench.report.charts.kinds import Bars, Figure, Radar, Stack, Sunburst

BY_VALUE = "value"
"""The order that puts the greatest value first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a figure should look.

    `font` is a family that Matplotlib finds, `size` its points; `colours` replace those of the series, in their order.
    `order` holds names in the order in which they should stand (others follow), or `BY_VALUE` alone. `labels` maps
    names to what should stand in their place.
    """

    font: str | None = None
    size: float = 7.0
    colours: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def arranged(figure: Figure, look: Look) -> Figure:
    """The figure in another order and with other labels.

    Raises:
        UserError: A name is not in the figure, or it has no order by value.
    """
    _check_names(figure, [name for name in look.order if look.order != (BY_VALUE,)])
    _check_names(figure, look.labels)
    return _labelled(_ordered(figure, look.order), look.labels) if look.order or look.labels else figure


def _names(figure: Figure) -> tuple[str, ...]:
    if isinstance(figure, Bars):
        return (*figure.groups, *figure.series)
    if isinstance(figure, Stack):
        return (*figure.groups, *figure.parts)
    if isinstance(figure, Radar):
        return (*figure.axes, *figure.series, *(name for name, _ in figure.panels))
    if isinstance(figure, Sunburst):
        return (*figure.tree, *(sub for subs in figure.tree.values() for sub in subs))
    return tuple(word for word, _ in figure.words)


def _check_names(figure: Figure, names: Sequence[str] | Mapping[str, str]) -> None:
    known = _names(figure)
    for name in names:
        if name not in known:
            raise UserError(f"The figure has no {name!r}. It has: {', '.join(known)}.")


def _places(names: Sequence[str], order: Sequence[str]) -> list[int]:
    """The numbers of the names in the order that is asked for; those not named follow as they were."""
    wanted = {name: place for place, name in enumerate(order)}
    return sorted(range(len(names)), key=lambda number: wanted.get(names[number], len(wanted)))


def _ordered(figure: Figure, order: tuple[str, ...]) -> Figure:
    if not order:
        return figure
    if isinstance(figure, Bars):
        return _ordered_bars(figure, order)
    if isinstance(figure, Stack):
        by_value = sorted(range(len(figure.groups)), key=lambda group: -figure.share(0, group))
        groups = by_value if order == (BY_VALUE,) else _places(figure.groups, order)
        counts = tuple(tuple(row[group] for group in groups) for row in figure.counts)
        return replace(figure, groups=tuple(figure.groups[group] for group in groups), counts=counts)
    if order == (BY_VALUE,):
        raise UserError("This figure has no order by value; give the names in the order that you want.")
    if isinstance(figure, Radar):
        series, axes = _places(figure.series, order), _places(figure.axes, order)
        panels = tuple((name, tuple(tuple(rows[s][a] for a in axes) for s in series)) for name, rows in figure.panels)
        named = {"series": tuple(figure.series[s] for s in series), "axes": tuple(figure.axes[a] for a in axes)}
        return replace(figure, panels=panels, series=named["series"], axes=named["axes"])
    if isinstance(figure, Sunburst):
        names = list(figure.tree)
        return replace(figure, tree={names[place]: figure.tree[names[place]] for place in _places(names, order)})
    return figure


def _ordered_bars(figure: Bars, order: tuple[str, ...]) -> Bars:
    first = [point.value if point is not None and point.value is not None else -2.0 for point in figure.points[0]]
    by_value = sorted(range(len(figure.groups)), key=lambda group: -first[group])
    groups = by_value if order == (BY_VALUE,) else _places(figure.groups, order)
    series = _places(figure.series, order)
    return replace(
        figure,
        groups=tuple(figure.groups[group] for group in groups),
        series=tuple(figure.series[number] for number in series),
        points=tuple(tuple(figure.points[number][group] for group in groups) for number in series),
        lines=tuple(figure.lines[number] for number in series) if figure.lines else (),
    )


def _labelled(figure: Figure, labels: Mapping[str, str]) -> Figure:
    def shown(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(labels.get(name, name) for name in names)

    if isinstance(figure, Bars):
        return replace(figure, groups=shown(figure.groups), series=shown(figure.series))
    if isinstance(figure, Stack):
        return replace(figure, groups=shown(figure.groups), parts=shown(figure.parts))
    if isinstance(figure, Radar):
        panels = tuple((labels.get(name, name), rows) for name, rows in figure.panels)
        return replace(figure, axes=shown(figure.axes), series=shown(figure.series), panels=panels)
    if isinstance(figure, Sunburst):
        tree = {
            labels.get(name, name): {labels.get(sub, sub): count for sub, count in subs.items()}
            for name, subs in figure.tree.items()
        }
        return replace(figure, tree=tree)
    return replace(figure, words=tuple((labels.get(word, word), count) for word, count in figure.words))
