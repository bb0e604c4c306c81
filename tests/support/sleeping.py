"""A local model that sleeps in place of computing, for workers: importable wherever they run."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Sequence

from vlsbench.core.errors import RequestFailed, UserError
from vlsbench.core.types import GuardReading, Prompt, Reply, ResponseOutcome
from vlsbench.models.local.batching import Batcher
from vlsbench.models.local.pool import Ready


class SleepingModel:
    """Answers in batches, each of which takes as long as it is told; says what it was shown.

    Args:
        batch_s: Seconds that a batch takes.
        size: Requests in a batch.
        load_s: Seconds that loading takes.
    """

    def __init__(self, batch_s: float = 0.01, size: int = 8, load_s: float = 0.0) -> None:
        time.sleep(load_s)
        self.name = "sleeping"
        self.details = {"dtype": "none", "pid": str(os.getpid())}
        self._batcher: Batcher[Prompt, Prompt, list[Prompt], Reply] = Batcher(_Sleep(batch_s), size=size)

    @property
    def width(self) -> int:
        return 3 * self._batcher.size

    async def generate(self, prompt: Prompt) -> Reply:
        return await self._batcher.submit(prompt)

    async def guard(self, prompt: Prompt) -> GuardReading:
        await asyncio.sleep(0)
        return GuardReading(text="unsafe\nS1", p_unsafe=0.875)

    async def close(self) -> None:
        await self._batcher.close()


class _Sleep:
    def __init__(self, batch_s: float) -> None:
        self._batch_s = batch_s

    def prepare(self, request: Prompt) -> Ready[Prompt]:
        if "poison" in request.text:
            os._exit(1)
        if "refused" in request.text:
            raise RequestFailed("the model does not like this")
        return Ready(item=request, length=len(request.text))

    def collate(self, items: Sequence[Prompt]) -> list[Prompt]:
        return list(items)

    def run(self, batch: list[Prompt]) -> list[Reply]:
        time.sleep(self._batch_s)
        return [Reply(outcome=ResponseOutcome.OK, text=said_of(prompt), model="sleeping") for prompt in batch]

    def is_out_of_memory(self, error: Exception) -> bool:
        return False

    def may_double(self) -> bool:
        return False

    def stop(self) -> None:
        pass


def said_of(prompt: Prompt) -> str:
    """The answer to a prompt: the same in every process."""
    seen = hashlib.sha256(prompt.image.read()).hexdigest()[:12] if prompt.image is not None else "nothing"
    return f"{prompt.text} I see {seen}."


class Unloadable:
    """A model that cannot be loaded."""

    def __init__(self) -> None:
        raise UserError("There is no such model, and this is what to do.")


def doubled() -> Callable[[int | str], int]:
    """Makes a function that doubles numbers."""
    return lambda number: 2 * int(number)


def pid_and(seconds: float) -> Callable[[int], tuple[int, int]]:
    """Makes a slow function that says where it runs."""

    def call(number: int) -> tuple[int, int]:
        time.sleep(seconds)
        return os.getpid(), number

    return call


def unloadable() -> Callable[[int], int]:
    """Makes nothing."""
    raise UserError("There is no such model, and this is what to do.")


def dies_while_loading() -> SleepingModel:
    """A model for which there is not enough memory: the kernel ends its process."""
    os._exit(1)
