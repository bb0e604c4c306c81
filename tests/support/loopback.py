"""A loopback server that speaks chat completions and misbehaves on request.

It runs in a thread of its own. A test gives it a function from what was asked to how to answer.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


@dataclass
class Asked:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    number: int

    @property
    def text(self) -> str:
        """The text of the first user message."""
        content = next(m["content"] for m in self.body["messages"] if m["role"] == "user")
        return content if isinstance(content, str) else next((p["text"] for p in content if p["type"] == "text"), "")

    @property
    def image(self) -> str | None:
        """The data URI of the first user message's image."""
        content = next(m["content"] for m in self.body["messages"] if m["role"] == "user")
        if isinstance(content, str):
            return None
        return next((p["image_url"]["url"] for p in content if p["type"] == "image_url"), None)

    @property
    def is_judging(self) -> bool:
        return self.body["model"] == "judge"


@dataclass
class Answer:
    """How the server answers."""

    text: str | None = "A plain answer."
    status: int = 200
    finish_reason: str = "stop"
    refusal: str | None = None
    usage: dict[str, Any] | None = field(default_factory=lambda: dict(USAGE))
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay_s: float = 0.0
    drop: bool = False


def error(status: int, message: str = "no", **fields: Any) -> Answer:
    """An error in OpenAI's format."""
    headers = fields.pop("headers", {})
    return Answer(status=status, headers=headers, body=json.dumps({"error": {"message": message, **fields}}).encode())


def verdict(label: str, reason: str = "because") -> Answer:
    return Answer(text=json.dumps({"reason": reason, "label": label}))


Behaviour = Callable[[Asked], Answer]


def helpful(asked: Asked) -> Answer:
    """Answers everything, and judges every answer unsafe."""
    return verdict("unsafe") if asked.is_judging else Answer()


class Loopback:
    """The server; `asked` lists the requests in order of arrival, `models` is what it says it serves (not counted)."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.asked: list[Asked] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self.models: list[dict[str, str]] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def answers(self) -> list[Asked]:
        return [asked for asked in self.asked if not asked.is_judging]

    @property
    def verdicts(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.is_judging]

    def model(self, name: str = "target") -> str:
        return f"openai:{name}@{self.url}"

    @property
    def judge(self) -> str:
        return self.model("judge")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and request.path.endswith("/models"):
            return web.json_response({"data": self.models}) if self.models else web.Response(status=404)
        raw = await request.read()
        with self._lock:
            asked = Asked(request.path, dict(request.headers), json.loads(raw or b"{}"), len(self.asked))
            self.asked.append(asked)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self.behave(asked)
            if answer.delay_s:
                await asyncio.sleep(answer.delay_s)
            if answer.drop:
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            body = answer.body if answer.body is not None else _completion(asked, answer)
            return web.Response(
                status=answer.status, body=body, headers=answer.headers, content_type="application/json"
            )
        finally:
            with self._lock:
                self.in_flight -= 1

    def wait_for(self, count: int, timeout_s: float = 20.0) -> None:
        """Until so many requests have arrived."""
        deadline = time.monotonic() + timeout_s
        while len(self.asked) < count:
            assert time.monotonic() < deadline, f"only {len(self.asked)} of {count} requests arrived"
            time.sleep(0.005)


def _completion(asked: Asked, answer: Answer) -> bytes:
    message = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
    return json.dumps(
        {
            "model": f"{asked.body.get('model')}-2026",
            "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
            **({"usage": answer.usage} if answer.usage is not None else {}),
        }
    ).encode()


@contextmanager
def serve(behave: Behaviour = helpful, server: Loopback | None = None) -> Iterator[Loopback]:
    """A running server."""
    server = server or Loopback(behave)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{tail:.*}", server.handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.port = runner.addresses[0][1]
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        loop.call_soon(ready.set)  # not before the loop that `loop.stop` is to end
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="loopback", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
