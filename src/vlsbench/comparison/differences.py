"""The paired differences of every two runs, tested as one family, and the samples where runs part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from vlsbench import stats
from vlsbench.comparison.measures import HIT, MISS, OUTSIDE, PAIRED, Measure
from vlsbench.results.samples import ListedSample
from vlsbench.stats import Paired

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]

Key = Callable[[ListedSample], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One measure of the first run minus that of the second, on the samples that both scored.

    `first` and `second` are places in the list of runs. `group` is the category (or whatever the samples are
    grouped by), None for all samples. `p_holm` is the p-value adjusted for the whole family; None without data.
    """

    first: int
    second: int
    measure: str
    group: str | None
    paired: Paired
    p_holm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A sample that is a hit of a measure in one run and none in another; `outcomes` in order of the runs."""

    sample_id: str
    category: str
    sub_category: str
    measure: str
    outcomes: tuple[str, ...]


def pair(measure: Measure, first: int, second: int, chosen: Numbers | None = None, confidence: float = 0.95) -> Paired:
    """The paired difference of one measure between two runs.

    Args:
        measure: The measure.
        first: The place of the first run.
        second: The place of the second.
        chosen: Numbers of the units to look at; None for all.
        confidence: Coverage of the interval.
    """
    one, other, ways = measure.hits[first], measure.hits[second], measure.ways
    if chosen is not None:
        one, other, ways = one[chosen], other[chosen], tuple(way[chosen] for way in ways)
    both = (one <= HIT) & (other <= HIT)
    unscored = ~both & (one != OUTSIDE) & (other != OUTSIDE)
    return stats.paired(
        one[both] == HIT,
        other[both] == HIT,
        *(way[both] for way in ways),
        unscored=int(unscored.sum()),
        confidence=confidence,
    )


def differences(measures: Sequence[Measure], runs: int, key: Key | None) -> tuple[tuple[Difference, ...], int]:
    """All differences between every two runs, and the size of the family they were adjusted in.

    Every measure is tested over all samples; the first, main one also within each group. All tests that have
    data make one family for Holm's adjustment.

    Args:
        measures: The main measure first.
        runs: How many runs.
        key: What the samples are grouped by; None for no groups.
    """
    pairs = list(combinations(range(runs), 2))
    found = [_difference(measure, first, second) for first, second in pairs for measure in measures]
    if measures and key is not None and len(groups := _groups(measures[0], key)) > 1:
        found += [
            _difference(measures[0], first, second, name, chosen)
            for first, second in pairs
            for name, chosen in groups.items()
        ]
    p_values = {number: each.paired.p_value for number, each in enumerate(found) if each.paired.p_value is not None}
    adjusted = stats.holm(p_values)
    return tuple(
        Difference(
            first=each.first,
            second=each.second,
            measure=each.measure,
            group=each.group,
            paired=each.paired,
            p_holm=adjusted.get(number),
        )
        for number, each in enumerate(found)
    ), len(p_values)


def _difference(
    measure: Measure, first: int, second: int, group: str | None = None, chosen: Numbers | None = None
) -> Difference:
    paired = pair(measure, first, second, chosen)
    return Difference(first=first, second=second, measure=measure.name, group=group, paired=paired)


def _groups(measure: Measure, key: Key) -> dict[str, Numbers]:
    """The numbers of the units of each group, groups in order of their names."""
    import numpy as np

    found: dict[str, list[int]] = {}
    for number, item in enumerate(measure.items):
        found.setdefault(key(item), []).append(number)
    return {name: np.array(numbers) for name, numbers in sorted(found.items())}


def differing(measures: Sequence[Measure], outcome: Callable[[int, str], str]) -> tuple[Differing, ...]:
    """The samples where runs part; pairs of twins are left to their halves.

    Args:
        measures: What the runs are compared by.
        outcome: A sample's label in the run at some place.
    """
    found = []
    for measure in measures:
        if measure.name == PAIRED:
            continue
        hit = miss = measure.hits[0] < MISS  # nowhere
        for hits in measure.hits:
            hit, miss = hit | (hits == HIT), miss | (hits == MISS)
        for number in (hit & miss).nonzero()[0].tolist():
            item = measure.items[number]
            found.append(
                Differing(
                    sample_id=item.id,
                    category=item.category,
                    sub_category=item.sub_category,
                    measure=measure.name,
                    outcomes=tuple(outcome(place, item.id) for place in range(len(measure.hits))),
                )
            )
    return tuple(found)
