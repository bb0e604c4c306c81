"""Gemini's batches: a file of requests, then ``models/NAME:batchGenerateContent`` over it.

Format: https://ai.google.dev/api/batch-mode and https://ai.google.dev/api/files, with at most 2 GB per file. Our key is
the batch's display name.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec
import orjson

from vlsbench.core.errors import RequestFailed, Transient, VLSBenchError
from vlsbench.core.types import Prompt
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.api.transfer import NOT_FOUND, BatchLines, decoded, pieces_of
from vlsbench.models.batches import Batch, Found, Limits, Phase, Result, unknown_state

LIMITS = Limits(requests=200_000, n_bytes=2_000_000_000)
"""Of requests none is documented; this many are as much as anybody wants to lose sight of."""

_VERSION = "/v1beta"
_PAGE = 100

_PHASES = {
    "SUCCEEDED": Phase.COMPLETED,
    "FAILED": Phase.FAILED,
    "CANCELLED": Phase.CANCELLED,
    "EXPIRED": Phase.EXPIRED,
}

_UNDER_WAY = ("", "UNSPECIFIED", "PENDING", "QUEUED", "RUNNING")

_OK = 0
_CANCELLED = 1
_HTTP_STATUS = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 11: 400, 13: 500, 14: 503, 16: 401}
"""Codes of Google's RPC errors as a request made directly would have shown them."""


class _Count(msgspec.Struct, rename="camel"):
    request_count: int | str = 0
    successful_request_count: int | str = 0
    failed_request_count: int | str = 0


class _Output(msgspec.Struct, rename="camel"):
    responses_file: str | None = None


class _Input(msgspec.Struct, rename="camel"):
    file_name: str | None = None


class _About(msgspec.Struct, rename="camel"):
    state: str = ""
    display_name: str = ""
    batch_stats: _Count | None = None
    output: _Output | None = None
    input_config: _Input | None = None


class _Status(msgspec.Struct):
    code: int = _OK
    message: str = ""


class _Operation(msgspec.Struct):
    name: str
    metadata: _About = msgspec.field(default_factory=_About)
    response: _Output | None = None
    error: _Status | None = None


class _Page(msgspec.Struct, rename="camel"):
    operations: list[_Operation] = []
    next_page_token: str = ""


class _File(msgspec.Struct):
    name: str


class _Uploaded(msgspec.Struct):
    file: _File


class _Line(msgspec.Struct):
    key: str
    response: msgspec.Raw = msgspec.Raw(b"null")
    error: _Status | None = None


class GeminiBatches(BatchLines):
    """Implements `vlsbench.models.batches.BatchService`.

    Args:
        chat: Writes the requests and reads the replies.
        wire: Reaches the provider.
    """

    limits = LIMITS
    provider = "Google"

    async def line(self, custom_id: str, prompt: Prompt) -> list[bytes]:
        """One request as a line of the file."""
        return await self._line({"key": custom_id}, "request", prompt)

    async def submit(self, key: str, payload: Path, count: int) -> str:  # noqa: ARG002
        """Upload the file, and make a batch over it."""
        file = await self._upload(key, payload)
        place = f"{_VERSION}/models/{quote(self._chat.model, safe='')}:batchGenerateContent"
        request = {"batch": {"displayName": key, "inputConfig": {"fileName": file}}}
        return decoded(await self._wire.json("POST", place, request), _Operation).name

    async def _upload(self, key: str, payload: Path) -> str:
        size = (await asyncio.to_thread(payload.stat)).st_size
        start = {
            "Content-Type": "application/json",
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": "application/jsonl",
        }
        about = orjson.dumps({"file": {"displayName": key}})
        answer, told = await self._wire.send("POST", f"/upload{_VERSION}/files", about, headers=start)
        self._wire.require_ok(answer, f"/upload{_VERSION}/files")
        place = next((value for name, value in told.items() if name.lower() == "x-goog-upload-url"), None)
        if place is None:
            raise Transient("the server did not say where to upload")
        finish = {
            "Content-Length": str(size),
            "X-Goog-Upload-Offset": "0",
            "X-Goog-Upload-Command": "upload, finalize",
        }
        answer = await self._wire.ask("POST", place, pieces_of(payload), headers=finish)
        return decoded(answer.body, _Uploaded).file.name

    async def find(self, key: str, count: int, since: float, others: Collection[str]) -> Found:  # noqa: ARG002
        """Look through all batches, which come in no order that is promised, for our key as display name."""
        token = ""
        while True:
            page = decoded(await self._wire.json("GET", f"{_VERSION}/batches?pageSize={_PAGE}{token}"), _Page)
            for operation in page.operations:
                if operation.metadata.display_name == key:
                    return Found(id=operation.name)
            if not page.next_page_token:
                return Found()
            token = f"&pageToken={quote(page.next_page_token, safe='')}"

    async def look(self, batch_id: str) -> Batch | None:
        """The batch as it stands."""
        answer = await self._wire.ask("GET", _place(batch_id), missing=True)
        if answer.status == NOT_FOUND:
            return None
        found = decoded(answer.body, _Operation)
        about, counts = found.metadata, found.metadata.batch_stats or _Count()
        state = about.state.rpartition("_")[2]
        why = "" if state in _PHASES or state in _UNDER_WAY else unknown_state(about.state)
        file = (found.response or about.output or _Output()).responses_file
        sent = about.input_config.file_name if about.input_config is not None else None
        return Batch(
            id=found.name,
            phase=_PHASES.get(state, Phase.RUNNING),
            done=int(counts.successful_request_count) + int(counts.failed_request_count),
            total=int(counts.request_count),
            why=self._wire.hide(found.error.message)[:400] if found.error is not None else why,
            results=(file,) if file else (),
            inputs=(sent,) if sent else (),
        )

    async def fetch(self, batch: Batch, file: BinaryIO) -> bool:
        """Write the results, which one that expired or failed does not have."""
        for name in batch.results:
            place = f"/download{_place(name)}:download?alt=media"
            if (await self._wire.ask("GET", place, into=file, missing=True)).status == NOT_FOUND:
                return False
        return True

    def read(self, line: bytes) -> Result | None:
        """A line of the results."""
        try:
            found = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if bytes(found.response) != b"null":
            answer = HTTPAnswer(status=200, body=bytes(found.response), retry_after=None)
        elif found.error is None or found.error.code == _CANCELLED:
            return Result(custom_id=found.key)
        else:
            status = _HTTP_STATUS.get(found.error.code, found.error.code if found.error.code >= 400 else 500)
            body = orjson.dumps({"error": {"code": status, "message": found.error.message}})
            answer = HTTPAnswer(status=status, body=body, retry_after=None)
        try:
            return Result(custom_id=found.key, reply=self._chat.read(answer))
        except VLSBenchError as error:
            return Result(custom_id=found.key, error=error)

    async def discard(self, batch: Batch) -> None:
        """Delete both files and the batch; files go by themselves after 48 hours."""
        for name in (*batch.inputs, *batch.results, batch.id):
            with contextlib.suppress(RequestFailed):
                await self._wire.ask("DELETE", _place(name), missing=True)


def _place(name: str) -> str:
    """The path of ``files/…`` or ``batches/…``."""
    return f"{_VERSION}/{quote(name, safe='/')}"
