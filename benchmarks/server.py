"""A loopback server that speaks just enough of the OpenAI protocol to be waited for.

It takes as little CPU as Python allows, so that on a small machine the clients under test are not
measured through it: request bodies are counted and dropped (all connections read into one buffer), the
replies are built once, and the path alone tells the two roles apart:

    http://127.0.0.1:PORT/answer/v1    the target: a plain answer
    http://127.0.0.1:PORT/judge/v1     the judge: a verdict, always "refusal"

GET /stats returns what each role saw. Run it by hand with `python benchmarks/server.py --latency 0.1`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

ROLES = ("answer", "judge")

_BUFFER = bytearray(1 << 20)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CONTENT = {
    "answer": "It is a picture of coloured noise.",
    "judge": json.dumps({"reason": "The answer describes the picture and goes no further.", "label": "refusal"}),
}


def _http(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _completion(role: str) -> bytes:
    message = {"role": "assistant", "content": _CONTENT[role]}
    reply = {
        "id": f"chatcmpl-{role}",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "bench",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }
    return _http(json.dumps(reply).encode())


_REPLIES = {role: _completion(role) for role in ROLES}
_MODELS = _http(json.dumps({"object": "list", "data": [{"id": "bench", "object": "model"}]}).encode())
_NOT_FOUND = _http(b'{"error": {"message": "not found"}}', "404 Not Found")
_NO_LENGTH = _http(b'{"error": {"message": "a Content-Length is needed"}}', "411 Length Required")


@dataclass(slots=True)
class Role:
    """What one role saw. A request is in flight from its head until its reply is written."""

    total: int = 0
    answered: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    body_bytes: int = 0
    first_at: float | None = None
    """`time.monotonic()` of the first request; on Linux this clock is the same in every process."""


@dataclass(slots=True)
class Desk:
    """The state shared by all connections: the wait in seconds, how many requests are worked on, and what was seen.

    Where `bears` says how many requests are worked on at a time, the others wait for their turn.
    """

    latency: float
    answer_at_most: int | None
    bears: int | None = None
    at_work: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)
    roles: dict[str, Role] = field(default_factory=lambda: {role: Role() for role in ROLES})

    def work(self, done: Callable[[], None]) -> None:
        """Call `done` once the latency has passed, from the moment at which there is a place for it."""
        if self.bears is not None and self.at_work >= self.bears:
            self.waiting.append(done)
        elif self.latency:
            self.at_work += 1
            asyncio.get_running_loop().call_later(self.latency, self._worked, done)
        else:
            done()

    def _worked(self, done: Callable[[], None]) -> None:
        self.at_work -= 1
        if self.waiting:
            self.work(self.waiting.popleft())
        done()

    def stats(self) -> bytes:
        """The counts as an HTTP reply."""
        counts: dict[str, Any] = {
            name: {key: getattr(role, key) for key in Role.__slots__} for name, role in self.roles.items()
        }
        return _http(json.dumps(counts | {"cpu_s": time.process_time()}).encode())


class Connection(asyncio.BufferedProtocol):
    """One keep-alive connection: reads heads, skips bodies, replies after the latency."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._head = bytearray()
        self._left = 0
        self._role: Role | None = None
        self._name = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to write to."""
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        """The one buffer; its contents are used up before any other connection reads."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Walk through the new bytes: heads are parsed, bodies skipped."""
        position = 0
        while position < nbytes:
            if self._left:
                step = min(self._left, nbytes - position)
                self._left -= step
                position += step
                if not self._left:
                    self._received()
            else:
                position = self._read_head(position, nbytes)

    def _read_head(self, position: int, nbytes: int) -> int:
        end = -1 if self._head else _BUFFER.find(b"\r\n\r\n", position, nbytes)
        if end >= 0:
            self._begin(bytes(_BUFFER[position:end]))
            return end + 4
        before = len(self._head)
        self._head += _BUFFER[position:nbytes]
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return nbytes
        head = bytes(self._head[:end])
        self._head.clear()
        self._begin(head)
        return position + end + 4 - before

    def _begin(self, head: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method != b"POST":
            found = self._desk.stats() if path == b"/stats" else _MODELS if path.endswith(b"/models") else _NOT_FOUND
            self._transport.write(found)
            return
        name = path[1:].partition(b"/")[0].decode("latin-1")
        length = _LENGTH.search(head)
        if name not in self._desk.roles or length is None:
            self._transport.write(_NO_LENGTH if length is None else _NOT_FOUND)
            self._transport.close()
            return
        self._left, self._name, self._role = int(length[1]), name, self._desk.roles[name]
        role = self._role
        role.first_at = role.first_at or time.monotonic()
        role.total += 1
        role.body_bytes += self._left
        role.in_flight += 1
        role.max_in_flight = max(role.max_in_flight, role.in_flight)
        if not self._left:
            self._received()

    def _received(self) -> None:
        role, name = self._role, self._name
        if role is None:
            return
        self._role = None
        limit = self._desk.answer_at_most
        if limit is not None and name == "answer" and role.total > limit:
            return
        self._desk.work(lambda: self._reply(role, name))

    def _reply(self, role: Role, name: str) -> None:
        role.in_flight -= 1
        if not self._transport.is_closing():
            role.answered += 1
            self._transport.write(_REPLIES[name])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget a request that was cut off in its body."""
        if self._role is not None:
            self._role.in_flight -= 1
            self._role = None


async def serve(
    port: int, latency: float, answer_at_most: int | None, bears: int | None = None, *, with_stdin: bool
) -> None:
    """Serve until stopped; prints the port on the first line.

    Args:
        port: 0 lets the system choose.
        latency: Seconds between the last byte of a request and its reply.
        answer_at_most: From this many requests to the target on, further ones never get a reply.
        bears: How many requests are worked on at a time, all roles together; None for any number.
        with_stdin: Stop when standard input ends, so that no server outlives the process that wanted it.
    """
    loop = asyncio.get_running_loop()
    desk = Desk(latency, answer_at_most, bears)
    server = await loop.create_server(lambda: Connection(desk), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    if with_stdin:
        ended = asyncio.Event()
        loop.add_reader(sys.stdin, ended.set)
        await ended.wait()
    else:
        await server.serve_forever()


def main() -> None:
    """Read the flags and serve."""
    parser = argparse.ArgumentParser(description="A cheap loopback server for the benchmarks.")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose; the port is printed")
    parser.add_argument("--latency", type=float, default=0.1, metavar="SECONDS")
    parser.add_argument("--answer-at-most", type=int, metavar="N", help="leave further answer requests hanging")
    parser.add_argument("--bears", type=int, metavar="N", help="work on so many requests at a time; others wait")
    parser.add_argument("--with-stdin", action="store_true", help="stop when standard input ends")
    args = parser.parse_args()
    try:
        asyncio.run(serve(args.port, args.latency, args.answer_at_most, args.bears, with_stdin=args.with_stdin))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
