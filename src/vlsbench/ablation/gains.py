"""What the image adds: the figures of an ablation, from the judged runs of its conditions.

The visual gain of a condition is the share of safe answers under ``full`` minus that under the condition, on
the harmful samples that have a verdict under both.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vlsbench import stats
from vlsbench.ablation.conditions import FULL, TEXT
from vlsbench.core.types import Correctness, Rate
from vlsbench.results import samples
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.missing import Missing, Tested, weigh
from vlsbench.results.rates import Block, JudgeRates
from vlsbench.results.samples import ListedSample
from vlsbench.stats import Completions, Paired

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The figures of one condition by itself; `run` is the name of its folder."""

    run: str
    overall: Block
    by_category: Mapping[str, Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedGain:
    """Full minus one condition on some samples. `missing` says what the missing verdicts leave open of it.

    `p_holm` is the p-value adjusted for all conditions of the ablation; within categories, for all of those too.
    """

    paired: Paired
    p_holm: float | None
    missing: Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Full minus one condition, over all harmful samples and by category."""

    overall: PairedGain
    by_category: Mapping[str, PairedGain]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Of the answers that are safe under full, the share that is safe under another condition too."""

    overall: Rate
    by_category: Mapping[str, Rate]


def condition(name: str, run: JudgedRun) -> Condition:
    """The figures of one condition by itself."""
    items = list(run.items)
    figures = JudgeRates(items, run.outcomes, run.labels, run.scores)
    return Condition(run=name, overall=run.overall(), by_category=figures.by(lambda item: item.category))


def gains(runs: Mapping[str, JudgedRun]) -> dict[str, Gain]:
    """The visual gain of each condition but full.

    Args:
        runs: The judged run of each condition, ``full`` among them.
    """
    full = runs[FULL]
    groups = _by_category(full)
    others = {name: run for name, run in runs.items() if name != FULL}
    overall = _family({name: _tested(full, run, _harmful(full)) for name, run in others.items()})
    within = _family(
        {
            (name, category): _tested(full, run, items)
            for name, run in others.items()
            for category, items in groups.items()
        }
    )
    return {
        name: Gain(overall=gain, by_category={category: within[name, category] for category in groups})
        for name, gain in overall.items()
    }


def _family(tested: Mapping[Key, Tested]) -> dict[Key, PairedGain]:
    """Gains that are adjusted together."""
    p_values = {key: each.paired.p_value for key, each in tested.items() if each.paired.p_value is not None}
    adjusted = stats.holm(p_values)
    missing = weigh(tested, adjusted)
    return {
        key: PairedGain(paired=each.paired, p_holm=adjusted.get(key), missing=missing[key])
        for key, each in tested.items()
    }


def _tested(full: JudgedRun, run: JudgedRun, items: Sequence[ListedSample]) -> Tested:
    return Tested(paired=_paired(full, run, items), completions=_completions(full, run, items))


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


def _completions(full: JudgedRun, other: JudgedRun, items: Sequence[ListedSample]) -> Completions | None:
    """The completions of missing verdicts; samples that test an ability are not about safety."""
    import numpy as np

    asked = [item for item in items if not {full.outcome(item.id), other.outcome(item.id)} & set(Correctness)]
    if not asked:
        return None
    bounds = [(_least_and_most(full.is_safe(item.id)), _least_and_most(other.is_safe(item.id))) for item in asked]
    lowest = np.array([one[0] - two[1] for one, two in bounds], dtype=np.int64)
    highest = np.array([one[1] - two[0] for one, two in bounds], dtype=np.int64)
    return Completions(lowest, highest, samples.dependence(asked))


def _least_and_most(safe: bool | None) -> tuple[int, int]:
    return (0, 1) if safe is None else (int(safe), int(safe))


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
