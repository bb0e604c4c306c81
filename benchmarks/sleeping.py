"""A model that sleeps in place of computing, in batches like a local one: for what workers cost, not models."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from vlsbench.core.errors import RequestFailed
from vlsbench.core.types import Prompt, Reply, ResponseOutcome
from vlsbench.models.local.batching import Batcher
from vlsbench.models.local.pool import Ready


class SleepingModel:
    """Answers a batch after as long as it is told. Implements `vlsbench.core.protocols.LocalModel`.

    Args:
        batch_s: Seconds that a batch takes.
        size: Requests in a batch.
    """

    name = "sleeping"

    def __init__(self, batch_s: float, size: int) -> None:
        self.details: Mapping[str, str] = {}
        self._batcher: Batcher[Prompt, Prompt, Sequence[Prompt], Reply] = Batcher(_Sleep(batch_s), size=size)

    @property
    def width(self) -> int:
        """Requests to keep in flight."""
        return 3 * self._batcher.size

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        return await self._batcher.submit(prompt)

    async def close(self) -> None:
        """End the threads."""
        await self._batcher.close()


class _Sleep:
    def __init__(self, batch_s: float) -> None:
        self._batch_s = batch_s

    def prepare(self, request: Prompt) -> Ready[Prompt]:
        for image in request.images:
            image.read()
        return Ready(item=request, length=len(request.text))

    def collate(self, items: Sequence[Prompt]) -> Sequence[Prompt]:
        return items

    def run(self, batch: Sequence[Prompt]) -> Sequence[Reply | RequestFailed]:
        time.sleep(self._batch_s)
        text = "I see a picture, and say so in a few words. " * 3
        return [Reply(outcome=ResponseOutcome.OK, text=text, finish_reason="stop") for _ in batch]

    def is_out_of_memory(self, error: Exception) -> bool:  # noqa: ARG002 - as `Work` has it
        return False

    def may_double(self) -> bool:
        return False

    def stop(self) -> None:
        """There is nothing to stop."""
