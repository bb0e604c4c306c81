"""How far the judges of one run agree on what is safe (paper, Figure 12: guards against a language model)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from vlsbench import stats
from vlsbench.core.types import Rate
from vlsbench.results.outcomes import IS_SAFE
from vlsbench.results.samples import ListedSample, dependence


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two judges on the samples that both scored.

    `rate` is the share on which they agree (safe or unsafe), with its interval; `kappa` is Cohen's, beyond
    chance, and None where both always say the same one thing. `only_first_safe` and `only_second_safe` say
    in which direction they part.
    """

    judges: tuple[str, str]
    rate: Rate
    kappa: float | None
    only_first_safe: int
    only_second_safe: int


def agreements(outcomes: Mapping[str, Mapping[str, str]], items: Iterable[ListedSample]) -> tuple[Agreement, ...]:
    """The agreement of each pair of judges.

    Args:
        outcomes: For each judge, the label (or the reason for none) of each sample.
        items: The samples.
    """
    by_id = {item.id: item for item in items} if len(outcomes) > 1 else {}
    return tuple(_compare(pair, outcomes, by_id) for pair in combinations(outcomes, 2))


def _compare(
    pair: tuple[str, str], outcomes: Mapping[str, Mapping[str, str]], items: Mapping[str, ListedSample]
) -> Agreement:
    first, second = (outcomes[name] for name in pair)
    both = [
        (IS_SAFE[label], IS_SAFE[second[sample_id]], items[sample_id])
        for sample_id, label in first.items()
        if label in IS_SAFE and second.get(sample_id) in IS_SAFE and sample_id in items
    ]
    return Agreement(
        judges=pair,
        rate=stats.rate_of([one == other for one, other, _ in both], dependence([item for _, _, item in both])),
        kappa=stats.cohen_kappa([(one, other) for one, other, _ in both]),
        only_first_safe=sum(one and not other for one, other, _ in both),
        only_second_safe=sum(other and not one for one, other, _ in both),
    )
