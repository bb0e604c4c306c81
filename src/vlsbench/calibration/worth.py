"""What the answers of a run are worth for a share of true labels, where some share an image or a group."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from vlsbench import stats
from vlsbench.calibration.design import Design, SamplingPlan
from vlsbench.calibration.population import Member
from vlsbench.results import samples
from vlsbench.stats import Worth


class TrueWorth:
    """Finds what answers are worth from the true labels of those that people labelled.

    Args:
        design: The drawn sample.
        members: The answers it was drawn from.
        true: The true labels by sample id.
        joined: The stratum that each stratum counts as, where it got no label of its own.
    """

    def __init__(
        self, design: Design, members: Sequence[Member], true: Mapping[str, str], joined: Mapping[int, int]
    ) -> None:
        self._true = true
        self._plans = design.strata
        numbers = {
            (plan.harmful, plan.group, category): joined.get(number, number)
            for number, plan in enumerate(design.strata)
            for category in plan.categories
        }
        found = [(member, numbers.get((member.harmful, member.group, member.category))) for member in members]
        # An answer of which the judge says something else by now may belong to no stratum any more.
        self._found = [(member, number) for member, number in found if number is not None]

    def of(self, counts: Callable[[SamplingPlan], bool], hits: Collection[str]) -> Worth:
        """What the answers of some strata are worth.

        Args:
            counts: Whether a stratum belongs to the population of the share.
            hits: True labels that count.
        """
        chosen = [(member, number) for member, number in self._found if counts(self._plans[number])]
        return stats.truth_worth(
            samples.dependence([member.item for member, _ in chosen]),
            [number for _, number in chosen],
            [self._true.get(member.sample_id) for member, _ in chosen],
            hits,
        )
