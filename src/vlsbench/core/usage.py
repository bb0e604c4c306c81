"""What requests took, in tokens and in money: counted from records, never guessed.

A server that does not say how many tokens a reply took leaves them unknown: they count as uncounted requests, never as
0, and every sum that lacks them says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vlsbench.core.names import without_address
from vlsbench.core.types import Response, ResponseOutcome, Verdict, VerdictOutcome

_MILLION = 1_000_000

BATCH_SHARE = 0.5
"""What OpenAI, Anthropic and Google ask for requests in batches, of what they ask for others."""

NO_REPLY = frozenset({ResponseOutcome.ERROR.value, VerdictOutcome.JUDGE_ERROR.value, VerdictOutcome.NO_RESPONSE.value})
"""Outcomes of records for which there may have been no reply, hence no tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs per million tokens; `cached` is for the part of a request that a server had seen before.

    Without `cached`, that part costs what the rest does. `batch` is the share of the price that requests in batches
    cost. `currency` is as the user wrote it, and may be empty.
    """

    input: float
    output: float
    cached: float | None = None
    batch: float = BATCH_SHARE
    currency: str = ""

    def of(self, usage: Usage) -> float:
        """What the counted tokens cost, in the currency of the price."""
        whole = self._whole(usage)
        return whole if usage.batched is None else whole - (1 - self.batch) * self._whole(usage.batched)

    def _whole(self, usage: Usage) -> float:
        prompt, completion, cached = usage.prompt_tokens or 0, usage.completion_tokens or 0, usage.cached_tokens or 0
        cheap = self.input if self.cached is None else self.cached
        return ((prompt - cached) * self.input + cached * cheap + completion * self.output) / _MILLION


@dataclass(slots=True, kw_only=True)
class Usage:
    """What some requests took; grows while they are counted.

    `requests` are all that were sent, `retried` those among them that only repeat one that failed. `uncounted` are the
    records whose tokens no server told; the tokens of all others are in the sums, which are None where nothing at all
    is known. `prompt_tokens` include `cached_tokens`, and `completion_tokens` include thinking. `records` are the
    answers or verdicts that the requests were for. `batched` is the part of all this that came by batches.
    """

    records: int = 0
    requests: int = 0
    retried: int = 0
    uncounted: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    batched: Usage | None = None

    def record(
        self,
        requests: int,
        retried: int,
        prompt: int | None,
        completion: int | None,
        cached: int | None,
        *,
        replied: bool,
        batched: bool = False,
    ) -> None:
        """Count one answer or verdict.

        Args:
            requests: Sent for it; with none, nothing was taken.
            retried: Of those, how many repeat one that failed.
            prompt: Tokens of the requests.
            completion: Tokens of the replies.
            cached: Of the requests' tokens, those that the server had seen before.
            replied: Whether a reply came: if so, it took tokens, whether or not they are known.
            batched: Whether it came by a batch.
        """
        if not requests:
            return
        if batched:
            self.batched = self.batched or Usage()
            self.batched.record(requests, retried, prompt, completion, cached, replied=replied)
        self.records += 1
        self.requests += requests
        self.retried += retried
        if prompt is not None or completion is not None:
            self.add_tokens(prompt, completion, cached)
        elif replied:
            self.uncounted += 1

    def count(self, record: Response | Verdict) -> None:
        """Count one answer or verdict that was just made."""
        self.record(
            record.requests,
            record.retried,
            record.prompt_tokens,
            record.completion_tokens,
            record.cached_tokens,
            replied=record.outcome.value not in NO_REPLY,
            batched=record.batched,
        )

    def add_tokens(self, prompt: int | None, completion: int | None, cached: int | None) -> None:
        """Count the tokens of a reply, as far as they are known."""
        if prompt is not None:
            self.prompt_tokens = (self.prompt_tokens or 0) + prompt
        if completion is not None:
            self.completion_tokens = (self.completion_tokens or 0) + completion
        if cached is not None:
            # No server can have seen more of a request before than there was of it.
            self.cached_tokens = (self.cached_tokens or 0) + min(cached, prompt or 0)

    def add(self, other: Usage) -> None:
        """Count what other requests took as well."""
        self.records += other.records
        self.requests += other.requests
        self.retried += other.retried
        self.uncounted += other.uncounted
        self.add_tokens(other.prompt_tokens, other.completion_tokens, other.cached_tokens)
        if other.batched is not None:
            self.batched = self.batched or Usage()
            self.batched.add(other.batched)

    def to_json(self) -> dict[str, object]:
        """As ``summary.json`` holds it; null is a number that no server told."""
        nothing = 0 if not self.requests else None
        return {
            "requests": self.requests,
            "prompt": nothing if self.prompt_tokens is None else self.prompt_tokens,
            "completion": nothing if self.completion_tokens is None else self.completion_tokens,
            "cached": nothing if self.cached_tokens is None else self.cached_tokens,
            "retried": self.retried,
            "uncounted": self.uncounted,
            **({"batched": self.batched.requests} if self.batched is not None else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices that a user named: by model, and those of options for the target and for the judge.

    Args:
        models: Prices by model reference, without the address of its server: a model is the same wherever it runs.
        target: The price of the model under test, whatever it is called.
        judge: The price of the judge (or guard), whatever it is called.
    """

    models: Mapping[str, Price]
    target: Price | None = None
    judge: Price | None = None

    def of_target(self, ref: str) -> Price | None:
        """The price of the model under test."""
        return self.target or self.named(ref)

    def of_judge(self, ref: str) -> Price | None:
        """The price of a judge or guard."""
        return self.judge or self.named(ref)

    def named(self, ref: str) -> Price | None:
        """The price of a model in the list."""
        return self.models.get(without_address(ref.removeprefix("guard:")))
