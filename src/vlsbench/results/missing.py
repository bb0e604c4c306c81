"""What missing verdicts leave open of paired differences, and the words for it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vlsbench import stats
from vlsbench.core import words
from vlsbench.core.words import counted, noun
from vlsbench.stats import Completions, Paired

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the missing verdicts of a difference could make of it.

    `verdicts` counts them (of twins: pairs). `low` and `high` bound the difference over all completions, None without
    a sample. `sign_holds` says whether it has the same sign in all of them. `tipping_point` is the smallest share of
    the missing verdicts that would have to go one way (all others going the other) for the test to say something else;
    None where it says the same whatever they are. `undoes` says whether they could undo a difference that the test
    finds.
    """

    verdicts: int
    low: float | None
    high: float | None
    sign_holds: bool
    tipping_point: float | None
    undoes: bool

    def to_json(self) -> dict[str, object]:
        """What stands beside a difference in JSON."""
        return {
            "missing": self.verdicts,
            "bounds": {"low": self.low, "high": self.high},
            "sign_holds": self.sign_holds,
            "tipping_point": self.tipping_point,
            "open": self.undoes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A paired difference that was tested, with the completions of its missing verdicts; None without a sample."""

    paired: Paired
    completions: Completions | None

    @property
    def sign(self) -> int:
        """-1, 0 or 1, as the difference is."""
        value = self.paired.value or 0.0
        return int(value > 0) - int(value < 0)

    @property
    def is_incomplete(self) -> bool:
        """Whether a sample lacks a verdict in one of the two runs."""
        return self.completions is not None and self.completions.n != self.paired.n

    @property
    def worst(self) -> float:
        """The largest p-value over all completions; 1 where the difference loses its sign or has no data."""
        if self.completions is None or self.paired.p_value is None:
            return 1.0
        return self.completions.worst(self.sign) if self.is_incomplete else self.paired.p_value


def weigh(family: Mapping[Key, Tested], adjusted: Mapping[Key, float]) -> dict[Key, Missing]:
    """What the missing verdicts could make of each test of a family.

    A finding holds only where it would be found in every completion of all verdicts of the family. Holm's adjustment
    grows with each p-value, so it is enough that it still finds it where each test has its worst p-value.

    Args:
        family: All tests that are adjusted together.
        adjusted: Their p-values after Holm's adjustment, of those that have data.
    """
    worst = {key: tested.worst for key, tested in family.items() if tested.completions is not None}
    return {key: _missing(tested, adjusted.get(key), stats.holm_level(worst, key)) for key, tested in family.items()}


def _missing(tested: Tested, p_holm: float | None, level: float) -> Missing:
    completions = tested.completions
    if completions is None:
        return Missing(verdicts=0, low=None, high=None, sign_holds=False, tipping_point=None, undoes=False)
    found = p_holm is not None and p_holm <= stats.LEVEL
    if tested.is_incomplete:
        tipping = completions.tipping_point(tested.sign if found else 0, level)
    else:
        tipping = 0.0 if found and (tested.paired.p_value or 0.0) > level else None
    low, high = completions.bounds
    return Missing(
        verdicts=completions.missing,
        low=low,
        high=high,
        sign_holds=completions.sign_holds(tested.sign),
        tipping_point=tipping,
        undoes=found and tipping is not None,
    )


def sentence(name: str, paired: Paired, missing: Missing) -> str:
    """Why a difference that the test finds is open."""
    begin = f"{name}: the difference of {words.signed(paired.value)} points is open."
    if not missing.verdicts:
        return f"{begin} No verdict of these runs is missing, but the adjusted p-value rests on pairs that lack some."
    return (
        f"{begin} {counted(missing.verdicts, 'verdict')} {noun(missing.verdicts, 'is')} missing: filled in, they make "
        f"it anything from {words.signed(missing.low)} to {words.signed(missing.high)}, and "
        f"{words.percent(missing.tipping_point)} of them going one way are enough for the test to find it no more."
    )


def of_groups(names: Sequence[str], most: int = 5) -> Iterator[str]:
    """One sentence for all groups in which a difference is open."""
    if names:
        rest = f" and {len(names) - most:,} more groups" if len(names) > most else ""
        yield f"Open by their missing verdicts are also differences in {', '.join(names[:most])}{rest}."
