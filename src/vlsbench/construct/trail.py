"""What became of one element: the pairs that came of it, and where everything else ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlsbench.construct.lines import Record
from vlsbench.construct.steps import Done, StepOutcome

ELEMENTS, QUERIES, PICTURES, PAIRS, TWINS = "elements", "queries", "pictures", "pairs", "twins"

UNITS: Mapping[str, str] = {
    "refuse": ELEMENTS,
    "describe": ELEMENTS,
    "perceive": ELEMENTS,
    "rewrite": QUERIES,
    "screen": QUERIES,
    "picture": PICTURES,
    "pair": PAIRS,
    "twin": TWINS,
}
"""The steps of the funnel in their order, and what each counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A record as ``candidates.jsonl`` holds it, and how it was made."""

    record: Record
    made: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Trail:
    """Grows while an element goes its way.

    `rows` holds a step and the reason why something ended there, empty where it went on.
    """

    rows: list[tuple[str, str]] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    pending: str = ""
    """The first failure that another try may mend."""

    def passes(self, step: str, done: Done) -> bool:
        """Note what a step came to; whether the chain goes on."""
        if done.is_ok:
            self.rows.append((step, ""))
            return True
        if done.outcome is StepOutcome.DROPPED:
            self.rows.append((step, done.reason))
        else:
            self.rows.append((step, done.outcome.value))
            self.pending = self.pending or f"{step}: {done.outcome.value}"
        return False

    def end(self, step: str, reason: str) -> None:
        """Note that something ended for a reason of ours."""
        self.rows.append((step, reason))

    def done(self) -> Done:
        """The whole as the result of a step: final once nothing is left to be tried again."""
        output = {
            "rows": self.rows,
            "candidates": [{"record": one.record, "made": dict(one.made)} for one in self.candidates],
        }
        outcome = StepOutcome.PENDING if self.pending else StepOutcome.OK
        return Done(outcome=outcome, output=output, reason=self.pending, requests=0)


def candidates(output: Mapping[str, Any]) -> Sequence[Candidate]:
    """The candidates of a recorded trail."""
    return [Candidate(record=one["record"], made=one["made"]) for one in output["candidates"]]


def rows(output: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The rows of a recorded trail."""
    return [(str(step), str(reason)) for step, reason in output["rows"]]
