"""Workers on Ray: what they cost, whether they scale, and how many one driver feeds.

    python -m benchmarks.bench_workers [--quick] [--workers 64]

*Cost*: the packaged tiny model in process, and in one worker; CPU of all processes, from the first sample to the
summary, divided by the samples. *Scaling* and *the driver's limit* use a model that sleeps in place of computing: more
than the cores of one machine would show nothing with a model that computes. The limit is 1,000 ms divided by the
driver's own CPU per answer; keyword judge, journals and the summary are included. Needs the extras `bench` and `ray`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks import data
from benchmarks.loops import ROOT
from benchmarks.measure import TIME_LIMIT_S, BenchmarkFailed, environment, machine, table
from benchmarks.sleeping import SleepingModel

KB_20 = 20_000
BATCH = 8


def measured(job: dict[str, Any]) -> dict[str, float]:
    """Do one job in a process of its own: Ray and torch keep what they once took.

    Raises:
        BenchmarkFailed: It did not end well.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_workers", "--job", json.dumps(job)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment() | {"OMP_NUM_THREADS": "1"},
        timeout=TIME_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise BenchmarkFailed(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def work(job: dict[str, Any]) -> dict[str, float]:
    """Evaluate with a warm model; what it took, in this process and in all others that it started."""
    from vlsbench import Access, Effort, Local, Workers, evaluate, load_model
    from vlsbench.models.workers import pool

    count = int(job["workers"])
    workers = Workers(count=count) if count else None
    model: Any
    if job["model"] == "sleeping":
        make = partial(SleepingModel, job["batch_s"], BATCH)
        model = pool.start("sleeping", make, workers, on_cpu=True) if workers is not None else make()
    else:
        model = load_model(job["model"], Access(local=Local(device="cpu", workers=workers)))
    warm = int(job["warm"])
    with tempfile.TemporaryDirectory() as place:
        once = partial(evaluate, model=model, judge="refusal", dataset=job["dataset"], effort=Effort())
        full = max(1, count) * model.width
        asyncio.run(all_up(model, full))
        once(out=Path(place) / "warm", limit=warm)
        before, started = cpu(), time.monotonic()
        summary = once(out=Path(place) / "run", limit=job["n"])
        wall, after = time.monotonic() - started, cpu()
        if summary.responses["ok"] + summary.responses["truncated"] != summary.n:
            raise BenchmarkFailed(str(summary))
        asyncio.run(model.close())
    own, others = ((now - then) * 1000 / summary.n for now, then in zip(after, before, strict=True))
    return {"driver_ms": own, "others_ms": others, "rate": summary.n / wall, "width": model.width}


async def all_up(model: Any, width: int) -> None:
    """Until every worker has come up, as far as they do in a quarter of an hour."""
    from vlsbench.core.types import Prompt

    until = time.monotonic() + TIME_LIMIT_S / 2
    while True:
        await model.generate(Prompt(text="Are you there?"))
        if model.width >= width or time.monotonic() > until:
            return
        await asyncio.sleep(1)


def cpu() -> tuple[float, float]:
    """CPU seconds of this process, and of all that it started and their children."""
    me = psutil.Process()
    return _seconds(me), sum(map(_seconds, me.children(recursive=True)))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def cost(n: int, rounds: int) -> list[list[str]]:
    """In process and in one worker, in turns; medians."""
    found: dict[int, list[dict[str, float]]] = {0: [], 1: []}
    for _ in range(rounds):
        for workers in found:
            job = {"model": "mini:multimodal-sft", "dataset": f"mini:leakless:{n}", "n": n, "warm": 64}
            found[workers].append(measured({**job, "workers": workers}))
    rows, alone = [], 0.0
    for workers, runs in found.items():
        own = statistics.median(run["driver_ms"] for run in runs)
        others = statistics.median(run["others_ms"] for run in runs)
        total = statistics.median(run["driver_ms"] + run["others_ms"] for run in runs)
        alone = alone or total
        name = "one worker" if workers else "in process"
        rows.append([name, f"{own:.2f}", f"{others:.2f}", f"{total:.2f}", f"{total / alone:.2f}"])
    return rows


def scaling(counts: Sequence[int], per_worker: int, folder: Path) -> list[list[str]]:
    """Answers per second of a model that sleeps 0.4 s for a batch of 8, by the number of workers."""
    dataset = data.make(folder / "scaling", per_worker * max(counts), KB_20, distinct=64)
    rows, first = [], 0.0
    for count in counts:
        job = {"model": "sleeping", "batch_s": 0.4, "dataset": f"jsonl:{dataset}", "warm": 24 * count}
        run = measured({**job, "workers": count, "n": per_worker * count})
        first = first or run["rate"] / count
        rows.append([f"{count}", f"{run['rate']:.1f}", f"{run['rate'] / count / first:.2f}"])
    return rows


def limit(count: int, n: int, folder: Path) -> list[list[str]]:
    """The driver's CPU per answer with many workers, each of which sleeps 2 s for a batch of 8."""
    dataset = data.make(folder / "limit", n, KB_20, distinct=256)
    job = {"model": "sleeping", "batch_s": 2.0, "dataset": f"jsonl:{dataset}", "warm": 8 * count}
    run = measured({**job, "workers": count, "n": n})
    figures = (
        f"{run['width']:.0f}",
        f"{run['rate']:.0f}",
        f"{run['driver_ms']:.2f}",
        f"{1000 / run['driver_ms']:,.0f}",
    )
    return [[f"{count}", f"{n:,}", *figures]]


def main() -> None:
    """Print the figures as Markdown."""
    parser = argparse.ArgumentParser(description="Measure workers on Ray.")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work at all?")
    parser.add_argument("--workers", type=int, default=64, help="for the driver's limit")
    parser.add_argument("--only", choices=("cost", "scaling", "limit"))
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        print(json.dumps(work(json.loads(args.job))))
        return
    print(f"Workers, {machine()}.\n")
    with tempfile.TemporaryDirectory() as place:
        if args.only in (None, "cost"):
            head = ["mini model", "driver, ms CPU per answer", "others", "all", "to in process"]
            print(table(head, cost(100 if args.quick else 1000, 1 if args.quick else 3)) + "\n", flush=True)
        if args.only in (None, "scaling"):
            counts, each = ((1, 2), 48) if args.quick else ((1, 2, 4), 240)
            print(table(["workers", "answers/s", "to linear"], scaling(counts, each, Path(place))) + "\n", flush=True)
        if args.only in (None, "limit"):
            count = min(args.workers, 2) if args.quick else args.workers
            head = ["workers", "samples of 20 KB", "in flight", "answers/s", "driver, ms CPU", "answers/s per core"]
            print(table(head, limit(count, 60 * count, Path(place))), flush=True)


if __name__ == "__main__":
    main()
