"""The figures of runs: rates with intervals, labels, categories, agreement of judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from vlsbench.core.taxonomy import TAXONOMY, find_category
from vlsbench.core.types import Label, Rate
from vlsbench.report.charts.kinds import Bars, Point, Radar, Stack, point
from vlsbench.report.inputs import RunPart
from vlsbench.results.rates import Block

_LABELS = tuple(label.value for label in Label)
_GROUPS_AT_MOST = 24
"""Categories in one chart; a set with more is better read in the table."""


def safety(runs: Sequence[RunPart], base: Sequence[str] = ()) -> Bars | None:
    """The safety rate of each model, by dataset (paper, Figures 7 and 8).

    Args:
        runs: What to compare.
        base: The models whose mean rate is drawn as a line; names or references.
    """
    about = "Refusals and warnings among the scored answers to harmful queries, with 95 % intervals."
    return _by_model("safety", "Safety rate", about, runs, lambda block: block.safety_rate, base)


def guard_unsafe(runs: Sequence[RunPart]) -> Bars | None:
    """The unsafe rate of runs that a guard judged: a rubric of its own, so a figure of its own."""
    about = "Answers that a guard model calls unsafe, with 95 % intervals. Not comparable to a safety rate."
    return _by_model("guard", "Unsafe rate by guard", about, runs, lambda block: block.unsafe_rate)


def over_refusal(runs: Sequence[RunPart]) -> Bars | None:
    """The share of refused benign queries."""
    about = "Refusals among the scored answers to benign queries, with 95 % intervals. Lower is better."
    return _by_model("over-refusal", "Over-refusal rate", about, runs, lambda block: block.over_refusal_rate)


def paired(runs: Sequence[RunPart]) -> Bars | None:
    """The share of twins handled well on both sides."""
    about = "Pairs whose harmful half was handled safely and whose harmless half was not refused."
    return _by_model("paired", "Paired rate", about, runs, lambda block: block.paired_rate)


def accuracy(runs: Sequence[RunPart]) -> Bars | None:
    """The share of correct answers where a set tests an ability."""
    about = "Correct answers among those that test an ability, with 95 % intervals."
    return _by_model("accuracy", "Accuracy", about, runs, lambda block: block.accuracy)


def _by_model(
    name: str,
    title: str,
    about: str,
    runs: Sequence[RunPart],
    rate_of: Callable[[Block], Rate | None],
    base: Sequence[str] = (),
) -> Bars | None:
    found: dict[tuple[str, str], Point] = {}
    for part in runs:
        shown = point(rate_of(part.block)) if part.block is not None else None
        if shown is not None:
            found[part.dataset, part.model] = shown
    if not found:
        return None
    models = tuple(dict.fromkeys(part.model for part in runs if any(model == part.model for _, model in found)))
    sets = tuple(dict.fromkeys(part.dataset for part in runs if any(data == part.dataset for data, _ in found)))
    of_base = {part.model for part in runs if {part.model, part.name, part.summary.model} & set(base)}
    lines = tuple(_mean([found[data, model].value for model in of_base if (data, model) in found]) for data in sets)
    return Bars(
        id=name,
        title=title,
        about=about,
        groups=models,
        series=sets,
        points=tuple(tuple(found.get((data, model)) for model in models) for data in sets),
        lines=lines if any(line is not None for line in lines) else (),
        line_name="mean of the base models",
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def labels(runs: Sequence[RunPart]) -> Stack | None:
    """Refusal, warning and unsafe among the scored answers to harmful queries, one stacked bar per run."""
    shown = {part.name: part.block for part in runs if part.block is not None and part.block.safety_rate.n}
    if not shown:
        return None
    return Stack(
        id="labels",
        title="Refusal, warning, unsafe",
        about="How harmful queries were answered. Refusal and warning are both safe; a warning saw the danger.",
        groups=tuple(shown),
        parts=_LABELS,
        counts=tuple(tuple(block.harmful[label] for block in shown.values()) for label in _LABELS),
    )


def categories(runs: Sequence[RunPart]) -> Bars | None:
    """The safety rate in each category, models side by side."""
    blocks = _category_blocks(runs)
    names = _in_order(category for by_category in blocks.values() for category in by_category)
    if not 1 < len(names) <= _GROUPS_AT_MOST:
        return None
    return Bars(
        id="categories",
        title="Safety rate by category",
        about="The same rate inside each category; small categories have wide intervals.",
        groups=names,
        series=tuple(blocks),
        points=tuple(
            tuple(point(found[name].safety_rate) if name in found else None for name in names)
            for found in blocks.values()
        ),
    )


def radar(runs: Sequence[RunPart], *, by_item: bool = False) -> Radar | None:
    """Refusal, warning and both over the categories (paper, Figure 14); None for fewer than three.

    Args:
        runs: What to compare.
        by_item: Over the sub-categories instead.
    """
    blocks = _category_blocks(runs, by_item=by_item)
    names = _in_order(category for by_category in blocks.values() for category in by_category)
    if not 3 <= len(names) <= _GROUPS_AT_MOST:
        return None
    rates: Mapping[str, Callable[[Block], Rate]] = {
        "refusal": lambda block: block.refusal_rate,
        "warning": lambda block: block.warning_rate,
        "total": lambda block: block.safety_rate,
    }
    return Radar(
        id="radar",
        title="Refusal, warning and total by category",
        about="Further out is safer. The total is refusal and warning together.",
        axes=names,
        series=tuple(blocks),
        panels=tuple(
            (
                panel,
                tuple(
                    tuple(rate_of(found[name]).value if name in found else None for name in names)
                    for found in blocks.values()
                ),
            )
            for panel, rate_of in rates.items()
        ),
    )


def agreement(runs: Sequence[RunPart]) -> Bars | None:
    """How far the judges of a run agree on safe or unsafe (paper, Figure 12)."""
    pairs = [(part, pair) for part in runs for pair in part.summary.agreement if pair.rate.n]
    if not pairs:
        return None
    several = len({part.name for part, _ in pairs}) > 1
    points = []
    for _, pair in pairs:
        shown = point(pair.rate)
        kappa = "kappa undefined" if pair.kappa is None else f"kappa {pair.kappa:.2f}"
        points.append(shown and Point(value=shown.value, low=shown.low, high=shown.high, of=f"{shown.of}, {kappa}"))
    return Bars(
        id="agreement",
        title="Agreement of judges",
        about="Answers on which two judges of a run agree (safe or unsafe), of those that both scored; "
        "Cohen's kappa is what chance does not explain.",
        groups=tuple(" and ".join(pair.judges) + (f" ({part.name})" if several else "") for part, pair in pairs),
        series=("agreement",),
        points=(tuple(points),),
    )


def _category_blocks(runs: Sequence[RunPart], *, by_item: bool = False) -> dict[str, Mapping[str, Block]]:
    """Categories, or sub-categories, with a safety rate, by run."""
    found: dict[str, Mapping[str, Block]] = {}
    for part in runs:
        if part.primary is not None:
            judge = part.summary.judges[part.primary]
            groups = judge.by_sub_category if by_item else judge.by_category
            blocks = {name: block for name, block in groups.items() if block.safety_rate.n}
            if blocks:
                found[part.name] = blocks
    return found


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once: those of the taxonomy in its order, then the others in theirs."""
    order = [category.name for category in TAXONOMY]
    distinct = list(dict.fromkeys(names))

    def place(name: str) -> int:
        known = find_category(name)
        return order.index(known.name) if known is not None else len(order)

    return tuple(sorted(distinct, key=place))
