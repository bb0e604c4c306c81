"""What the requests for one record take, whoever sends them: the model under test, a judge, a guard.

A judge may ask twice and fail the second time, and what a provider counted is owed all the same. So it is not handed
up with results but noted where requests are sent and tried again, on the meter of the record that they are for.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from types import TracebackType

from vlsbench.core.types import Reply, Verdict


@dataclass(slots=True, kw_only=True)
class Meter:
    """Requests and tokens of one record. Tokens are None unless the server told those of every reply.

    As a context manager it is the meter of all requests that this task, and those that it starts, send meanwhile.
    """

    requests: int = 0
    retried: int = 0
    replies: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    batched: bool = False
    _before: Token[Meter | None] | None = field(default=None, repr=False)

    def __enter__(self) -> Meter:
        self._before = _METER.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            _METER.reset(self._before)

    def reply(self, reply: Reply, *, batched: bool) -> None:
        """Note a reply, perhaps of a batch."""
        self.batched = batched
        self.prompt_tokens = self._sum(self.prompt_tokens, reply.prompt_tokens)
        self.completion_tokens = self._sum(self.completion_tokens, reply.completion_tokens)
        self.cached_tokens = self._sum(self.cached_tokens, reply.cached_tokens)
        self.replies += 1

    def measure(self, verdict: Verdict, *, sample_id: str, latency_s: float) -> Verdict:
        """The verdict on a sample with what it took: seconds, requests and tokens.

        That of a judge which sends its requests itself keeps what it says of them.
        """
        if not self.requests:
            return replace(verdict, sample_id=sample_id, latency_s=latency_s)
        return replace(
            verdict,
            sample_id=sample_id,
            latency_s=latency_s,
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
