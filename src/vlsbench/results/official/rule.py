"""What a rule of a benchmark's authors is: how an answer is marked, and how marks become figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vlsbench.core.types import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an answer gets, from 0 to 1. `lot` says that the authors would draw one: then it is what they expect."""

    credit: float
    lot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigure:
    """A figure: its `name`, its `value` out of `best`, and whether it is one that papers print."""

    name: str
    value: float
    best: float = 100.0
    headline: bool = False


Credits = Mapping[str, float]
"""What each sample's answer got, by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialRule:
    """A rule: `name` says whose it is, `size` how many questions the whole set has.

    `points` makes figures of credits, and none of them may fall where a credit rises: bounds go by that.
    """

    name: str
    size: int
    mark: Callable[[Sample, str], Mark]
    points: Callable[[Sequence[Sample], Credits], Sequence[RuleFigure]]


def share(samples: Sequence[Sample], credits_: Credits) -> float:
    """The mean credit of some samples, in per cent; 0 where there are none."""
    return 100 * sum(credits_[sample.id] for sample in samples) / len(samples) if samples else 0.0


def by(samples: Sequence[Sample], key: Callable[[Sample], str]) -> dict[str, list[Sample]]:
    """Samples by a key, keys in order of their first sample."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(key(sample), []).append(sample)
    return groups


def by_category(samples: Sequence[Sample], credits_: Credits) -> list[RuleFigure]:
    """The share of each category."""
    groups = by(samples, lambda sample: sample.category)
    return [RuleFigure(name=name, value=share(part, credits_)) for name, part in groups.items()]
