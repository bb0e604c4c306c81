"""What the batches of all providers have in common: many requests in one file, answered within a day at half the price.

A `BatchService` speaks one provider's protocol and keeps nothing. When to send, what is out and what came back is the
business of `run.batches`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from vlsbench.core.errors import VLSBenchError
from vlsbench.core.types import Prompt, Reply


class Phase(StrEnum):
    """Where a batch is on its way; only `RUNNING` is not the end."""

    RUNNING = "running"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a provider takes in one batch: requests, and bytes of the file that holds them."""

    requests: int
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as its provider describes it.

    `done` of `total` requests have come to an end, where the provider counts. `why` is what it says of a batch that
    failed, or what is odd about one that is under way. `results` are the places of its results, and `inputs` those of
    what was sent, which may be deleted.
    """

    id: str
    phase: Phase
    done: int = 0
    total: int = 0
    why: str = ""
    results: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


def unknown_state(state: str) -> str:
    """What is odd about a batch whose state is none that is documented; it passes for one that is under way."""
    return f"its state is {state[:80]!r}, which this version does not know"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What looking for a batch by its key came to: its id, or that it is not there.

    `uncertain` where one that may be it has not ended, and does not show its key until then.
    """

    id: str | None = None
    uncertain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of a batch's results: a reply, or an error; neither where the request was never worked on."""

    custom_id: str
    reply: Reply | None = None
    error: VLSBenchError | None = None


class BatchService(Protocol):
    """One provider's batches, for one model. Methods raise what `Model.generate` may raise."""

    @property
    def provider(self) -> str:
        """What messages call the provider."""
        ...

    @property
    def address(self) -> str:
        """Where it is asked, without secrets: a batch lives at one address."""
        ...

    @property
    def limits(self) -> Limits:
        """The most that it takes in one batch."""
        ...

    async def line(self, custom_id: str, prompt: Prompt) -> list[bytes]:
        """One request as a line of the file, in pieces, the newline included."""
        ...

    async def submit(self, key: str, payload: Path, count: int) -> str:
        """Hand in a file of `count` lines under our key; returns the provider's id."""
        ...

    async def find(self, key: str, count: int, since: float, others: Collection[str]) -> Found:
        """Look for a batch of ours that was perhaps handed in.

        Args:
            key: Under this key.
            count: With so many requests.
            since: After this moment, in seconds of the epoch.
            others: Ids that are known to be other batches'.
        """
        ...

    async def look(self, batch_id: str) -> Batch | None:
        """The batch as it stands, or None where the provider does not know it."""
        ...

    async def fetch(self, batch: Batch, file: BinaryIO) -> bool:
        """Write the results of a batch that has ended, line by line; False where they have been deleted."""
        ...

    def read(self, line: bytes) -> Result | None:
        """What a line of results says; None where it is none."""
        ...

    async def discard(self, batch: Batch) -> None:
        """Delete at the provider what was sent and what came back."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


@runtime_checkable
class Batching(Protocol):
    """A model whose provider also takes requests in batches."""

    def batches(self) -> BatchService:
        """The provider's batches, for this model."""
        ...
