"""``candidates.jsonl`` and the funnel, derived from what each element came to: in the order of the elements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlsbench.construct import trail
from vlsbench.construct.elements import Element
from vlsbench.construct.steps import Done, Ledger, StepOutcome, digest
from vlsbench.construct.trail import UNITS, Candidate
from vlsbench.store import journal

REFUSED = StepOutcome.REFUSED.value


Recorded = Iterable[tuple[Element, Done | None]]
"""Elements, and what each came to; None where nothing is known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelRow:
    """One step of the funnel: how many went in and came out, and why the others did not. `unit` is what is counted."""

    step: str
    unit: str
    entered: int
    left: int
    dropped: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As ``summary.json`` has it."""
        return {"step": self.step, "unit": self.unit, "in": self.entered, "out": self.left, "dropped": self.dropped}


@dataclass(slots=True, kw_only=True)
class Funnel:
    """Adds up what became of elements.

    `refused` counts, by category, the elements whose author declined: that biases a set. `pending` counts those that a
    failure keeps from their end, `unseen` those that nothing is known of yet.
    """

    elements: int = 0
    unseen: int = 0
    pending: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs: int = 0
    twins: int = 0

    def add(self, element: Element, done: Done | None) -> None:
        """Count one element; None where nothing is known of it."""
        self.elements += 1
        if done is None:
            self.unseen += 1
            return
        if not done.outcome.is_final:
            self.pending[done.reason] += 1
        for step, reason in trail.rows(done.output):
            self.rows[step, reason] += 1
            if step in ("describe", "perceive") and reason == REFUSED:
                self.refused[element.sub_category or element.category or "(not known)"] += 1

    def table(self) -> list[FunnelRow]:
        """The steps that anything came to, in their order."""
        found = []
        for step, unit in UNITS.items():
            counts = {reason: count for (name, reason), count in self.rows.items() if name == step}
            left = counts.pop("", 0)
            if left or counts:
                entered = left + sum(counts.values())
                dropped = dict(sorted(counts.items()))
                found.append(FunnelRow(step=step, unit=unit, entered=entered, left=left, dropped=dropped))
        return found


def recorded(
    path: Path, settings: Sequence[Mapping[str, Any]], elements: Iterable[Element]
) -> Iterator[tuple[Element, Done | None]]:
    """What each element came to, under the present settings.

    Args:
        path: The journal of the step ``element``.
        settings: Those of the step, and as earlier versions wrote them; the first under which there is a result count.
        elements: The queue.
    """
    if not path.exists():
        yield from ((element, None) for element in elements)
        return
    ledger = Ledger(path, failures=True)
    try:
        for element in elements:
            found = (ledger.find(element.id, digest(element.to_json(), one)) for one in settings)
            yield element, next((done for done in found if done is not None), None)
    finally:
        ledger.close()


def write(path: Path, found: Recorded) -> Funnel:
    """Write the candidates, and count.

    Args:
        path: ``candidates.jsonl``.
        found: The elements, and what each came to.

    Raises:
        Stopped: The disk is full, read-only or gone.
    """
    funnel = Funnel()

    def lines() -> Iterator[bytes]:
        for element, done in found:
            funnel.add(element, done)
            for one in trail.candidates(done.output) if done is not None else ():
                funnel.twins += one.record["twin_of"] is not None
                funnel.pairs += one.record["twin_of"] is None
                yield journal.to_line(one.record)

    journal.write_atomically(path, lines())
    return funnel


def made(found: Recorded) -> Iterator[tuple[Element, Candidate]]:
    """Every candidate with its element, and how it was made."""
    for element, done in found:
        for one in trail.candidates(done.output) if done is not None else ():
            yield element, one
