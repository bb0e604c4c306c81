"""A loopback server that works on batches as providers document it, and is strict about what it takes.

Each protocol is a module of its own (`batch_openai`, `batch_anthropic`, `batch_gemini`); here is what they share: who
answers, what was paid for, when a batch is done and what becomes of its lines. Requests made one by one are served too.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

KEY = "sk-batch-loopback-key"

ANSWERED, REFUSED, EXPIRED, CANCELLED = "answered", "refused", "expired", "cancelled"
"""What may become of a line: a reply, an error for this request, or nothing because the batch ended before."""


@dataclass
class Line:
    """One request of a batch: its name and its body, as the protocol has them."""

    name: str
    body: dict[str, Any]


@dataclass
class Job:
    """A batch at the provider."""

    id: str
    lines: list[Line]
    created: float
    label: str = ""
    ended: str = ""
    fates: dict[str, str] = field(default_factory=dict)
    looks: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


class BadRequest(Exception):
    """What the provider refuses, with the status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Wire(Protocol):
    """One provider's protocol."""

    def routes(self, server: BatchServer) -> list[web.RouteDef]: ...


@dataclass(frozen=True)
class Question:
    """A request without its wrapping: what the model is asked."""

    model: str
    text: str
    image: str | None
    system: str | None = None

    @property
    def is_judging(self) -> bool:
        return self.model == "judge"


def helpful(question: Question) -> str:
    """Answers everything, and judges every answer unsafe."""
    return json.dumps({"reason": "because", "label": "unsafe"}) if question.is_judging else "A plain answer."


class BatchServer:
    """The provider.

    Attributes:
        answer: What a model says.
        fate: What becomes of a line; by default it is answered.
        working: Whether batches come to their end (at the first look at them); otherwise they stay in progress.
        paid: How often each question was answered, in a batch or directly; what was refused or expired costs nothing.
        batched: The same for batches alone.
        direct: How many were asked one by one.
        opened: How many batches were taken in, also those that have been deleted since.
        seen: Method and path of each request, in order.
        before, after: Called with method and path before a request is worked on, and before it is replied to.
    """

    def __init__(self, answer: Callable[[Question], str] = helpful, *, max_bytes: int = 200_000_000) -> None:
        self.answer = answer
        self.fate: Callable[[Question], str] = lambda _: ANSWERED
        self.working = True
        self.end_as = "completed"
        self.max_bytes = max_bytes
        self.max_lines = 50_000
        self.paid: Counter[Question] = Counter()
        self.batched: Counter[Question] = Counter()
        self.direct = 0
        self.opened = 0
        self.jobs: dict[str, Job] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.seen: list[tuple[str, str]] = []
        self.before: Callable[[str, str], None] = lambda *_: None
        self.after: Callable[[str, str], None] = lambda *_: None
        self.port = 0
        self.scheme = "openai"
        self._random = random.Random(5)
        self._numbers = 0
        self._lock = threading.RLock()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def model(self, name: str = "target", scheme: str | None = None) -> str:
        scheme = scheme or self.scheme
        return f"{scheme}:{name}@{self.url if scheme == 'openai' else self.origin}"

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def say(self, question: Question, *, directly: bool = False) -> str:
        """The model's answer, which is paid for."""
        self.paid[question] += 1
        if directly:
            self.direct += 1
        else:
            self.batched[question] += 1
        return self.answer(question)

    def open_job(self, lines: list[Line], label: str = "", **extra: Any) -> Job:
        """Take a batch in."""
        names = [line.name for line in lines]
        if len(set(names)) < len(names):
            raise BadRequest("two requests have the same custom_id")
        if not lines or len(lines) > self.max_lines:
            raise BadRequest(f"a batch has between 1 and {self.max_lines} requests, not {len(lines)}")
        job = Job(id=f"batch_{self.number():04}", lines=lines, created=time.time(), label=label, extra=extra)
        self.jobs[job.id] = job
        self.opened += 1
        return job

    def work(self, job: Job, ask: Callable[[dict[str, Any]], Question]) -> None:
        """Let a batch come to its end, if any do at the moment."""
        job.looks += 1
        if job.ended or not self.working:
            return
        job.ended = self.end_as
        unworked = {"expired": EXPIRED, "cancelled": CANCELLED}.get(job.ended)
        for line in job.lines:
            fate = self.fate(ask(line.body))
            job.fates[line.name] = unworked if unworked and fate == ANSWERED else fate
            if job.ended == "failed":
                job.fates[line.name] = CANCELLED

    def shuffled(self, job: Job) -> list[Line]:
        """The lines in no order that anybody could rely on."""
        return self._random.sample(job.lines, len(job.lines))

    @web.middleware
    async def watch(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        with self._lock:
            self.seen.append((request.method, request.path))
        try:
            self.before(request.method, request.path)
        except BadRequest as error:
            return web.json_response({"error": {"message": str(error)}}, status=error.status)
        response: web.StreamResponse = await handler(request)
        self.after(request.method, request.path)
        return response

    def times(self, method: str, ending: str) -> int:
        """How often a path was asked."""
        return sum(seen == method and path.endswith(ending) for seen, path in self.seen)


def hurry_batches(monkeypatch: Any) -> None:
    """The provider's key, and a run that waits for no batch longer than it has to."""
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    monkeypatch.setattr("vlsbench.run.batches.rounds.POLL_S", 0.01)
    monkeypatch.setattr("vlsbench.run.batches.errand.SETTLE_S", 0.0)
    monkeypatch.setattr("vlsbench.run.batches.errand.APPEARS_WITHIN_S", 0.0)


@contextmanager
def serve_batches(*wires: Wire, answer: Callable[[Question], str] = helpful, **limits: Any) -> Iterator[BatchServer]:
    """A running provider that speaks these protocols, by default OpenAI's."""
    from batch_openai import OpenAIWire

    server = BatchServer(answer, **limits)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=1 << 28, middlewares=[server.watch])
        for wire in wires or (OpenAIWire(),):
            app.router.add_routes(wire.routes(server))
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.port = runner.addresses[0][1]
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        loop.call_soon(ready.set)
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="batches", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
