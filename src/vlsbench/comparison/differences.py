"""The paired differences of every two runs, tested as one family, and the samples where runs part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from vlsbench import stats
from vlsbench.comparison.measures import HIT, MISS, OUTSIDE, PAIRED, UNSCORED, Measure
from vlsbench.results.missing import Missing, Tested, weigh
from vlsbench.results.samples import ListedSample
from vlsbench.stats import Completions, Dependence, Paired

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]

Key = Callable[[ListedSample], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One measure of the first run minus that of the second, on the samples that both scored.

    `first` and `second` are places in the list of runs. `group` is the category (or whatever the samples are
    grouped by), None for all samples. `p_holm` is the p-value adjusted for its family; None without data. `missing`
    says what the missing verdicts leave open of it.
    """

    first: int
    second: int
    measure: str
    group: str | None
    paired: Paired
    p_holm: float | None
    missing: Missing

    @property
    def separated(self) -> bool:
        """Whether the test finds a difference, of the verdicts that there are."""
        return self.p_holm is not None and self.p_holm <= stats.LEVEL

    @property
    def holds(self) -> bool:
        """Whether the test finds a difference whatever the missing verdicts are."""
        return self.separated and not self.missing.undoes


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A sample that is a hit of a measure in one run and none in another; `outcomes` in order of the runs."""

    sample_id: str
    category: str
    sub_category: str
    measure: str
    outcomes: tuple[str, ...]


def pair(measure: Measure, first: int, second: int, chosen: Numbers | None = None) -> Paired:
    """The paired difference of one measure between two runs.

    Args:
        measure: The measure.
        first: The place of the first run.
        second: The place of the second.
        chosen: Numbers of the units to look at; None for all.
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
    )


def completions(measure: Measure, first: int, second: int, chosen: Numbers | None = None) -> Completions | None:
    """The completions of the missing verdicts of two runs.

    Args:
        measure: The measure.
        first: The place of the first run.
        second: The place of the second.
        chosen: Numbers of the units to look at; None for all.
    """
    import numpy as np

    one, other = measure.hits[first], measure.hits[second]
    inside = (one != OUTSIDE) & (other != OUTSIDE)
    units = inside.nonzero()[0] if chosen is None else chosen[inside[chosen]]
    if not len(units):
        return None
    one, other = one[units], other[units]

    hits = [(column == HIT).astype(np.int64) for column in (one, other)]
    unknown = [(column == UNSCORED).astype(np.int64) for column in (one, other)]
    lowest, highest = hits[0] - hits[1] - unknown[1], hits[0] + unknown[0] - hits[1]
    # Nothing asks how samples belong together where nothing is missing.
    ways = [way[units] for way in measure.ways] if ((one > HIT) | (other > HIT)).any() else []
    return Completions(lowest, highest, Dependence(len(units), *ways))


def differences(measures: Sequence[Measure], runs: int, key: Key | None) -> tuple[Difference, ...]:
    """All differences between every two runs.

    Every measure is tested over all samples; the first, main one also within each group. Holm's adjustment has a
    family for each measure over all samples (every two runs), and one for all tests within groups.

    Args:
        measures: The main measure first.
        runs: How many runs.
        key: What the samples are grouped by; None for no groups.
    """
    pairs = list(combinations(range(runs), 2))
    found: dict[_Place, Difference] = {}
    for measure in measures:
        found.update(_family({(*places, measure.name, None): (measure, None) for places in pairs}))
    grouped: dict[_Place, Difference] = {}
    if measures and key is not None and len(groups := _groups(measures[0], key)) > 1:
        places = [(*places, measures[0].name, name) for places in pairs for name in groups]
        grouped = _family({place: (measures[0], groups[place[3]]) for place in places})
    overall = [found[(*places, measure.name, None)] for places in pairs for measure in measures]
    return (*overall, *grouped.values())


_Place = tuple[int, int, str, str | None]
"""First and second run, measure, group."""


def _family(members: Mapping[_Place, tuple[Measure, Numbers | None]]) -> dict[_Place, Difference]:
    """The tests of one family: which measure on which units."""
    tested = {
        place: Tested(
            paired=pair(measure, place[0], place[1], chosen),
            completions=completions(measure, place[0], place[1], chosen),
        )
        for place, (measure, chosen) in members.items()
    }
    p_values = {place: each.paired.p_value for place, each in tested.items() if each.paired.p_value is not None}
    adjusted = stats.holm(p_values)
    missing = weigh(tested, adjusted)
    return {
        place: Difference(
            first=place[0],
            second=place[1],
            measure=place[2],
            group=place[3],
            paired=each.paired,
            p_holm=adjusted.get(place),
            missing=missing[place],
        )
        for place, each in tested.items()
    }


def _groups(measure: Measure, key: Key) -> dict[str | None, Numbers]:
    """The numbers of the units of each group, groups in order of their names."""
    import numpy as np

    found: dict[str, list[int]] = {}
    for number, item in enumerate(measure.items):
        found.setdefault(key(item), []).append(number)
    return {name: np.array(numbers, dtype=np.int64) for name, numbers in sorted(found.items())}


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
