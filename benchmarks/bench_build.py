"""What `vlsbench build` costs beside its servers: CPU per request, memory, and how soon a finished build goes on.

    python -m benchmarks.bench_build [--elements N] [--latency S] [--quick]

Every text role is the miniature's scripted model behind a wait, so what is measured is the chain, its journals and its
gate; the painter draws, which is part of the CPU time that is shown. The audit is measured apart: `bench_engine`.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import machine, verdict
from vlsbench.construct.build import build
from vlsbench.construct.recipe import Recipe, miniature
from vlsbench.construct.world import models
from vlsbench.core.protocols import Model
from vlsbench.core.types import Prompt, Reply
from vlsbench.run.progress import RunCounts

CPU_MS, GROWTH_MB, RESUME_S = 3.0, 60.0, 3.0


class Distant:
    """A scripted model as far away as a server; `first` is when it was first asked."""

    def __init__(self, ref: str, latency_s: float) -> None:
        inner = models.find(ref)
        if inner is None:
            raise ValueError(f"{ref} is no model of the miniature")
        self.name = ref
        self.first: float | None = None
        self._inner: Model = inner
        self._latency_s = latency_s

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt, late."""
        self.first = self.first or time.monotonic()
        await asyncio.sleep(self._latency_s)
        return await self._inner.generate(prompt)


def recipe(elements: int, latency_s: float) -> tuple[Recipe, Distant]:
    """The miniature with distant models, and its author."""
    roles = {
        role: Distant(f"world:{name}", latency_s)
        for role, name in (
            ("author", "author"),
            ("rewriter", "rewriter"),
            ("screen", "screen"),
            ("inspector", "scripted-inspector"),
            ("categoriser", "categoriser"),
        )
    }
    given = replace(miniature(elements), **roles, check_guard=None, reference=None)  # type: ignore[arg-type]
    return given, roles["author"]


def peak_mb() -> float:
    """The largest resident set of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    """Measure, and print beside the targets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--elements", type=int, default=4_400)
    parser.add_argument("--latency", type=float, default=0.1, metavar="S")
    parser.add_argument("--quick", action="store_true", help="40 elements")
    args = parser.parse_args()
    n = 40 if args.quick else args.elements
    print(f"{machine()}; {n:,} elements, {args.latency:g} s a request.\n")
    with tempfile.TemporaryDirectory(prefix="vlsbench-bench-build-") as place:
        out = Path(place) / "b"
        build(replace(recipe(n, 0.0)[0], guard="world:check-guard"), out=Path(place) / "warm", pilot=5)
        peaks: list[float] = []

        def watch(counts: RunCounts) -> None:
            if counts.judged > n // 10 or not peaks:
                peaks.append(peak_mb())

        given, _ = recipe(n, args.latency)
        cpu, started = time.process_time(), time.monotonic()
        found = build(given, out=out, pilot=n - 1, progress=watch)
        cpu, wall = time.process_time() - cpu, time.monotonic() - started
        requests = sum(spent.requests for spent in found.cost.values())
        print(f"requests      {requests:,} in {wall:.1f} s ({requests / wall:,.0f}/s), kept {found.kept:,} pairs")
        print(f"CPU           {verdict(1e3 * cpu / requests, CPU_MS, ' ms')} a request, drawing and the audit included")
        print(f"memory        {verdict(peaks[-1] - peaks[0], GROWTH_MB, ' MB')} growth from a tenth to the end")
        again, author = recipe(n, args.latency)
        steps = sum(len(file.read_bytes().splitlines()) for file in (out / "steps").glob("*.jsonl"))
        started = time.monotonic()
        build(again, out=out)
        waited = (author.first or time.monotonic()) - started
        print(
            f"continuing    {verdict(waited, RESUME_S, ' s')} to the first new request, after {steps:,} finished steps"
        )


if __name__ == "__main__":
    main()
