"""Files and small JSON over HTTP, to one server: what batches need beside the requests themselves.

Like `http.Client`, whose proxy and secrecy it shares: the key goes to the server's own origin only, and nothing is
decompressed. Redirects are not followed; whoever asks sees them as the answer that they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import aiohttp
import msgspec
import orjson
from yarl import URL

from vlsbench.core.errors import ConnectionFailed, RequestFailed, Transient, VLSBenchError
from vlsbench.core.types import Prompt, Reply
from vlsbench.core.version import __version__
from vlsbench.models.api.http import Client, HTTPAnswer, read_retry_after

NOT_FOUND = 404

_PIECE_BYTES = 1 << 20
_MAX_JSON_BYTES = 32_000_000
MAX_RESULT_BYTES = 4_000_000_000
"""Results of a batch larger than this are a fault: no provider takes that much in."""

T = TypeVar("T")

Body = bytes | AsyncIterator[bytes]


class Wording(Protocol):
    """What batches need of the model that their requests are for: how these and their replies are written."""

    @property
    def model(self) -> str:
        """The name the provider knows it by."""
        ...

    async def body(self, prompt: Prompt) -> list[bytes]:
        """The JSON of one request, in pieces."""
        ...

    def read(self, answer: HTTPAnswer) -> Reply:
        """The reply in a server's answer, or the error that it amounts to."""
        ...


class Transfer:
    """Requests of any kind to one server.

    Args:
        base_url: The server's base URL, without a trailing slash.
        headers: Sent to this origin only: the key, under whatever name the provider gives it.
        key: The key in them, to be kept out of messages.
        timeout_s: Seconds of silence after which a request has failed; a large file may take longer.
        error: What a failed answer of a path means.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        key: str | None,
        timeout_s: float,
        error: Callable[[HTTPAnswer, str], VLSBenchError],
    ) -> None:
        self.base_url = base_url
        self._error = error
        self._headers = dict(headers)
        self._timeout_s = timeout_s
        self._client = Client(base_url, key, timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.hide = self._client.hide

    async def json(self, method: str, place: str, request: object = None) -> bytes:
        """Send a small JSON request, or none; returns the body of a 200. Raises as `ask` does."""
        body = None if request is None else orjson.dumps(request)
        return (await self.ask(method, place, body, headers={"Content-Type": "application/json"} if body else {})).body

    async def ask(
        self,
        method: str,
        place: str,
        body: Body | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        into: BinaryIO | None = None,
        missing: bool = False,
    ) -> HTTPAnswer:
        """Send one request as `send` does; `missing` lets a 404 pass as an answer.

        Raises:
            VLSBenchError: There is no answer, or what the failed one means.
        """
        answer, _ = await self.send(method, place, body, headers=headers, into=into)
        if not (missing and answer.status == NOT_FOUND):
            self.require_ok(answer, place)
        return answer

    def require_ok(self, answer: HTTPAnswer, place: str) -> None:
        """Nothing where an answer of a place is a 200.

        Raises:
            VLSBenchError: What it means otherwise.
        """
        if answer.status != 200:
            raise self._error(answer, place.partition("?")[0])

    async def send(
        self,
        method: str,
        place: str,
        body: Body | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        into: BinaryIO | None = None,
    ) -> tuple[HTTPAnswer, Mapping[str, str]]:
        """Send one request.

        Args:
            method: ``GET``, ``POST`` or ``DELETE``.
            place: A path below the base URL, or a whole address.
            body: What to send.
            headers: Beside those of every request.
            into: Where the body of a 200 is written instead of being returned.

        Returns:
            The answer and its headers.

        Raises:
            ConnectionFailed: No answer, or it broke off.
            RequestFailed: The answer is too large.
        """
        url = URL(place if "://" in place else self.base_url + place, encoded=True)
        sent = {**(headers or {}), **(self._headers if url.origin() == URL(self.base_url).origin() else {})}
        try:
            async with self._open().request(
                method, url, data=body, headers=sent, allow_redirects=False, proxy=self._client.proxy
            ) as response:
                kept = await _read(response, into if response.status == 200 else None)
                answer = HTTPAnswer(status=response.status, body=kept, retry_after=read_retry_after(response.headers))
                return answer, dict(response.headers)
        except TimeoutError as error:
            raise ConnectionFailed(f"no answer from {url.origin()} for {self._timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            why = self.hide(str(error) or type(error).__name__)
            raise ConnectionFailed(f"no answer from {url.origin()}: {why}") from error

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                # Without a limit for the whole: a file of 200 MB takes as long as the line needs.
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=min(30.0, self._timeout_s), sock_read=self._timeout_s
                ),
                headers={"User-Agent": f"vlsbench/{__version__}", "Accept-Encoding": "identity"},
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _read(response: aiohttp.ClientResponse, into: BinaryIO | None) -> bytes:
    body, size = bytearray(), 0
    most = _MAX_JSON_BYTES if into is None else MAX_RESULT_BYTES
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > most:
            response.close()
            raise RequestFailed(f"the answer is larger than {most:,} bytes")
        if into is None:
            body += piece
        else:
            into.write(piece)
    return bytes(body)


async def pieces_of(
    path: Path, before: bytes = b"", after: bytes = b"", *, lines_as_list: bool = False
) -> AsyncIterator[bytes]:
    """A file in pieces, with something before and after it.

    Args:
        path: The file.
        before: Sent first.
        after: Sent last.
        lines_as_list: Each line but the last ends in a comma instead of a newline, and the last in nothing.
    """
    if before:
        yield before
    last = b""
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            # The end of a line inside JSON is an escape, so every newline is between lines.
            piece = last + (piece.replace(b"\n", b",") if lines_as_list else piece)
            last = piece[-1:] if lines_as_list else b""
            yield piece[:-1] if lines_as_list else piece
    if after:
        yield after


def decoded(body: bytes, kind: type[T]) -> T:
    """A JSON answer as what it describes.

    Raises:
        Transient: It is not that.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Transient(f"the server's answer cannot be read: {error}") from error


class BatchLines:
    """What the batch services of all providers have in common: whom they ask, and how a request becomes a line.

    Args:
        chat: Writes the requests and reads the replies.
        wire: Reaches the provider.
    """

    def __init__(self, chat: Wording, wire: Transfer) -> None:
        self.address = wire.base_url
        self._chat = chat
        self._wire = wire

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def _line(self, head: Mapping[str, str], field: str, prompt: Prompt) -> list[bytes]:
        """A request as a line: what tells it from the others, and its body in a field."""
        return [orjson.dumps(head)[:-1] + b',"%b":' % field.encode(), *await self._chat.body(prompt), b"}\n"]
