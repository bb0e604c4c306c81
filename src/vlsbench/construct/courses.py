"""The courses of a build: elements taken their way, and pairs filed; counted per step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

from vlsbench.construct.steps import Done, Step
from vlsbench.core.errors import VLSBenchError
from vlsbench.run.course import Course
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Gate, Halt

T = TypeVar("T")

_BREATH_S = 0.05
"""How long recalling what is finished may keep those from working who have something to do."""


class StepCounts:
    """Counts per step while a build goes on: what was asked, and who answered.

    Args:
        total: How many elements, or pairs, there are.
    """

    def __init__(self, total: int) -> None:
        self.totals = RunCounts(total=total, answering=False)
        self.served: dict[str, set[str]] = {}

    def told(self, step: str, done: Done) -> None:
        """One more result of a step."""
        if done.requests:
            self.totals.labels[step] += 1
            self.totals.prompt_tokens += done.prompt_tokens or 0
            self.totals.completion_tokens += done.completion_tokens or 0
            if done.model:
                self.served.setdefault(step, set()).add(done.model)

    def finished(self, done: Done) -> None:
        """One more element, or pair, at its end."""
        self.totals.new += 1
        if done.outcome.is_final:
            self.totals.judged += 1
        else:
            self.totals.unscored[done.reason or done.outcome.value] += 1


class _Listed:
    """A queue that is there already: nothing is to be prepared."""

    def start(self) -> None:
        """Nothing to begin."""

    def stop(self) -> None:
        """Nothing to end."""


class StepCourse(Course[T], Generic[T]):
    """Does a chain of durable steps for each of some things.

    Args:
        items: What there is, in order; read only when there is room.
        work: The chain.
        steps: Its steps, which are closed when the course ends.
        gates: The slots of everybody who is asked.
        counts: Told how each ended.
        halt: The user's wish to stop.
        progress: Shown the counts.
    """

    def __init__(
        self,
        items: Iterable[T],
        work: Callable[[T], Awaitable[Done]],
        steps: Mapping[str, Step],
        gates: tuple[Gate, ...],
        counts: StepCounts,
        halt: Halt,
        progress: Progress | None,
    ) -> None:
        super().__init__(_Listed(), counts.totals, halt, progress, judging=gates)
        self._items = items
        self._work = work
        self._steps = steps
        self._step_counts = counts

    async def pending(self) -> AsyncIterator[T]:
        """Everything, in order; what is finished is recalled and asks nobody."""
        breathed = time.monotonic()
        for item in self._items:
            if time.monotonic() - breathed > _BREATH_S:
                await asyncio.sleep(0)
                breathed = time.monotonic()
            yield item

    async def process(self, work: T) -> None:
        """Take one thing through its chain."""
        self._step_counts.finished(await self._work(work))
        self.tell()

    async def follow(self) -> None:
        """Take everything through; the journals are closed whatever happens.

        Raises:
            Interrupted: The user stopped, politely through `halt` or by cancelling.
            VLSBenchError: What would go wrong with everything.
        """
        try:
            await super().follow()
        finally:
            close_all(self._steps)


def close_all(steps: Mapping[str, Step]) -> None:
    """Sync and close every journal; raises Stopped for the first that could not be written."""
    failures = []
    for step in steps.values():
        try:
            step.close()
        except VLSBenchError as error:
            failures.append(error)
    if failures:
        raise failures[0]
