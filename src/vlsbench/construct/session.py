"""One sitting of a build: elements taken their way, and pairs filed, each as a course of the one engine."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

from vlsbench.construct.steps import Done, Step
from vlsbench.core.errors import Interrupted, VLSBenchError
from vlsbench.run.engine import drive, stoppable
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Gate, Halt

T = TypeVar("T")


class Tally:
    """Counts per step while a build goes on: what is new, what ended, and what it cost.

    Args:
        total: How many elements, or pairs, there are to do.
        progress: Shown the counts.
        halt: The user's wish to stop.
    """

    def __init__(self, total: int, progress: Progress | None, halt: Halt) -> None:
        self.counts = RunCounts(total=total, answering=False)
        self.served: dict[str, set[str]] = {}
        self.pending: Counter[str] = Counter()
        self._progress = progress
        self._halt = halt

    def told(self, step: str, done: Done) -> None:
        """One more result of a step."""
        if done.requests:
            self.counts.labels[step] += 1
            self.counts.prompt_tokens += done.prompt_tokens
            self.counts.completion_tokens += done.completion_tokens
            if done.model:
                self.served.setdefault(step, set()).add(done.model)
        self._tell()

    def finished(self, done: Done) -> None:
        """One more element, or pair, at its end."""
        self.counts.new += 1
        if done.outcome.is_final:
            self.counts.judged += 1
        else:
            self.counts.unscored[done.reason or done.outcome.value] += 1
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.counts)

    async def report(self, gates: Iterable[Gate]) -> None:
        """Tell twice a second how things stand, until cancelled."""
        while self._progress is not None:
            self.counts.judging = sum(gate.in_use for gate in gates)
            self.counts.paused_s = max((gate.paused_s for gate in gates), default=0.0)
            self.counts.stopping = self._halt.asked
            self._progress(self.counts)
            await asyncio.sleep(0.5)


class Course(Generic[T]):
    """Things to do, how each is done, and how many may be in work.

    Args:
        items: What is to be done, in order; read only when there is room.
        work: Does one of them.
        gates: The slots of everybody who is asked.
        tally: Told how each ended.
    """

    def __init__(
        self, items: Iterable[T], work: Callable[[T], Awaitable[Done]], gates: tuple[Gate, ...], tally: Tally
    ) -> None:
        self._items = items
        self._work = work
        self._gates = gates
        self._tally = tally

    async def _pending(self) -> AsyncIterator[T]:
        for number, item in enumerate(self._items):
            if number % 64 == 63:
                await asyncio.sleep(0)  # recalling a finished build must not keep the first request waiting
            yield item

    async def _process(self, item: T) -> None:
        self._tally.finished(await self._work(item))

    def _width(self) -> int:
        # An element waits in one place at a time: as many as there are slots, and a few to come.
        return sum(gate.limit for gate in self._gates) + 8

    async def run(self, halt: Halt) -> None:
        """Do all of it.

        Raises:
            Interrupted: The user stopped, politely through `halt` or by cancelling.
            VLSBenchError: What would go wrong with everything.
        """
        reporting = asyncio.create_task(self._tally.report(self._gates))
        try:
            with stoppable(halt):
                await drive(self._pending(), self._process, width=self._width, halt=halt)
        except asyncio.CancelledError:
            raise Interrupted("Interrupted.") from None
        finally:
            reporting.cancel()


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
