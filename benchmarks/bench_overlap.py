"""Overlap of queries and descriptions: how many records a second, and whether memory stays flat.

    python -m benchmarks.bench_overlap [--quick] [--dataset REF]

Reading the file is part of it: both passes. `--dataset` measures a set of yours in place of the small synthetic one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from benchmarks.measure import Usage, machine, run, table, verdict

SMALL, LARGE = 2_241, 1_000_000
SMALL_TARGET_S = 3.0
RATE_TARGET = 5_000
PEAK_TARGET_MB = 400.0
WORDS = 50_000
QUERY_WORDS, DESCRIPTION_WORDS = 14, 19
"""As many as the released records of VLSBench have on average."""


def make(path: Path, n: int, *, benign: bool = False, seed: int = 0) -> Path:
    """Write `n` text-only records of invented words, which are as unequally frequent as in a language (Zipf).

    Args:
        path: The file.
        n: How many.
        benign: Make every second record benign; its words are drawn as the others are.
        seed: Another seed gives other words.
    """
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghiklmnoprstuvw", k=rng.randint(3, 10))) for _ in range(WORDS)]
    weights = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))
    with path.open("w", encoding="utf-8") as file:
        for number in range(n):
            drawn = rng.choices(vocabulary, cum_weights=weights, k=QUERY_WORDS + DESCRIPTION_WORDS)
            record = {
                "sample_id": f"bench-{number:07d}",
                "text": f"How do I {' '.join(drawn[:QUERY_WORDS])}?",
                "description": f"A {' '.join(drawn[QUERY_WORDS:])}.",
                "expect": "benign" if benign and number % 2 else "harmful",
            }
            file.write(json.dumps(record) + "\n")
    return path


def measured(ref: str) -> Usage:
    """One process that goes through a dataset."""
    return run([sys.executable, "-m", "benchmarks.bench_overlap", "--job", ref])


def job(ref: str) -> None:
    """The measured work: every record's signals, counted and dropped."""
    from vlsbench.datasets import load
    from vlsbench.leakage.signals.signals import SignalTotals, measure

    counts = SignalTotals()
    started = time.perf_counter()
    for _, signals in measure(load(ref), ocr=False):
        counts.add(signals)
    print(json.dumps(counts.to_json() | {"seconds": time.perf_counter() - started}))


def _row(n: int, used: Usage) -> list[str]:
    """A line of the table; the rate by CPU time too, which a busy machine spoils less."""
    rates = (f"{n / used.wall_s:,.0f}", f"{n / used.cpu_s:,.0f}")
    return [f"{n:,}", f"{used.wall_s:.2f}", f"{used.cpu_s:.2f}", *rates, f"{used.peak_mb:.0f}"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Records per second through the overlap signal.")
    parser.add_argument("--quick", action="store_true", help="20,000 records in place of a million")
    parser.add_argument("--dataset", metavar="REF", help="measure this set in place of the small synthetic one")
    parser.add_argument("--job", metavar="REF", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        job(args.job)
        return
    large = 20_000 if args.quick else LARGE
    print(f"### Overlap\n\n{machine()}; queries of {QUERY_WORDS} words, descriptions of {DESCRIPTION_WORDS}.\n")
    with tempfile.TemporaryDirectory() as folder:
        small = args.dataset or f"jsonl:{make(Path(folder) / 'small.jsonl', SMALL)}"
        sets = {"small": small, "large": f"jsonl:{make(Path(folder) / 'large.jsonl', large)}"}
        used = {name: measured(ref) for name, ref in sets.items()}
    found = {name: json.loads(usage.stdout) for name, usage in used.items()}
    rows = [_row(found[name]["n"], use) for name, use in used.items()]
    print(table(["records", "wall, s", "CPU, s", "records/s", "records/CPU s", "peak RSS, MB"], rows))
    print(f"\n- {found['small']['n']:,} records: {verdict(used['small'].wall_s, SMALL_TARGET_S, ' s')}")
    rate = found["large"]["n"] / used["large"].wall_s
    mark = "✓" if rate >= RATE_TARGET else "✗ missed"
    print(f"- {large:,} records: {rate:,.0f} records/s (target ≥ {RATE_TARGET:,}) {mark}")
    print(f"- peak: {verdict(used['large'].peak_mb, PEAK_TARGET_MB, ' MB')}\n")


if __name__ == "__main__":
    main()
