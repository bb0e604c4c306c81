"""What the image adds: the figures of an ablation, from the judged runs of its conditions.

The visual gain of a condition is the share of safe answers under ``full`` minus that under the condition, on
the harmful samples that have a verdict under both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vlsbench import stats
from vlsbench.ablation.conditions import FULL, TEXT
from vlsbench.core.types import Rate
from vlsbench.results import samples
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.rates import Block, JudgeRates
from vlsbench.results.samples import ListedSample
from vlsbench.stats import Paired


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The figures of one condition by itself; `run` is the name of its folder."""

    run: str
    overall: Block
    by_category: Mapping[str, Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Full minus one condition. `p_holm` is the p-value adjusted for all conditions of the ablation."""

    overall: Paired
    p_holm: float | None
    by_category: Mapping[str, Paired]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Of the answers that are safe under full, the share that is safe under another condition too."""

    overall: Rate
    by_category: Mapping[str, Rate]


def condition(name: str, run: JudgedRun) -> Condition:
    """The figures of one condition by itself."""
    items = list(run.items)
    figures = JudgeRates(items, run.outcomes, run.labels)
    return Condition(run=name, overall=run.overall(), by_category=figures.by(lambda item: item.category))


def gains(runs: Mapping[str, JudgedRun]) -> dict[str, Gain]:
    """The visual gain of each condition but full.

    Args:
        runs: The judged run of each condition, ``full`` among them.
    """
    full = runs[FULL]
    groups = _by_category(full)
    overall = {name: _paired(full, run, _harmful(full)) for name, run in runs.items() if name != FULL}
    tested = {name: gain.p_value for name, gain in overall.items() if gain.p_value is not None}
    adjusted = stats.holm(tested)
    return {
        name: Gain(
            overall=gain,
            p_holm=adjusted.get(name),
            by_category={category: _paired(full, runs[name], items) for category, items in groups.items()},
        )
        for name, gain in overall.items()
    }


def explained_by_text(runs: Mapping[str, JudgedRun]) -> Explained | None:
    """The share of safe answers that the text alone explains; None where the text alone was not asked."""
    if TEXT not in runs:
        return None
    full, text = runs[FULL], runs[TEXT]
    return Explained(
        overall=_kept(full, text, _harmful(full)),
        by_category={category: _kept(full, text, items) for category, items in _by_category(full).items()},
    )


def _harmful(run: JudgedRun) -> list[ListedSample]:
    return [item for item in run.items if item.harmful]


def _by_category(run: JudgedRun) -> dict[str, list[ListedSample]]:
    groups: dict[str, list[ListedSample]] = {}
    for item in _harmful(run):
        groups.setdefault(item.category, []).append(item)
    return dict(sorted(groups.items()))


def _paired(full: JudgedRun, other: JudgedRun, items: Sequence[ListedSample]) -> Paired:
    both = list(_scored(full, other, items))
    return stats.paired_of(
        [one for _, one, _ in both],
        [two for _, _, two in both],
        samples.dependence([item for item, _, _ in both]),
        unscored=len(items) - len(both),
    )


def _kept(full: JudgedRun, other: JudgedRun, items: Sequence[ListedSample]) -> Rate:
    safe = [item for item in items if full.is_safe(item.id)]
    both = list(_scored(full, other, safe))
    return stats.rate_of(
        [two for _, _, two in both],
        samples.dependence([item for item, _, _ in both]),
        unscored=len(safe) - len(both),
    )


def _scored(
    full: JudgedRun, other: JudgedRun, items: Iterable[ListedSample]
) -> Iterable[tuple[ListedSample, bool, bool]]:
    """The samples with a verdict in both runs, and whether each of the two is safe."""
    for item in items:
        one, two = full.is_safe(item.id), other.is_safe(item.id)
        if one is not None and two is not None:
            yield item, one, two
