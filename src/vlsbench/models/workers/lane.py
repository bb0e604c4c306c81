"""One worker as its driver sees it: what it is asked, what it still owes, and whether it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

from vlsbench.core.errors import VLSBenchError
from vlsbench.models.workers import wire
from vlsbench.models.workers.wire import About, Answer, Asked, Failure

_GATHER_S = 0.002
"""How long requests wait for others that go to the same worker: one call for many costs a fraction of a call each."""

_CALL_BYTES = 4 * 1024 * 1024
_CALL_REQUESTS = 64

_AGAIN_S = 1.0
"""How often a worker that is not there is looked for."""


class WorkerLost(Exception):
    """The worker died, restarted, or cannot be reached; what it was asked is asked elsewhere."""


class Lane:
    """The way to one worker.

    Args:
        actor: The Ray actor.
        accepts: Says of a worker that has come up why it may not work, or nothing.
        changed: Called when it comes up, goes down or is gone.
    """

    def __init__(self, actor: Any, accepts: Callable[[About], str], changed: Callable[[], None]) -> None:
        self.actor = actor
        self.width = 0
        self.gone = ""
        """Why it will never work."""
        self._accepts = accepts
        self._changed = changed
        self._owed: dict[int, asyncio.Future[Answer]] = {}
        self._waiting: list[tuple[int, Asked]] = []
        self._numbers = count()
        self._sessions = count()
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def is_up(self) -> bool:
        """Whether it can be asked at this moment."""
        return self.width > 0

    @property
    def load(self) -> float:
        """What it owes, as a share of what it wants at once."""
        return len(self._owed) / self.width

    def begin(self) -> None:
        """Forget what an event loop that has ended left behind: nobody waits for it."""
        self._owed.clear()
        self._waiting.clear()
        self._calls.clear()

    async def ask(self, asked: Asked) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            WorkerLost: The worker was lost before it answered.
            VLSBenchError: What the model raised.
        """
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        future: asyncio.Future[Answer] = loop.create_future()
        self._owed[number] = future
        if not self._waiting:
            loop.call_later(_GATHER_S, self._flush)
        self._waiting.append((number, asked))
        try:
            return await future
        finally:
            self._owed.pop(number, None)

    def _flush(self) -> None:
        """Send what has gathered, in calls of a moderate size; what nobody waits for any more is left out."""
        waiting = [(number, asked) for number, asked in self._waiting if number in self._owed]
        self._waiting.clear()
        while waiting:
            size = n = 0
            while n < min(len(waiting), _CALL_REQUESTS) and (n == 0 or size < _CALL_BYTES):
                size += sum(map(len, waiting[n][1].data))
                n += 1
            task = asyncio.create_task(self._give(waiting[:n]))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
            waiting = waiting[n:]

    async def _give(self, requests: list[tuple[int, Asked]]) -> None:
        from ray.exceptions import RayError

        packed, images = wire.pack_requests(requests)
        try:
            await self.actor.give.remote(packed, *images)
        except RayError as error:
            for number, _ in requests:
                self._finish(number, WorkerLost(_short(error)))

    async def tend(self) -> None:
        """Wait until the worker is there, fetch its answers, and begin again when it is lost. Never ends by itself."""
        from ray.exceptions import ActorUnschedulableError, RayError

        while not self.gone:
            try:
                about = await self.actor.about.remote()
                if self._refuses(about):
                    break
                self.width = about.width
                self._changed()
                session = next(self._sessions)
                while True:
                    self.width, answers = wire.unpack_answers(await self.actor.take.remote(session))
                    for number, said in answers:
                        self._finish(number, said.revived() if isinstance(said, Failure) else said)
            except ActorUnschedulableError as error:
                self.gone = _short(error)
            except RayError as error:
                self._lose(_short(error))
                await asyncio.sleep(_AGAIN_S)
        self._lose(self.gone)

    def _refuses(self, about: About | Failure) -> bool:
        self.gone = about.message if isinstance(about, Failure) else self._accepts(about)
        return bool(self.gone)

    def _lose(self, why: str) -> None:
        """Nothing that it owes will come; what comes all the same is not waited for."""
        self.width = 0
        for number in list(self._owed):
            self._finish(number, WorkerLost(why))
        self._changed()

    def _finish(self, number: int, said: Answer | WorkerLost | VLSBenchError) -> None:
        future = self._owed.get(number)
        if future is None or future.done():
            return
        if isinstance(said, Exception):
            future.set_exception(said)
        else:
            future.set_result(said)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
