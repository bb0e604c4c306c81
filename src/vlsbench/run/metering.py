"""Models in this process, whose requests are noted as those behind a server are."""

from __future__ import annotations

from vlsbench.core.metering import replied, sent
from vlsbench.core.protocols import GuardModel, LocalModel
from vlsbench.core.types import GuardReading, Prompt, Reply


class MeteredModel:
    """A model in this process, whose requests are noted; nothing is tried again. Implements `LocalModel`.

    Args:
        model: The model.
    """

    def __init__(self, model: LocalModel) -> None:
        self.inner = model

    @property
    def name(self) -> str:
        """The model's reference."""
        return self.inner.name

    @property
    def width(self) -> int:
        """How many requests to keep in flight."""
        return self.inner.width

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        sent()
        reply = await self.inner.generate(prompt)
        replied(reply)
        return reply


class MeteredGuard(MeteredModel):
    """One that is a guard with logits as well. Implements `GuardModel`."""

    def __init__(self, model: LocalModel, guard: GuardModel) -> None:
        super().__init__(model)
        self._guard = guard

    async def guard(self, prompt: Prompt) -> GuardReading:
        """Read a guard's verdict."""
        sent()
        return await self._guard.guard(prompt)


def metered_model(model: LocalModel) -> MeteredModel:
    """The model with its requests noted, a guard where it is one."""
    return MeteredGuard(model, model) if isinstance(model, GuardModel) else MeteredModel(model)
