"""The course of an audit past its guard: each pair, its text alone and its image alone.

There are no answers, and a verdict file for each part instead of one for each judge.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from vlsbench.core.errors import ImageProblem
from vlsbench.core.metering import Meter
from vlsbench.core.protocols import returned
from vlsbench.core.types import Sample, Verdict, VerdictOutcome
from vlsbench.core.usage import Price, Usage
from vlsbench.judges.guard import SAFE, UNSAFE, Finding
from vlsbench.leakage.guards import Guard
from vlsbench.leakage.protocol import NO_IMAGE, NO_TEXT, Part
from vlsbench.run.course import Course, elapsed, final_verdicts, or_failure, sound_label, standing
from vlsbench.run.preparation import Preparation, Prepared
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Gate, Halt
from vlsbench.store import journal
from vlsbench.store.run_folder import Run

_LABELS = (SAFE, UNSAFE)


def impossible(sample: Sample, part: Part) -> str:
    """Why a part of a sample cannot be judged (it has no image, or no text), or an empty text."""
    if sample.image is None and part is not Part.TEXT:
        return NO_IMAGE
    if not sample.text.strip() and part is not Part.IMAGE:
        return NO_TEXT
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict(Verdict):
    """A guard's verdict on a part of a sample, with what `vlsbench.judges.guard.Finding` knows beside it."""

    p_unsafe: float | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A sample and the parts of it that still need a verdict."""

    prepared: Prepared
    parts: tuple[Part, ...]


class Checking(Course[Check]):
    """Takes the samples of an audit past its guard.

    Args:
        run: The locked run folder.
        source: Lists the samples.
        guard: Who judges.
        gate: The guard's slots.
        halt: The user's wish to stop.
        progress: Told after every verdict.
        price: What the guard costs, where that is known.
    """

    def __init__(
        self,
        run: Run,
        source: Preparation,
        guard: Guard,
        gate: Gate,
        halt: Halt,
        progress: Progress | None,
        price: Price | None = None,
    ) -> None:
        counts = RunCounts(total=len(Part) * run.size, answering=False, judge_price=price)
        super().__init__(source, counts, halt, progress, judging=(gate,))
        self.source = source
        self._guard = guard
        self._gate = gate
        run.make_folder("verdicts")
        self._verdicts = {part: self.open_journal(run.verdicts(part)) for part in Part}
        self._done = {part: standing(final_verdicts(run.verdicts(part), counts.judge_asked), _LABELS) for part in Part}
        self._complete = set.intersection(*(set(done) for done in self._done.values()))
        for done in self._done.values():
            counts.labels.update(done.values())
            counts.judged += len(done)

    async def pending(self) -> AsyncIterator[Check]:
        """What still lacks a verdict, in the order of the dataset."""
        async for number, sample_id, line in self.source.lines(self._complete):
            prepared = self.source.prepared(number, line)
            possible = [part for part in Part if not impossible(prepared.sample, part)]
            self.counts.total -= len(Part) - len(possible)
            parts = tuple(part for part in possible if sample_id not in self._done[part])
            if parts:
                yield Check(prepared=prepared, parts=parts)

    async def process(self, work: Check) -> None:
        """Get a verdict on each part, one after the other; other samples are at it meanwhile."""
        for part in work.parts:
            self.halt.check()
            async with self._gate:
                started = time.monotonic()
                with Meter() as meter:
                    found = await or_failure(self._finding(work.prepared, part), self._failed)
                verdict = GuardVerdict(
                    sample_id=work.prepared.sample.id,
                    outcome=found.outcome,
                    label=found.label,
                    reason=found.why,
                    judge_model=found.model,
                    p_unsafe=found.p_unsafe,
                    categories=tuple(found.categories),
                )
                measured = meter.measure(verdict, sample_id=verdict.sample_id, latency_s=elapsed(started))
                self.record_verdict(self._verdicts[part], measured)

    async def _finding(self, prepared: Prepared, part: Part) -> Finding:
        """The guard's finding, if it can be counted."""
        if prepared.problem and part is not Part.TEXT:
            raise ImageProblem(prepared.problem)
        found = returned(await self._guard.check(prepared.sample, part, prepared.image), Finding, "guard")
        sound_label(found.outcome, found.label, _LABELS, "guard")
        return found

    def _failed(self, why: str) -> Finding:
        return Finding(outcome=VerdictOutcome.JUDGE_ERROR, why=why, model=self._guard.name)


def verdicts(run: Run, part: Part) -> dict[str, GuardVerdict]:
    """The last verdict on a part of each sample.

    What an edited line says is not believed: its sample counts as pending.
    """
    found: dict[str, GuardVerdict] = {}
    for verdict in journal.read(run.verdicts(part), GuardVerdict):
        if (verdict.outcome is VerdictOutcome.SCORED) == (verdict.label in _LABELS):
            found[verdict.sample_id] = verdict
        else:
            found.pop(verdict.sample_id, None)
    return found


def usage(run: Run) -> Usage:
    """What all verdicts of a guard's run took, in all sessions, also those that were asked for again."""
    found = Usage()
    for part in Part:
        for _ in journal.heads(run.verdicts(part), found):
            pass
    return found
