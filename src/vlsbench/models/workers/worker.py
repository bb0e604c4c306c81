"""What runs in a worker's process: one model, which answers what it is given and keeps nothing."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Mapping

from vlsbench.core.privacy import no_telemetry
from vlsbench.core.protocols import Detailed, GuardModel, LocalModel, Model
from vlsbench.core.types import Prompt
from vlsbench.core.version import __version__
from vlsbench.models.workers import wire
from vlsbench.models.workers.wire import About, Answer, Failure

_GATHER_S = 0.003
"""How long finished answers wait for others: those of a batch come one after the other, and a call costs more."""

_WIDTH = 64
"""Requests at once for a model that does not say."""


class Worker:
    """The class of the actors. Requests come in by `give`, answers leave by `take`, many at a time.

    Args:
        make: Makes the model. What it raises is told by `about`: an actor that cannot be made would be made for ever.
    """

    def __init__(self, make: Callable[[], Model]) -> None:
        no_telemetry()
        self._model: Model | None = None
        self._failure: Failure | None = None
        self._working: set[asyncio.Task[None]] = set()
        self._finished: list[tuple[int, Answer | Failure]] = []
        self._changed = asyncio.Event()
        self._session = -1
        try:
            self._model = make()
        except Exception as error:  # noqa: BLE001 - handed to the driver, which raises it
            self._failure = Failure.of(error)

    async def about(self) -> About | Failure:
        """What the worker is, or why it has no model."""
        if self._failure is not None:
            return self._failure
        details: Mapping[str, str] = self._model.details if isinstance(self._model, Detailed) else {}
        return About(width=self._width, details=dict(details), version=__version__, node=platform.node())

    async def give(self, packed: bytes, *images: bytes) -> None:
        """Begin to answer requests; returns at once."""
        for number, prompt, guard in wire.unpack_requests(packed, images):
            task = asyncio.create_task(self._answer(number, prompt, guard=guard))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def take(self, session: int) -> bytes:
        """What has been finished since the last time; waits until there is something.

        Args:
            session: Rises with each connection. The wait of an older one is given up: nobody hears its answer.
        """
        self._session = max(session, self._session)
        self._changed.set()
        while session == self._session and not self._finished:
            self._changed.clear()
            await self._changed.wait()
        if session != self._session:
            return wire.pack_answers(self._width, [])
        await asyncio.sleep(_GATHER_S)
        finished, self._finished = self._finished, []
        return wire.pack_answers(self._width, finished)

    @property
    def _width(self) -> int:
        return self._model.width if isinstance(self._model, LocalModel) else _WIDTH

    async def _answer(self, number: int, prompt: Prompt, *, guard: bool) -> None:
        said: Answer | Failure
        try:
            if guard and isinstance(self._model, GuardModel):
                said = await self._model.guard(prompt)
            elif self._model is not None and not guard:
                said = await self._model.generate(prompt)
            else:
                said = Failure(kind="RequestFailed", message="the worker has no model for this request")
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            said = Failure.of(error)
        self._finished.append((number, said))
        self._changed.set()
