"""What the requests for one record take, whoever sends them: the model under test, a judge, a guard.

A judge may ask twice and fail the second time, and what a provider counted is owed all the same. So it is not handed
up with results but noted where requests are sent and tried again, on the meter of the record that they are for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace

from vlsbench.core.protocols import GuardModel, LocalModel
from vlsbench.core.types import GuardReading, Prompt, Reply, Verdict


@dataclass(slots=True, kw_only=True)
class Meter:
    """Requests and tokens of one record. Tokens are None unless the server told those of every reply."""

    requests: int = 0
    retried: int = 0
    replies: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    batched: bool = False

    def reply(self, reply: Reply, *, batched: bool) -> None:
        """Note a reply, perhaps of a batch."""
        self.batched = batched
        self.prompt_tokens = self._sum(self.prompt_tokens, reply.prompt_tokens)
        self.completion_tokens = self._sum(self.completion_tokens, reply.completion_tokens)
        self.cached_tokens = self._sum(self.cached_tokens, reply.cached_tokens)
        self.replies += 1

    def measure(self, verdict: Verdict) -> Verdict:
        """The verdict with what it took; that of a judge which sends its requests itself keeps what it says of them."""
        if not self.requests:
            return verdict
        return replace(
            verdict,
            requests=self.requests,
            retried=self.retried,
            batched=self.batched,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_tokens=self.cached_tokens,
        )

    def _sum(self, before: int | None, told: int | None) -> int | None:
        if told is None or not self.replies:
            return told
        return None if before is None else before + told


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextlib.contextmanager
def metered() -> Iterator[Meter]:
    """A meter for all requests that are sent meanwhile by this task, and by tasks that it starts."""
    meter = Meter()
    token = _METER.set(meter)
    try:
        yield meter
    finally:
        _METER.reset(token)


def sent(*, again: bool = False) -> None:
    """Note a request that is being sent, perhaps because it failed before."""
    meter = _METER.get()
    if meter is not None:
        meter.requests += 1
        meter.retried += again


def replied(reply: Reply, *, batched: bool = False) -> None:
    """Note what the server counted for its reply, which may have come by a batch."""
    meter = _METER.get()
    if meter is not None:
        meter.reply(reply, batched=batched)


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
