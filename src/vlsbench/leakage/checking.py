"""One sample's way past a guard: the pair, its text alone, its image alone, each recorded as soon as it is there.

The counterpart of `vlsbench.run.flow`, for the same engine and the same run folder; there are no answers, and a
verdict file for each part instead of one for each judge.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from vlsbench.core.errors import ImageProblem, RequestFailed, VLSBenchError
from vlsbench.core.types import Sample, Verdict, VerdictOutcome
from vlsbench.judges.guard import SAFE, UNSAFE, Finding
from vlsbench.leakage.guards import Guard
from vlsbench.leakage.protocol import NO_IMAGE, NO_TEXT, Part
from vlsbench.run.flow import MAX_ERROR
from vlsbench.run.preparation import Preparation, Prepared
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Gate, Halt
from vlsbench.store import journal
from vlsbench.store.journal import Journal
from vlsbench.store.run_folder import Run


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


class Checking:
    """Takes the samples of an audit past its guard.

    Args:
        run: The locked run folder.
        source: Lists the samples.
        guard: Who judges.
        gate: The guard's slots.
        halt: The user's wish to stop.
        progress: Told after every verdict.
    """

    def __init__(
        self, run: Run, source: Preparation, guard: Guard, gate: Gate, halt: Halt, progress: Progress | None
    ) -> None:
        self._source = source
        self._guard = guard
        self._gate = gate
        self._halt = halt
        self._progress = progress
        self.counts = RunCounts(total=len(Part) * run.size, answering=False)
        run.make_folder("verdicts")
        self._journals = {part: Journal(run.verdicts(part)) for part in Part}
        self._done = {part: self._read(run, part) for part in Part}
        self._complete = set.intersection(*self._done.values())

    def _read(self, run: Run, part: Part) -> set[str]:
        """The samples whose last verdict on a part is scored; failures are tried again."""
        labels: dict[str, str | None] = {}
        for _, sample_id, outcome, label in journal.heads(run.verdicts(part)):
            labels[sample_id] = label if outcome == VerdictOutcome.SCORED.value and label in (SAFE, UNSAFE) else None
        scored = {sample_id: label for sample_id, label in labels.items() if label is not None}
        self.counts.labels.update(scored.values())
        self.counts.judged += len(scored)
        return set(scored)

    def close(self) -> None:
        """Sync and close the journals; raises Stopped for the first that could not be written."""
        self.counts.ended = time.monotonic()
        failures = []
        for verdicts in self._journals.values():
            try:
                verdicts.close()
            except VLSBenchError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def report(self) -> None:
        """Tell the progress twice a second how things stand."""
        while self._progress is not None:
            self.counts.judging = self._gate.in_use
            self.counts.paused_s = self._gate.paused_s
            self.counts.stopping = self._halt.asked
            self._progress(self.counts)
            await asyncio.sleep(0.5)

    def width(self) -> int:
        """How many samples may be in work: as many as the guard has slots, and a few to come."""
        return self._gate.limit + 4

    async def pending(self) -> AsyncIterator[Check]:
        """What still lacks a verdict, in the order of the dataset."""
        async for number, sample_id, line in self._source.lines(self._complete):
            prepared = self._source.prepared(number, line)
            possible = [part for part in Part if not impossible(prepared.sample, part)]
            self.counts.total -= len(Part) - len(possible)
            parts = tuple(part for part in possible if sample_id not in self._done[part])
            if parts:
                yield Check(prepared=prepared, parts=parts)

    async def process(self, work: Check) -> None:
        """Get a verdict on each part, one after the other; other samples are at it meanwhile."""
        for part in work.parts:
            self._halt.check()
            async with self._gate:
                started = time.monotonic()
                found = await self._finding(work.prepared, part)
                self._record(work.prepared.sample, part, found, round(time.monotonic() - started, 4))

    async def _finding(self, prepared: Prepared, part: Part) -> Finding:
        try:
            if prepared.problem and part is not Part.TEXT:
                raise ImageProblem(prepared.problem)
            return _sound(await self._guard.check(prepared.sample, part, prepared.image))
        except ImageProblem as error:
            why = f"image: {error}"
        except RequestFailed as error:
            why = str(error)
        except VLSBenchError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in a user's guard costs a sample, not the run
            why = f"{type(error).__name__}: {error}"
        return Finding(outcome=VerdictOutcome.JUDGE_ERROR, why=why[:MAX_ERROR], model=self._guard.name)

    def _record(self, sample: Sample, part: Part, found: Finding, latency_s: float) -> None:
        verdict = GuardVerdict(
            sample_id=sample.id,
            outcome=found.outcome,
            label=found.label,
            reason=found.why,
            judge_model=found.model,
            latency_s=latency_s,
            p_unsafe=found.p_unsafe,
            categories=tuple(found.categories),
        )
        self._journals[part].append(verdict)
        self.counts.count_verdict(verdict)
        if self._progress is not None:
            self._progress(self.counts)


def _sound(said: object) -> Finding:
    """What a guard said, if it is a finding that can be counted."""
    if not isinstance(said, Finding):
        raise RequestFailed(f"the guard gave back, instead of a Finding, something of type {type(said).__name__}")
    scored = said.outcome is VerdictOutcome.SCORED
    if scored != (said.label in (SAFE, UNSAFE)) or (not scored and said.label is not None):
        raise RequestFailed(f"the guard's label {said.label!r} does not go with outcome {said.outcome}")
    return said


def verdicts(run: Run, part: Part) -> dict[str, GuardVerdict]:
    """The last verdict on a part of each sample.

    What an edited line says is not believed: its sample counts as pending.
    """
    found: dict[str, GuardVerdict] = {}
    for verdict in journal.read(run.verdicts(part), GuardVerdict):
        if (verdict.outcome is VerdictOutcome.SCORED) == (verdict.label in (SAFE, UNSAFE)):
            found[verdict.sample_id] = verdict
        else:
            found.pop(verdict.sample_id, None)
    return found
