"""Tokens per second of local models on a CPU: ours, one request after the other, and a bare batched loop.

A tiny random LLaVA (82 thousand parameters, made on the fly), so that what is measured is everything around
the matrix products. All three loops decode the image from its PNG bytes, preprocess it, and generate
greedily with one torch thread; ours also journals every reply. Loops take turns, in alternating order; figures are
medians. On a machine that others use as well, the ratio of CPU times is the steadier one.

    python -m benchmarks.bench_hf [--quick] [--batch 32] [--tokens 32]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import io
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.loops import ROOT

SIZE = 64
"""Width and height of the images in pixels."""

TARGETS = {"one by one": 8.0, "bare batches": 0.9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Of the clock, and of CPU in all threads of this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Seconds:
        """To be subtracted from."""
        return cls(wall=time.perf_counter(), cpu=time.process_time())

    def passed(self) -> Seconds:
        """Since this moment."""
        now = self.now()
        return Seconds(wall=now.wall - self.wall, cpu=now.cpu - self.cpu)


class Picture:
    """A PNG in memory."""

    sha256 = ""
    media_type = "image/png"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        """The bytes."""
        return self.data

    async def base64(self) -> bytes:
        """Not needed by local models."""
        raise NotImplementedError


def pictures(n: int) -> list[Picture]:
    """Noise, so that decoding takes what it takes for photographs."""
    from PIL import Image

    made = []
    for seed in range(n):
        buffer = io.BytesIO()
        noise = random.Random(seed).randbytes(SIZE * SIZE * 3)
        Image.frombytes("RGB", (SIZE, SIZE), noise).save(buffer, "PNG")
        made.append(Picture(buffer.getvalue()))
    return made


def tiny_checkpoints() -> ModuleType:
    """The tests' module that makes tiny checkpoints."""
    spec = importlib.util.spec_from_file_location("tiny_checkpoints", ROOT / "tests/support/tiny_checkpoints.py")
    if spec is None or spec.loader is None:
        raise SystemExit("tests/support/tiny_checkpoints.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(folder: Path, images: Sequence[Picture], batch: int, tokens: int) -> Seconds:
    """The time for all samples through `load_hf`, loading not counted; every reply is journalled."""
    from vlsbench.core.types import Prompt, Response
    from vlsbench.models.local.model import load_hf
    from vlsbench.store.journal import Journal

    model = load_hf(str(folder), device="cpu", batch_size=batch)

    async def main(journal: Journal) -> Seconds:
        slots = asyncio.Semaphore(model.width)

        async def one(number: int, image: Picture) -> None:
            async with slots:
                reply = await model.generate(Prompt(text=text(number), image=image, max_tokens=tokens))
                if reply.completion_tokens != tokens:
                    raise SystemExit(f"an answer ended after {reply.completion_tokens} tokens: no figures")
                journal.append(Response(sample_id=str(number), outcome=reply.outcome, text=reply.text))

        started = Seconds.now()
        await asyncio.gather(*(one(*pair) for pair in enumerate(images)))
        seconds = started.passed()
        await model.close()
        return seconds

    with tempfile.TemporaryDirectory() as place, Journal(Path(place) / "responses.jsonl") as journal:
        return asyncio.run(main(journal))


def text(number: int) -> str:
    """Queries of four lengths."""
    return " ".join(["how do i use the item"] * (1 + number % 4))


def bare(folder: Path, images: Sequence[Picture], batch: int, tokens: int) -> Seconds:
    """The time for all samples in a loop as written by hand: processor, generate, decode."""
    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    processor.tokenizer.padding_side = "left"
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    started = Seconds.now()
    for start in range(0, len(images), batch):
        conversations = []
        for number in range(start, min(start + batch, len(images))):
            image = Image.open(io.BytesIO(images[number].read())).convert("RGB")
            content: list[dict[str, Any]] = [{"type": "image", "image": image}, {"type": "text", "text": text(number)}]
            conversations.append([{"role": "user", "content": content}])
        inputs = processor.apply_chat_template(
            conversations,
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
        processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return started.passed()


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="few samples: does it work at all?")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=32)
    args = parser.parse_args()
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    n, rounds = (64, 1) if args.quick else (512, 3)
    images = pictures(n)
    loops: dict[str, tuple[Callable[[Path, Sequence[Picture], int, int], Seconds], int, int]] = {
        "ours": (ours, args.batch, n),
        "bare batches": (bare, args.batch, n),
        "one by one": (bare, 1, max(32, n // 8)),
    }
    spent: dict[str, list[Seconds]] = {name: [] for name in loops}
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stderr(io.StringIO()):
        folder = tiny_checkpoints().llava(Path(place) / "llava")
        load = os.getloadavg()[0]
        for turn in range(rounds + 1):
            for name, (loop, batch, count) in loops.items() if turn % 2 else reversed(loops.items()):
                seconds = loop(folder, images[:count], batch, args.tokens)
                if turn:  # the first round warms up
                    spent[name].append(seconds)
    print(f"Tiny LLaVA on a CPU, {n} samples, batch {args.batch}, {args.tokens} new tokens; load before {load:.1f}\n")
    print("| loop | tokens/s | ours ÷ it | ours ÷ it, by CPU time | target |")
    print("| :--- | ---: | ---: | ---: | ---: |")
    made = {name: count * args.tokens for name, (_, _, count) in loops.items()}
    rates = {name: made[name] / statistics.median(one.wall for one in each) for name, each in spent.items()}
    by_cpu = {name: made[name] / statistics.median(one.cpu for one in each) for name, each in spent.items()}
    for name, rate in rates.items():
        target = f"≥ {TARGETS[name]:g}" if name in TARGETS else ""
        ratios = f"{rates['ours'] / rate:.2f} | {by_cpu['ours'] / by_cpu[name]:.2f}"
        print(f"| {name} | {rate:,.0f} | {ratios} | {target} |")


if __name__ == "__main__":
    main()
