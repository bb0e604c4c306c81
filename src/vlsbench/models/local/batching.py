"""Gather single requests into batches for an engine that answers many at once.

The caller awaits one result per request; the batcher prepares requests in threads, groups those of similar
length, builds the next batch while the present one runs, and halves a batch that does not fit into memory.
It knows nothing of torch: the engine behind it is anything that fulfils `Work`.

    submit ─▶ waiting ─prepare (threads)─▶ pool ─collate (thread)─▶ batch ─run (one thread)─▶ results

Requests are handed to threads, and back, as many at a time as make a batch.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from vlsbench.core.errors import RequestFailed
from vlsbench.models.local.pool import Pool, Ready, Waiting
from vlsbench.models.local.preparing import LIMIT_S, MOST_LEFT_BEHIND, Preparer

Request = TypeVar("Request")
Item = TypeVar("Item")
Batch = TypeVar("Batch")
Result = TypeVar("Result")
Asked = TypeVar("Asked", contravariant=True)
Given = TypeVar("Given", covariant=True)

_LINGER_S = 0.01
_CALM_BATCHES = 8


class Work(Protocol[Asked, Item, Batch, Given]):
    """What a batched engine does. `prepare` and `collate` run beside `run`, each in threads of its own."""

    def prepare(self, request: Asked) -> Ready[Item]:
        """Decode and check one request; raising fails this request alone."""
        ...

    def collate(self, items: Sequence[Item]) -> Batch:
        """Build one batch of items of one group."""
        ...

    def run(self, batch: Batch) -> Sequence[Given | RequestFailed]:
        """Answer a batch, in its order."""
        ...

    def is_out_of_memory(self, error: Exception) -> bool:
        """Whether a smaller batch might succeed where this one failed."""
        ...

    def may_double(self) -> bool:
        """Whether a batch twice as large as the last would fit into memory."""
        ...

    def stop(self) -> None:
        """Make a running `run` return soon; called once, at the end."""
        ...


class Batcher(Generic[Request, Item, Batch, Result]):
    """An asynchronous front for a batched engine.

    Args:
        work: The engine.
        size: Requests in a batch to begin with.
        ceiling: Most requests in a batch; `size` grows towards it while `work.may_double` agrees.
        preparers: Threads that prepare requests.
        prepare_limit_s: Seconds that preparing one request may take; one that takes longer fails.
    """

    def __init__(
        self,
        work: Work[Request, Item, Batch, Result],
        *,
        size: int,
        ceiling: int | None = None,
        preparers: int = 1,
        prepare_limit_s: float = LIMIT_S,
    ) -> None:
        if size < 1:
            raise ValueError(f"a batch holds at least one request, got {size}")
        self.size = size
        self.ceiling = max(size, ceiling or size)
        self._work = work
        self._prepare_limit_s = prepare_limit_s
        self._preparers = [self._preparer() for _ in range(max(1, preparers))]
        self._left_behind = 0
        self._collate_thread = ThreadPoolExecutor(1, "vlsbench-collate")
        self._run_thread = ThreadPoolExecutor(1, "vlsbench-run")
        self._unanswered: set[Waiting[Request, Item, Result]] = set()
        self._waiting: deque[Waiting[Request, Item, Result]] = deque()
        self._pool: Pool[Request, Item, Result] = Pool()
        self._tasks: list[asyncio.Task[None]] = []
        self._running: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._preparing = 0
        self._last_arrival = 0.0
        self._calm_until_growth = 0
        self._closed = False
        self._hopeless = ""

    async def submit(self, request: Request) -> Result:
        """Queue one request and wait for its result. Cancelling the wait drops the request.

        Raises:
            RequestFailed: The engine could not answer this request.
            RuntimeError: The batcher is closed.
        """
        if self._closed:
            raise RuntimeError("this model is closed")
        self._attach()
        entry: Waiting[Request, Item, Result] = Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._unanswered.add(entry)
        entry.future.add_done_callback(lambda _: self._unanswered.discard(entry))
        self._last_arrival = time.monotonic()
        self._changed.set()
        self._arrived.set()
        return await entry.future

    async def close(self) -> None:
        """Drop what is waiting, let a running batch stop, and end the threads. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._work.stop()
        if self._loop is asyncio.get_running_loop():
            tasks = [*self._tasks, *([self._running] if self._running else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for entry in list(self._unanswered):
                entry.future.cancel()
        self._waiting.clear()
        self._pool.clear()
        for preparer in self._preparers:
            preparer.stop()
        for preparer in self._preparers:
            await asyncio.to_thread(preparer.join)
        for threads in (self._collate_thread, self._run_thread):
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)

    def _attach(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        # A model outlives the event loop of one asyncio.run(); its queues cannot.
        self._loop = loop
        self._waiting.clear()
        self._pool.clear()
        self._preparing = 0
        self._running = None
        self._changed = asyncio.Event()
        self._arrived = asyncio.Event()
        self._tasks = [loop.create_task(self._prepare_forever(number)) for number in range(len(self._preparers))]
        self._tasks.append(loop.create_task(self._batch_forever()))

    def _preparer(self) -> Preparer[Request, Item]:
        return Preparer(self._work.prepare, self._prepare_limit_s)

    async def _prepare_forever(self, number: int) -> None:
        while True:
            while not self._waiting or self._pool.is_full(self.size):
                self._arrived.clear()
                await self._arrived.wait()
            entries = self._share()
            if self._hopeless:
                for entry in entries:
                    entry.fail(RequestFailed(self._hopeless))
                continue
            self._preparing += len(entries)
            try:
                outcomes = await self._preparers[number].prepare([entry.request for entry in entries])
            finally:
                self._preparing -= len(entries)
                self._changed.set()
            for entry, outcome in zip(entries, outcomes.each, strict=False):
                if isinstance(outcome, Exception):
                    entry.fail(outcome)
                else:
                    entry.ready = outcome
                    self._pool.add(entry)
            self._waiting.extendleft(reversed(entries[len(outcomes.each) :]))
            if outcomes.hung:
                self._leave_behind(number)

    def _share(self) -> list[Waiting[Request, Item, Result]]:
        """The next requests for one of the threads: together they make a batch of them."""
        n = math.ceil(self.size / len(self._preparers))
        entries = [self._waiting.popleft() for _ in range(min(n, len(self._waiting)))]
        return [entry for entry in entries if not entry.future.done()]

    def _leave_behind(self, number: int) -> None:
        """Fail the request that hangs, and go on in another thread; after too many, fail all the others."""
        why = "preparing a request (its image, and the model's chat template) does not end"
        self._waiting.popleft().fail(RequestFailed(f"{why} within {self._prepare_limit_s:g} s"))
        self._preparers[number].stop()
        self._preparers[number] = self._preparer()
        self._left_behind += 1
        if self._left_behind >= MOST_LEFT_BEHIND:
            self._hopeless = f"{why}, time and again: this model is asked no more"

    async def _batch_forever(self) -> None:
        while True:
            entries = await self._next_entries()
            collated = await self._collate(entries)
            if self._running is not None:
                await self._running
            self._running = asyncio.create_task(self._run_all(collated))
            self._running.add_done_callback(lambda _: self._changed.set())

    async def _next_entries(self) -> list[Waiting[Request, Item, Result]]:
        """Wait until a full batch is ready, or the engine idles and nothing more is about to come."""
        while True:
            self._pool.drop_cancelled()
            self._arrived.set()
            idle = self._running is None or self._running.done()
            no_more = self._pool.is_full(self.size) or not (self._waiting or self._preparing)
            # While the engine is busy there is time to wait for a better choice of neighbours.
            if (idle or no_more) and (chosen := self._pool.take(self.size, full_only=True)):
                return chosen
            timeout = None
            if idle and no_more and self._pool:
                quiet = time.monotonic() - self._last_arrival
                if quiet >= _LINGER_S:
                    return self._pool.take(self.size, full_only=False)
                timeout = max(_LINGER_S - quiet, 0.001)
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), timeout)
            except TimeoutError:
                continue

    async def _collate(
        self, entries: list[Waiting[Request, Item, Result]]
    ) -> list[tuple[list[Waiting[Request, Item, Result]], Batch]]:
        """One batch; or, where building it fails, smaller ones without the request at fault."""
        if not entries:
            return []
        try:
            batch = await self._in_thread(
                self._collate_thread, self._work.collate, [entry.ready.item for entry in entries]
            )
        except Exception as error:  # noqa: BLE001 - as above
            if len(entries) == 1:
                entries[0].fail(error)
                return []
            half = len(entries) // 2
            return [*await self._collate(entries[:half]), *await self._collate(entries[half:])]
        return [(entries, batch)]

    async def _run_all(self, collated: list[tuple[list[Waiting[Request, Item, Result]], Batch]]) -> None:
        while collated:
            entries, batch = collated.pop(0)
            try:
                results = await self._in_thread(self._run_thread, self._work.run, batch)
                if len(results) != len(entries):
                    raise RuntimeError(f"the engine gave {len(results)} results for {len(entries)} requests")
            except Exception as error:  # noqa: BLE001 - as above
                del batch
                _forget_frames(error)
                await self._split(entries, error, collated)
                continue
            for entry, result in zip(entries, results, strict=True):
                entry.finish(result)
            self._grow(len(entries))

    async def _split(
        self,
        entries: list[Waiting[Request, Item, Result]],
        error: Exception,
        collated: list[tuple[list[Waiting[Request, Item, Result]], Batch]],
    ) -> None:
        if self._work.is_out_of_memory(error):
            self.size = max(1, min(self.size, len(entries) // 2))
            self._calm_until_growth = _CALM_BATCHES
            if len(entries) == 1:
                error = RequestFailed("out of memory for this request alone: try a smaller dtype or another device")
        if len(entries) == 1:
            entries[0].fail(error)
            return
        half = len(entries) // 2
        for part in (entries[half:], entries[:half]):
            collated[:0] = await self._collate([entry for entry in part if not entry.future.done()])

    def _grow(self, n: int) -> None:
        if n < self.size or self.size >= self.ceiling:
            return
        if self._calm_until_growth:
            self._calm_until_growth -= 1
        elif self._work.may_double():
            self.size = min(self.ceiling, 2 * self.size)

    async def _in_thread(self, threads: ThreadPoolExecutor, call: Callable[[Any], Any], argument: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, call, argument)


def _forget_frames(error: BaseException) -> None:
    """Let go of what the failed call still holds through its traceback: the memory that the retry needs."""
    known: set[int] = set()
    chain: list[BaseException | None] = [error]
    while chain:
        link = chain.pop()
        if link is not None and id(link) not in known:
            known.add(id(link))
            link.__traceback__ = None
            chain += [link.__cause__, link.__context__]
