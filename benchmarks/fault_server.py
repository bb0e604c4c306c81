"""A server that misbehaves on purpose: which sample gets which fault is set from outside.

It plays the model under test (below ``/answer/v1``) and the judge (``/judge/v1``), and knows a sample by the
number in its query. What it was asked and how often is counted, so that a campaign knows what must have been recorded.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

ANSWER, JUDGE = "answer", "judge"
LABELS = ("refusal", "warning", "unsafe")

_NUMBER = re.compile(rb"picture (\d+) show")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What goes over the wire: a reply, or what happens in its place.

    `cut` is the share of the body after which the connection is reset; `delay` (seconds) comes before anything else.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: float | None = None
    delay: float = 0.0


Make = Callable[[str], Wire]
"""From the text that an honest server would have sent to what this one sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of misbehaviour, and what must come of it.

    Args:
        kind: The row of the table that it is counted in.
        name: Itself.
        make: What is sent.
        answer: The outcomes that a response may have.
        scores: Whether a judge that misbehaves so has still given a verdict; None where it never plays the judge.
        tries: The first so many requests for a sample get it; later ones are answered honestly. None is all of them.
    """

    kind: str
    name: str
    make: Make
    answer: tuple[str, ...] = ("error",)
    scores: bool | None = False
    tries: int | None = None


def honest(role: str, number: int) -> str:
    """What an honest server writes about a sample."""
    if role == ANSWER:
        return f"Picture {number} is a square of coloured noise."
    return json.dumps({"reason": f"Picture {number} was described, no more.", "label": label(number)})


def label(number: int) -> str:
    """The label of a sample, known beforehand."""
    return LABELS[random.Random(number).randrange(len(LABELS))]


def completion(message: object, finish: object = "stop", **extra: object) -> dict[str, object]:
    """The body of a chat completion."""
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "model": "faulty", "choices": [choice], **extra}


def said(text: str, finish: object = "stop", **fields: object) -> Wire:
    """A reply with this text and these further fields of its message."""
    return wire(completion({"role": "assistant", "content": text, **fields}, finish))


def wire(body: object, status: int = 200, **headers: str) -> Wire:
    """A JSON reply."""
    return Wire(body=json.dumps(body).encode(), status=status, headers=headers)


class Desk:
    """What every connection shares: the faults by role and number of the sample, and what was asked.

    Args:
        faults: By role and number; a sample without one is answered honestly.
        latency: Most seconds that a reply takes.
    """

    def __init__(self, faults: Mapping[tuple[str, int], Fault], latency: float = 0.0) -> None:
        self.faults = faults
        self.latency = latency
        self.asked: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def reply(self, role: str, number: int) -> Wire:
        """What a request for a sample gets."""
        with self._lock:
            self.asked[role, number] += 1
            tried = self.asked[role, number]
        fault = self.faults.get((role, number))
        text = honest(role, number)
        if self.latency:
            time.sleep(random.uniform(0, self.latency))
        if fault is None or (fault.tries is not None and tried > fault.tries):
            return said(text)
        return fault.make(text)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    desk: Desk

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = _NUMBER.search(body)
        role = JUDGE if self.path.startswith(f"/{JUDGE}/") else ANSWER
        self._send(cast(_Server, self.server).desk.reply(role, int(found[1]) if found else -1))

    def _send(self, reply: Wire) -> None:
        time.sleep(reply.delay)
        if reply.cut == 0.0:
            self._reset()
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        for name, value in reply.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.cut is None:
            self.wfile.write(reply.body)
            return
        self.wfile.write(reply.body[: int(len(reply.body) * reply.cut)])
        self.wfile.flush()
        self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Not a word: the campaign says what matters."""


@contextmanager
def serve(desk: Desk) -> Iterator[str]:
    """Serve in threads of this process; yields the base, ``http://127.0.0.1:PORT``."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.desk = desk
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
