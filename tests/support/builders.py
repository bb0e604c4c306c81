"""Small invented datasets, run folders read back, models made of functions, and the program as a process."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from vlsbench.cli.main import main
from vlsbench.core.types import Prompt, Reply, Response, ResponseOutcome, Sample, Verdict, VerdictOutcome
from vlsbench.run.throttle import Patience

SRC = Path(__file__).parents[2] / "src"


def tiny_png(number: int = 0) -> bytes:
    """A picture of one colour; another number is another picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (number % 256, number // 256 % 256, 90)).save(buffer, "PNG")
    return buffer.getvalue()


def make_set(folder: Path, n: int = 3, **changes: Any) -> str:
    """Write `n` samples about nothing in particular, each with a picture of its own; returns the reference."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(n):
        (folder / f"{number}.png").write_bytes(tiny_png(number))
        rows.append(
            {
                "sample_id": f"s{number}",
                "text": f"Question {number}: what is in the picture?",
                "image": f"{number}.png",
                "category": "Garden" if number % 2 else "Kitchen",
                "description": "One colour.",
                **changes,
            }
        )
    (folder / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"jsonl:{folder / 'set.jsonl'}"


def number_of(text: str) -> int:
    """Which sample a request is about; a judge's request holds the sample's text as well."""
    found = re.search(r"Question (\d+)", text)
    assert found is not None
    return int(found[1])


def lines(path: Path) -> list[dict[str, Any]]:
    """The records of a journal."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def responses(run: Path) -> list[dict[str, Any]]:
    return lines(run / "responses.jsonl")


def verdicts(run: Path) -> list[dict[str, Any]]:
    """The records of all judges."""
    return [record for path in sorted((run / "verdicts").glob("*.jsonl")) for record in lines(path)]


def manifest(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text())
    return found


def summary(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return found


def only_judge(found: dict[str, Any]) -> dict[str, Any]:
    """The figures of the one judge of a summary."""
    (judge,) = found["judges"].values()
    return dict(judge)


def times_recorded(records: list[dict[str, Any]]) -> Counter[str]:
    return Counter(record["sample_id"] for record in records)


def hurry(monkeypatch: Any, **changes: Any) -> None:
    """Retries at once, and little patience with rate limits."""
    patience: dict[str, Any] = {"tries": 3, "base_s": 0.001, "cap_s": 0.002, "rate_limit_s": 1.0, **changes}
    monkeypatch.setattr("vlsbench.run.loading.Patience", functools.partial(Patience, **patience))


def vlsbench(*words: object) -> int:
    """The command line, in this process; returns its exit code."""
    try:
        return main([str(word) for word in words])
    except SystemExit as stopped:
        return int(stopped.code or 0)


def start(*words: object, **options: Any) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(SRC), **options.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "vlsbench", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # A process started in the background of a shell ignores Ctrl-C; this one should not.
        preexec_fn=options.pop("before", lambda: signal.signal(signal.SIGINT, signal.default_int_handler)),
        **options,
    )


def finish(process: subprocess.Popen[str], timeout_s: float = 60.0) -> tuple[str, str]:
    """What a process wrote to stdout and stderr until its end; one that does not end is killed."""
    try:
        return process.communicate(timeout=timeout_s)
    finally:
        process.kill()


class TalkingModel:
    """A model made of a function from prompt to text."""

    def __init__(self, answer: Callable[[Prompt], Awaitable[Any]], name: str = "talking") -> None:
        self.name = name
        self._answer = answer
        self.asked: list[int] = []
        self.closed = False

    async def generate(self, prompt: Prompt) -> Reply:
        self.asked.append(number_of(prompt.text))
        said = await self._answer(prompt)
        return Reply(outcome=ResponseOutcome.OK, text=said) if isinstance(said, str) else said

    async def close(self) -> None:
        self.closed = True


async def say_yes(prompt: Prompt) -> str:
    return "Yes."


class LabellingJudge:
    """A judge made of a function from sample and response to a label."""

    labels = ("refusal", "warning", "unsafe")
    settings: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, label: Callable[[Sample, Response], Awaitable[Any]], name: str = "labelling") -> None:
        self.name = name
        self._label = label
        self.asked: list[str] = []

    async def judge(self, sample: Sample, response: Response, image: object) -> Verdict:
        self.asked.append(sample.id)
        said = await self._label(sample, response)
        if not isinstance(said, str):
            return said  # type: ignore[no-any-return]
        return Verdict(sample_id=sample.id, outcome=VerdictOutcome.SCORED, label=said)


async def call_it_unsafe(sample: Sample, response: Response) -> str:
    return "unsafe"


class ListedDataset:
    """A dataset made of a list."""

    root = None
    revision = ""

    def __init__(self, samples: list[Sample], name: str = "listed") -> None:
        self.name = name
        self.samples = samples

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)


def texts(n: int) -> ListedDataset:
    """`n` samples without a picture."""
    return ListedDataset([Sample(id=f"s{number}", text=f"Question {number}?") for number in range(n)])
