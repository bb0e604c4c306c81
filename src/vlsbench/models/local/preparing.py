"""Threads that prepare requests, several at a time, and are left behind where one request does not end.

Handing over costs more than preparing does: a thread that asks for the interpreter's lock waits until the one that
generates lets go of it. So a worker takes as many requests as make a batch, and hands them back together.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from vlsbench.models.local.pool import Ready

Request = TypeVar("Request")
Item = TypeVar("Item")

LIMIT_S = 60.0
"""Seconds that preparing one request may take: the largest images take a few, a chat template milliseconds."""

MOST_LEFT_BEHIND = 3
"""Threads that may hang before nothing more is prepared: Python cannot end them, and each slows the others."""

_MOST_BYTES = 64 * 1024 * 1024
_JOIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes(Generic[Item]):
    """What became of the first requests, in their order; with `hung`, the one after them does not end."""

    each: Sequence[Ready[Item] | Exception]
    hung: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job(Generic[Request, Item]):
    requests: Sequence[Request]
    outcomes: list[Ready[Item] | Exception]
    tell: Callable[[], None]


class Preparer(Generic[Request, Item]):
    """A thread that prepares. As a daemon, one that hangs does not keep the process alive.

    Args:
        prepare: Prepares one request; what it raises is that request's outcome.
        limit_s: Seconds that one request may take.
    """

    def __init__(self, prepare: Callable[[Request], Ready[Item]], limit_s: float = LIMIT_S) -> None:
        self._prepare = prepare
        self._limit_s = limit_s
        self._stopped = False
        self._jobs: queue.SimpleQueue[_Job[Request, Item] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="vlsbench-prepare", daemon=True)
        self._thread.start()

    async def prepare(self, requests: Sequence[Request]) -> Outcomes[Item]:
        """The outcomes of all requests, or of the first that hold a lot of pixels together.

        Where one hangs, so does this thread: use another from then on.
        """
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(done.set)

        job: _Job[Request, Item] = _Job(requests=requests, outcomes=[], tell=tell)
        self._jobs.put(job)
        while not done.is_set():
            before = len(job.outcomes)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), self._limit_s)
            if not done.is_set() and len(job.outcomes) == before:
                return Outcomes(each=job.outcomes[:before], hung=True)
        return Outcomes(each=job.outcomes)

    def stop(self) -> None:
        """Let the thread end after the request that it is at."""
        self._stopped = True
        self._jobs.put(None)

    def join(self) -> None:
        """Wait for the thread to end, but not for one that hangs."""
        self._thread.join(_JOIN_S)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._do(job)
            del job  # the next may be long in coming, and this one holds images

    def _do(self, job: _Job[Request, Item]) -> None:
        n_bytes = 0
        for request in job.requests:
            if self._stopped or n_bytes >= _MOST_BYTES:
                break
            try:
                ready = self._prepare(request)
            except Exception as error:  # noqa: BLE001 - an engine may raise anything; it belongs to whoever waits
                job.outcomes.append(error)
            else:
                job.outcomes.append(ready)
                n_bytes += ready.n_bytes
        job.tell()
