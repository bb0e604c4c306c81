"""One JSON request over HTTP, with everything a server can do wrong named.

Knows HTTP, not chat: status codes become the errors of `vlsbench.core.errors`, redirects are followed without
the key where they leave the server, and a reply is never read past a limit.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from aiohttp.payload import Payload
from yarl import URL

from vlsbench.core import secrets
from vlsbench.core.errors import ConnectionFailed, RequestFailed, UserError
from vlsbench.core.version import __version__

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

MAX_REPLY_BYTES = 8_000_000
"""A chat completion of a few thousand tokens is some kilobytes; anything near this is a fault or an attack."""

MAX_REDIRECTS = 3

_UNREACHED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
"""Failures before the server had the request."""

_PIECE_BYTES = 256 * 1024

_JOINED_BYTES = 128 * 1024
"""Up to this size a body goes out in one piece, with its head: copying it is cheaper than three calls of the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPAnswer:
    """A server's reply: status, body (up to the client's limit), and how long it asks us to wait (seconds)."""

    status: int
    body: bytes
    retry_after: float | None


def to_json(request: Mapping[str, object]) -> bytes:
    """A request as a JSON document, whatever its texts hold."""
    try:
        return orjson.dumps(request)
    except TypeError:
        # Half of a surrogate pair has no UTF-8 form; the standard library escapes what orjson refuses.
        return json.dumps(request, ensure_ascii=True).encode()


class Parts(Payload):
    """A request body in parts; a large one is sent without ever being joined: the image stays one shared copy."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        super().__init__(parts, content_type="application/json")
        self._parts = parts
        self._size = n_bytes = sum(map(len, parts))
        self._joined = n_bytes <= _JOINED_BYTES

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all parts, large ones in pieces so that the socket sets the pace."""
        if self._joined:
            await writer.write(b"".join(self._parts))
            return
        for part in self._parts:
            view = memoryview(part)
            for start in range(0, len(view), _PIECE_BYTES):
                await writer.write(view[start : start + _PIECE_BYTES])

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text (aiohttp asks for it only in debugging)."""
        return b"".join(self._parts).decode(encoding, errors)


class Client:
    """Speaks JSON with one server.

    Args:
        base_url: The server's base URL, without a trailing slash.
        key: Sent as a bearer token, to this origin only.
        timeout_s: Limit for one request, reply included, in seconds.
        headers: What goes to this origin only in place of the bearer token, the key in its provider's own way.
        max_reply_bytes: A reply is never read past this; pictures need more than words.

    Raises:
        UserError: The environment asks for a proxy that is no HTTP proxy.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None,
        timeout_s: float,
        *,
        max_reply_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        bearer = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._own = bearer if headers is None else headers
        self.base_url = base_url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._max_reply_bytes = MAX_REPLY_BYTES if max_reply_bytes is None else max_reply_bytes
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.proxy = _proxy_for(URL(base_url))

    async def post(self, path: str, parts: Sequence[bytes]) -> HTTPAnswer:
        """Send one request.

        Args:
            path: Below the base URL, for example ``/chat/completions``.
            parts: The JSON body in pieces.

        Raises:
            ConnectionFailed: No answer: refused, reset, unresolved, or nothing within the time limit.
            RequestFailed: The reply is too large, or redirects in circles.
        """
        return await self._ask("POST", path, parts)

    async def get(self, path: str) -> HTTPAnswer:
        """Ask for something without sending anything; arguments and errors are those of `post`."""
        return await self._ask("GET", path, None)

    async def _ask(self, method: str, path: str, parts: Sequence[bytes] | None) -> HTTPAnswer:
        home = url = URL(self.base_url + path)
        for _ in range(MAX_REDIRECTS + 1):
            headers = {
                "Content-Type": "application/json",
                **(self._own if url is home or url.origin() == home.origin() else {}),
            }
            try:
                answer, location = await self._send(method, url, headers, parts)
            except TimeoutError as error:
                why = f"no answer from {url.origin()} within {self._timeout_s:g} s"
                raise ConnectionFailed(why, reached=not isinstance(error, _UNREACHED)) from error
            except (aiohttp.ClientError, OSError) as error:
                why = self.hide(f"no answer from {url.origin()}: {_why(error)}")
                raise ConnectionFailed(why, reached=not isinstance(error, _UNREACHED)) from error
            if location is None:
                return answer
            url = _follow(url, location)
        raise RequestFailed(f"{home.origin()} redirects in circles")

    async def _send(
        self, method: str, url: URL, headers: Mapping[str, str], parts: Sequence[bytes] | None
    ) -> tuple[HTTPAnswer, str | None]:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            # Request slots are the engine's business, hence no limit here. Replies are read as they are:
            # nothing is decompressed, so a small reply cannot become a large one.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=min(30.0, self._timeout_s)),
                headers={"User-Agent": f"vlsbench/{__version__}", "Accept-Encoding": "identity"},
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        data = Parts(parts) if parts is not None else None
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False, proxy=self.proxy
        ) as response:
            body = await self._read(response)
            location = response.headers.get("Location") if response.status in (301, 302, 307, 308) else None
            retry_after = read_retry_after(response.headers)
            return HTTPAnswer(status=response.status, body=body, retry_after=retry_after), location

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > self._max_reply_bytes:
                response.close()
                raise RequestFailed(f"the reply is larger than {self._max_reply_bytes:,} bytes")
        return bytes(body)

    def hide(self, text: str) -> str:
        """A text from the server without any key: servers echo it, and what they say is recorded and printed.

        Keys under 8 characters are placeholders for servers that want none, and stay.
        """
        text = text if self._key is None or len(self._key) < 8 else text.replace(self._key, secrets.SHOWN)
        return secrets.hide(text)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _follow(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location))
    except ValueError as error:
        raise RequestFailed(f"{url.origin()} redirects to an address that cannot be read") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise RequestFailed(f"{url.origin()} redirects to something that is no web address")
    return target.with_user(None)


def _why(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered HTTP {error.status}"  # without its address, which may hold a password
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection; does this server speak https, with a certificate that is trusted here?"
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error  # without the address and the TLS settings around it
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from ``retry-after-ms`` or ``Retry-After`` (a number or an HTTP date), or None."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif (value := headers.get("Retry-After")) is None:
            return None
        else:
            seconds = _seconds(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()


def _proxy_for(url: URL) -> str | None:
    """The proxy the environment asks for; never for this machine's own addresses.

    Raises:
        UserError: It is not an HTTP proxy.
    """
    host = url.host or ""
    if host in ("localhost", "::1") or host.startswith("127.") or proxy_bypass(host):
        return None
    proxies: dict[str, str] = getproxies()
    proxy: str | None = proxies.get(url.scheme) or proxies.get("all")
    kind = proxy.partition("://")[0].lower() if proxy and "://" in proxy else "http"
    if kind not in ("http", "https"):
        # The address is not repeated: it may hold a password.
        raise UserError(
            f"The environment asks for a {kind!r:.20} proxy, and only HTTP proxies are known here. Name one in "
            f"{url.scheme.upper()}_PROXY, or put {host} into NO_PROXY."
        )
    return proxy
