"""OpenAI's batches: a file of requests (``POST /files``), then a batch over it (``POST /batches``).

Format: https://platform.openai.com/docs/guides/batch, with at most 50,000 requests and 200 MB per file. Whoever speaks
chat completions and these two paths is served as well. Our key stands in the batch's ``metadata``.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar
from urllib.parse import quote

import msgspec

from vlsbench.core.errors import RequestFailed, VLSBenchError
from vlsbench.core.types import Prompt
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.api.transfer import NOT_FOUND, BatchLines, decoded, pieces_of
from vlsbench.models.batches import Batch, Found, Limits, Phase, Result, unknown_state

T = TypeVar("T")

LIMITS = Limits(requests=50_000, n_bytes=200_000_000)
ENDPOINT = "/v1/chat/completions"
METADATA = "vlsbench"
"""The name under which our key stands in a batch's metadata."""

_PAGE = 100
_SLACK_S = 3600.0
"""By how much the provider's clock may differ from ours, when a batch is looked for."""

_PHASES = {
    "validating": Phase.RUNNING,
    "in_progress": Phase.RUNNING,
    "finalizing": Phase.RUNNING,
    "cancelling": Phase.RUNNING,
    "completed": Phase.COMPLETED,
    "expired": Phase.EXPIRED,
    "cancelled": Phase.CANCELLED,
    "failed": Phase.FAILED,
}

_UNWORKED = ("batch_expired", "batch_cancelled")
"""Codes of lines that the provider never worked on."""


class _Counts(msgspec.Struct):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Problem(msgspec.Struct):
    message: str | None = None
    code: str | None = None


class _Problems(msgspec.Struct):
    data: list[_Problem] | None = None


class _Batch(msgspec.Struct):
    id: str
    status: str
    created_at: float = 0.0
    metadata: dict[str, str] | None = None
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: _Counts | None = None
    errors: _Problems | None = None


class _File(msgspec.Struct):
    id: str
    filename: str = ""


class _Page(msgspec.Struct, Generic[T]):
    data: list[T]
    has_more: bool = False


class _Response(msgspec.Struct):
    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct):
    custom_id: str
    response: _Response | None = None
    error: _Problem | None = None


class OpenAIBatches(BatchLines):
    """Implements `vlsbench.models.batches.BatchService` for a model behind chat completions.

    Args:
        chat: Writes the requests and reads the replies.
        wire: Reaches its server; the address ends in ``/v1``.
    """

    limits = LIMITS
    provider = "OpenAI"

    async def line(self, custom_id: str, prompt: Prompt) -> list[bytes]:
        """One request as a line of the file."""
        return await self._line({"custom_id": custom_id, "method": "POST", "url": ENDPOINT}, "body", prompt)

    async def submit(self, key: str, payload: Path, count: int) -> str:  # noqa: ARG002
        """Upload the file, unless an earlier try did, and make a batch over it."""
        file = await self._uploaded(key) or await self._upload(key, payload)
        request = {
            "input_file_id": file,
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": {METADATA: key},
        }
        return decoded(await self._wire.json("POST", "/batches", request), _Batch).id

    async def _uploaded(self, key: str) -> str | None:
        page = decoded(await self._wire.json("GET", f"/files?purpose=batch&order=desc&limit={_PAGE}"), _Page[_File])
        return next((file.id for file in page.data if file.filename == f"{key}.jsonl"), None)

    async def _upload(self, key: str, payload: Path) -> str:
        size, boundary = await asyncio.to_thread(payload.stat), secrets.token_hex(16)
        disposition = "Content-Disposition: form-data; name="
        before = (
            f'--{boundary}\r\n{disposition}"purpose"\r\n\r\nbatch\r\n'
            f'--{boundary}\r\n{disposition}"file"; filename="{key}.jsonl"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        ).encode()
        after = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(before) + size.st_size + len(after)),
        }
        answer = await self._wire.ask("POST", "/files", pieces_of(payload, before, after), headers=headers)
        return decoded(answer.body, _File).id

    async def find(self, key: str, count: int, since: float, others: Collection[str]) -> Found:  # noqa: ARG002
        """Look through the batches, the newest first, for our key in their metadata."""
        after = ""
        while True:
            page = decoded(await self._wire.json("GET", f"/batches?limit={_PAGE}{after}"), _Page[_Batch])
            for batch in page.data:
                if (batch.metadata or {}).get(METADATA) == key:
                    return Found(id=batch.id)
            if not page.has_more or not page.data or page.data[-1].created_at < since - _SLACK_S:
                return Found()
            after = f"&after={quote(page.data[-1].id, safe='')}"

    async def look(self, batch_id: str) -> Batch | None:
        """The batch as it stands."""
        place = f"/batches/{quote(batch_id, safe='')}"
        answer = await self._wire.ask("GET", place, missing=True)
        if answer.status == NOT_FOUND:
            return None
        found = decoded(answer.body, _Batch)
        counts = found.request_counts or _Counts()
        problems = (found.errors.data if found.errors is not None else None) or []
        why = "; ".join(problem.message or problem.code or "" for problem in problems)
        if found.status not in _PHASES:
            why = unknown_state(found.status)
        return Batch(
            id=found.id,
            phase=_PHASES.get(found.status, Phase.RUNNING),
            done=counts.completed + counts.failed,
            total=counts.total,
            why=self._wire.hide(why)[:400],
            results=tuple(file for file in (found.output_file_id, found.error_file_id) if file),
            inputs=(found.input_file_id,) if found.input_file_id else (),
        )

    async def fetch(self, batch: Batch, file: BinaryIO) -> bool:
        """Write the answers, then the errors, which OpenAI keeps in a file of their own."""
        for name in batch.results:
            answer = await self._wire.ask("GET", f"/files/{quote(name, safe='')}/content", into=file, missing=True)
            if answer.status == NOT_FOUND:
                return False
        return True

    def read(self, line: bytes) -> Result | None:
        """A line of either file."""
        try:
            found = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if found.response is None:
            problem = found.error or _Problem()
            if problem.code in _UNWORKED:
                return Result(custom_id=found.custom_id)
            why = self._wire.hide(problem.message or problem.code or "no answer and no reason")
            return Result(custom_id=found.custom_id, error=RequestFailed(why))
        answer = HTTPAnswer(status=found.response.status_code, body=bytes(found.response.body), retry_after=None)
        try:
            return Result(custom_id=found.custom_id, reply=self._chat.read(answer))
        except VLSBenchError as error:
            return Result(custom_id=found.custom_id, error=error)

    async def discard(self, batch: Batch) -> None:
        """Delete the files; what cannot be deleted expires at OpenAI by itself."""
        for name in (*batch.inputs, *batch.results):
            with contextlib.suppress(RequestFailed):
                await self._wire.ask("DELETE", f"/files/{quote(name, safe='')}", missing=True)
