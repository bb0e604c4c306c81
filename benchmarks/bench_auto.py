"""Whether ``--concurrency auto`` finds how many requests at once a server bears.

    python -m benchmarks.bench_auto            # servers that work on 8, 64 and 512 requests at a time, about 10 minutes
    python -m benchmarks.bench_auto --quick    # one small server: does it work at all?

Beside ``auto`` stand fixed numbers: what the server bears, which nothing can beat, and half and twice as much. The
latency is chosen so that the servers give no more answers per second than this program can take on one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import data
from benchmarks.measure import BenchmarkFailed, environment, machine, server, stats, table

IMAGE_BYTES = 2_000
DISTINCT = 500

TARGET = 0.9
"""What ``auto`` should come to, of the best fixed number."""

_LOOK_EVERY_S = 0.5

_HEAD = ("--concurrency", "answers/s, whole run", "of the best fixed", "later on", "of the best fixed", "most at once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A server: how many requests it works on at a time, how long each takes, and how many it is asked."""

    bears: int
    latency_s: float
    samples: int


SETTINGS = (
    Setting(bears=8, latency_s=0.05, samples=4_000),
    Setting(bears=64, latency_s=0.4, samples=8_000),
    Setting(bears=512, latency_s=3.2, samples=16_000),
)
"""160 answers per second, each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Answers per second over the whole run, over the last two fifths of it, and the most requests at once."""

    whole: float
    late: float
    most: int


def measure(setting: Setting, concurrency: str, dataset: Path) -> Measured:
    """One evaluation against a fresh server.

    Raises:
        BenchmarkFailed: It did not get an answer to every request.
    """
    with tempfile.TemporaryDirectory() as folder, server(setting.latency_s, bears=setting.bears) as base:
        command = [sys.executable, "-m", "vlsbench", "eval", "--quiet", "--out", f"{folder}/run", "--judge", "refusal"]
        command += ["--dataset", f"jsonl:{dataset}", "--model", f"openai:m@{base}/answer/v1"]
        command += ["--concurrency", concurrency]
        seen: list[tuple[float, int]] = []
        with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                time.sleep(_LOOK_EVERY_S)
                seen.append((time.monotonic(), stats(base)["answer"]["answered"]))
        role = stats(base)["answer"]
    if process.returncode or role["answered"] != setting.samples:
        raise BenchmarkFailed(f"exit code {process.returncode}, {role['answered']} of {setting.samples} answers")
    # Until the end is near, when the slots empty.
    middle = next(one for one in seen if one[1] >= 0.55 * setting.samples)
    late = next(one for one in seen if one[1] >= 0.95 * setting.samples - setting.bears)
    if late[0] <= middle[0]:
        raise BenchmarkFailed("the run was too short to be looked at")
    end = next(at for at, answered in seen if answered == setting.samples)
    return Measured(
        whole=setting.samples / (end - role["first_at"]),
        late=(late[1] - middle[1]) / (late[0] - middle[0]),
        most=role["max_in_flight"],
    )


def report(setting: Setting, folder: Path) -> str:
    """The Markdown table of one server."""
    dataset = data.make(folder / str(setting.samples), setting.samples, IMAGE_BYTES, DISTINCT)
    asked = ["auto", *(str(number) for number in (setting.bears // 2, setting.bears, 2 * setting.bears))]
    found = {concurrency: measure(setting, concurrency, dataset) for concurrency in asked}
    best = {name: max(getattr(one, name) for key, one in found.items() if key != "auto") for name in ("whole", "late")}
    rows = []
    for name, one in found.items():
        shares = one.whole / best["whole"], one.late / best["late"]
        rows.append(
            [name, f"{one.whole:.1f}", f"{shares[0]:.2f}", f"{one.late:.1f}", f"{shares[1]:.2f}", f"{one.most:,}"]
        )
    share = found["auto"].late / best["late"]
    mark = "✓" if share >= TARGET else "✗ missed"
    lines = [
        f"### A server that works on {setting.bears} requests at a time, {setting.latency_s:g} s each",
        f"N = {setting.samples:,}",
        table(_HEAD, rows),
        f"- auto, later on: {share:.2f} of the best fixed number (target ≥ {TARGET}) {mark}",
    ]
    return "\n\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Does --concurrency auto find what a server bears?")
    parser.add_argument("--quick", action="store_true", help="one small server")
    parser.add_argument("--bears", type=int, action="append", help="only the server that works on so many at a time")
    args = parser.parse_args()
    settings = (Setting(bears=8, latency_s=0.05, samples=600),) if args.quick else SETTINGS
    print(f"### Requests at once\n\n{machine()}; 2 KB images, judged by keywords.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for setting in settings:
            if not args.bears or setting.bears in args.bears:
                print(report(setting, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
