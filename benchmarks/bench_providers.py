"""Processor time of one request with an image, by provider: our models beside the providers' SDKs.

    python -m benchmarks.bench_providers [--quick]

Each way of asking is a process of its own, which sends its requests to a server on loopback and measures itself after a
few requests to warm up. Where an SDK is not installed, its row is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks.measure import BenchmarkFailed, environment, listening, machine, table

KEY, TEXT, AT_ONCE, WARM_UP = "a-key-of-a-benchmark", "What is this, and how do I use it?", 16, 20
SIZES = {"20 KB": 20_000, "1 MB": 1_000_000}
REQUESTS = {"20 KB": 1_000, "1 MB": 120}
ROUNDS = 3

REPLIES: dict[str, dict[str, Any]] = {
    "chat/completions": {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "An answer."}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 30, "total_tokens": 40},
    },
    "messages": {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "An answer."}],
        "usage": {"input_tokens": 10, "output_tokens": 30},
    },
    "generateContent": {
        "candidates": [{"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "An answer."}]}}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 30, "totalTokenCount": 40},
        "modelVersion": "m",
    },
}  # fmt: skip
"""What the server says, by the end of the path."""

WAYS = {
    "openai:": ("openai", None),
    "anthropic:": ("anthropic", None),
    "gemini:": ("gemini", None),
    "openai SDK": ("openai", "openai"),
    "anthropic SDK": ("anthropic", "anthropic"),
    "google-genai SDK": ("gemini", "google.genai"),
}
"""Each row: whose interface, and the package of its SDK where it is not ours."""

Ask = Callable[[], Awaitable[str]]


class Picture:
    """A picture in memory, encoded anew for every request, as each sample's is."""

    media_type = "image/png"
    sha256 = ""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        """The bytes."""
        return self._data

    async def base64(self) -> bytes:
        """The bytes in base64."""
        return base64.b64encode(self._data)


def ours(provider: str, base: str, data: bytes) -> Ask:
    """A model of ours."""
    from vlsbench.core.types import Prompt
    from vlsbench.models import Access, load

    model = load(f"{provider}:m@{base}{'/v1' if provider == 'openai' else ''}", Access(key_env="BENCH_KEY"))
    prompt = Prompt(text=TEXT, image=Picture(data))

    async def ask() -> str:
        return (await model.generate(prompt)).text

    return ask


def google_sdk(base: str, data: bytes) -> Ask:
    """Google's own client."""
    from google import genai
    from google.genai import types

    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base))

    async def ask() -> str:
        contents: Any = [types.Part.from_bytes(data=data, mime_type="image/png"), TEXT]
        config = types.GenerateContentConfig(max_output_tokens=128)
        return str((await client.aio.models.generate_content(model="m", contents=contents, config=config)).text)

    return ask


def anthropic_sdk(base: str, data: bytes) -> Ask:
    """Anthropic's own client."""
    import anthropic

    client = anthropic.AsyncAnthropic(base_url=base, api_key=KEY, max_retries=0)

    async def ask() -> str:
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()}
        content = [{"type": "image", "source": source}, {"type": "text", "text": TEXT}]
        messages: Any = [{"role": "user", "content": content}]
        reply: Any = await client.messages.create(model="m", max_tokens=128, messages=messages)
        return str(reply.content[0].text)

    return ask


def openai_sdk(base: str, data: bytes) -> Ask:
    """OpenAI's own client."""
    import openai

    client = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=KEY, max_retries=0)

    async def ask() -> str:
        url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": TEXT}]
        messages: Any = [{"role": "user", "content": content}]
        reply = await client.chat.completions.create(model="m", max_tokens=128, messages=messages)
        return str(reply.choices[0].message.content)

    return ask


SDKS = {"gemini": google_sdk, "anthropic": anthropic_sdk, "openai": openai_sdk}


async def call(way: str, base: str, n_bytes: int, requests: int) -> float:
    """Milliseconds of processor time per request."""
    provider, package = WAYS[way]
    data = random.Random(0).randbytes(n_bytes)
    ask = ours(provider, base, data) if package is None else SDKS[provider](base, data)
    left = iter(range(WARM_UP + requests))
    began = [0.0]

    async def work() -> None:
        for number in left:
            if number == WARM_UP:
                began[0] = time.process_time()
            if "answer" not in await ask():
                raise BenchmarkFailed(f"{way} got something else than the answer")

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return 1000 * (time.process_time() - began[0]) / requests


async def serve() -> None:
    """Answer every interface alike, until the parent ends this process."""
    from aiohttp import web

    replies = {end: json.dumps(reply).encode() for end, reply in REPLIES.items()}

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        body = next(reply for end, reply in replies.items() if request.path.endswith(end))
        return web.Response(body=body, content_type="application/json")

    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def server() -> Iterator[str]:
    """A running server in a process of its own."""
    with listening([sys.executable, "-m", "benchmarks.bench_providers", "--serve"]) as base:
        yield base


def measure(way: str, base: str, size: str, requests: int) -> float:
    """One process that asks; its milliseconds per request."""
    words = ["--call", way, "--base", base, "--bytes", str(SIZES[size]), "--requests", str(requests)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_providers", *words],
        env={**environment(), "BENCH_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkFailed(f"{way} failed: {done.stderr[-2000:]}")
    return float(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure every way at every size, in turns, and print the medians."""
    parser = argparse.ArgumentParser(description="Processor time of one request, by provider.")
    parser.add_argument("--quick", action="store_true", help="few requests, one round")
    for name in ("--call", "--base"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--bytes", "--requests"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve())
    elif args.call:
        print(asyncio.run(call(args.call, args.base, args.bytes, args.requests)), flush=True)
    else:
        compare(quick=args.quick)


def compare(*, quick: bool) -> None:
    """Every way at every size, in turns."""
    ways = [way for way, (_, package) in WAYS.items() if package is None or find_spec(package.partition(".")[0])]
    found: dict[tuple[str, str], list[float]] = {}
    place = machine()
    with server() as base:
        for _ in range(1 if quick else ROUNDS):
            for size, requests in REQUESTS.items():
                for way in ways:
                    cost = measure(way, base, size, requests // 10 if quick else requests)
                    found.setdefault((way, size), []).append(cost)
    print(f"### Providers\n\n{place}; {AT_ONCE} requests at once; medians of {1 if quick else ROUNDS}.\n")
    rows = [
        [f"`{way}`" if way.endswith(":") else way, *(f"{median(found[way, size]):.2f}" for size in SIZES)]
        for way in ways
    ]
    print(table(["CPU ms per request with an image of", *SIZES], rows))
    print()
    for provider in ("openai", "anthropic", "gemini"):
        names = [way for way in ways if WAYS[way][0] == provider]
        if len(names) == 2:
            own, theirs = (median(found[way, "20 KB"]) for way in names)
            print(f"- {provider}: the SDK takes {theirs / own:.1f} times ours at 20 KB")
    print()


if __name__ == "__main__":
    main()
