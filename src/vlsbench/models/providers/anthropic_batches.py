"""Anthropic's Message Batches: all requests in one POST ``/v1/messages/batches``, results as lines at an address.

Format: https://platform.claude.com/docs/en/api/creating-message-batches, with at most 100,000 requests and 256 MB. A
batch has no place for a key of ours, so it stands in the names of its requests, which are told only with the results.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from vlsbench.core.errors import RequestFailed, VLSBenchError
from vlsbench.core.types import Prompt
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.api.transfer import NOT_FOUND, BatchLines, decoded, pieces_of
from vlsbench.models.batches import Batch, Found, Limits, Phase, Result, unknown_state

LIMITS = Limits(requests=100_000, n_bytes=256_000_000)
PATH = "/v1/messages/batches"

_PAGE = 100
_SLACK_S = 3600.0
"""By how much the provider's clock may differ from ours, when a batch is looked for."""

_ENDED = "ended"
_STATES = ("in_progress", "canceling", _ENDED)

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that a request made directly would have got with such an error."""


class _Counts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        return self.processing + self.done

    @property
    def done(self) -> int:
        return self.succeeded + self.errored + self.canceled + self.expired


class _Batch(msgspec.Struct):
    id: str
    processing_status: str
    created_at: datetime
    request_counts: _Counts
    results_url: str | None = None
    archived_at: str | None = None

    @property
    def phase(self) -> Phase:
        if self.processing_status != _ENDED:
            return Phase.RUNNING
        if self.request_counts.canceled:
            return Phase.CANCELLED
        return Phase.EXPIRED if self.request_counts.expired else Phase.COMPLETED


class _Page(msgspec.Struct):
    data: list[_Batch]
    has_more: bool = False
    last_id: str | None = None


class _Kind(msgspec.Struct):
    type: str = ""


class _Failure(msgspec.Struct):
    error: _Kind = msgspec.field(default_factory=_Kind)


class _Outcome(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct):
    custom_id: str
    result: _Outcome


class AnthropicBatches(BatchLines):
    """Implements `vlsbench.models.batches.BatchService`.

    Args:
        chat: Writes the requests and reads the replies.
        wire: Reaches the provider.
    """

    limits = LIMITS
    provider = "Anthropic"

    async def line(self, custom_id: str, prompt: Prompt) -> list[bytes]:
        """One request, on a line of its own."""
        return await self._line({"custom_id": custom_id}, "params", prompt)

    async def submit(self, key: str, payload: Path, count: int) -> str:  # noqa: ARG002
        """Send all lines as one list."""
        before, after = b'{"requests":[', b"]}"
        size = (await asyncio.to_thread(payload.stat)).st_size
        headers = {"Content-Type": "application/json", "Content-Length": str(len(before) + size + len(after) - 1)}
        body = pieces_of(payload, before, after, lines_as_list=True)
        return decoded((await self._wire.ask("POST", PATH, body, headers=headers)).body, _Batch).id

    async def find(self, key: str, count: int, since: float, others: Collection[str]) -> Found:
        """Look at the batches of this size that were made since then: whose requests bear our key is ours."""
        uncertain, after = False, ""
        while True:
            page = decoded(await self._wire.json("GET", f"{PATH}?limit={_PAGE}{after}"), _Page)
            for batch in page.data:
                too_old = batch.created_at.timestamp() < since - _SLACK_S
                if too_old or batch.request_counts.total != count or batch.id in others:
                    continue
                if batch.phase is Phase.RUNNING:
                    uncertain = True
                elif await self._is_ours(batch, key):
                    return Found(id=batch.id)
            oldest = page.data[-1].created_at.timestamp() if page.data else time.time()
            if not page.has_more or page.last_id is None or oldest < since - _SLACK_S:
                return Found(uncertain=uncertain)
            after = f"&after_id={quote(page.last_id, safe='')}"

    async def _is_ours(self, batch: _Batch, key: str) -> bool:
        with TemporaryFile() as file:
            if not await self._download(batch.id, batch.results_url, file):
                return False
            file.seek(0)
            result = self.read(file.readline())
        return result is not None and result.custom_id.startswith(f"{key}-")

    async def look(self, batch_id: str) -> Batch | None:
        """The batch as it stands."""
        answer = await self._wire.ask("GET", f"{PATH}/{quote(batch_id, safe='')}", missing=True)
        if answer.status == NOT_FOUND:
            return None
        found = decoded(answer.body, _Batch)
        return Batch(
            id=found.id,
            phase=found.phase,
            done=found.request_counts.done,
            total=found.request_counts.total,
            why="" if found.processing_status in _STATES else unknown_state(found.processing_status),
            results=(found.results_url,) if found.results_url else (),
        )

    async def fetch(self, batch: Batch, file: BinaryIO) -> bool:
        """Write the results; Anthropic keeps them for 29 days."""
        return await self._download(batch.id, next(iter(batch.results), None), file)

    async def _download(self, batch_id: str, place: str | None, file: BinaryIO) -> bool:
        if place is None:
            return False  # archived
        # Asked for below our own address, wherever theirs points: the key goes nowhere else.
        answer = await self._wire.ask("GET", f"{PATH}/{quote(batch_id, safe='')}/results", into=file, missing=True)
        return answer.status != NOT_FOUND

    def read(self, line: bytes) -> Result | None:
        """A line of the results."""
        try:
            found = msgspec.json.decode(line, type=_Line)
            failure = msgspec.json.decode(found.result.error, type=_Failure | None)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if found.result.type == "succeeded":
            answer = HTTPAnswer(status=200, body=bytes(found.result.message), retry_after=None)
        elif found.result.type == "errored":
            kind = failure.error.type if failure is not None else ""
            answer = HTTPAnswer(status=_STATUS.get(kind, 500), body=bytes(found.result.error), retry_after=None)
        elif found.result.type in ("expired", "canceled"):
            return Result(custom_id=found.custom_id)
        else:
            why = f"a result of an unknown kind: {found.result.type!r:.80}"
            return Result(custom_id=found.custom_id, error=RequestFailed(why))
        try:
            return Result(custom_id=found.custom_id, reply=self._chat.read(answer))
        except VLSBenchError as error:
            return Result(custom_id=found.custom_id, error=error)

    async def discard(self, batch: Batch) -> None:
        """Delete the batch with its requests and results."""
        await self._wire.ask("DELETE", f"{PATH}/{quote(batch.id, safe='')}", missing=True)
