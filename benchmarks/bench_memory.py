"""Whether memory stays flat: the peak with many samples against the peak with few.

    python -m benchmarks.bench_memory [--quick]

Every sample has an image file of its own, so that nothing kept per image goes unseen.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import data
from benchmarks.bench_engine import CONNECTIONS, SCENARIOS, measure
from benchmarks.loops import INSTALL, is_available
from benchmarks.measure import machine, table, verdict

FEW, MANY = 500, 20_000
IMAGE_BYTES = 20_000
LATENCY_S = 0.1
TARGET_MB = 40.0


def peak_mb(loop: str, n: int) -> float:
    """Peak resident memory in MB of a loop over `n` samples, each with an image of its own."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = data.make(Path(folder), n, IMAGE_BYTES)
        return measure(SCENARIOS[0], loop, dataset, n, LATENCY_S).peak_mb


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Is memory flat in the number of samples?")
    parser.add_argument("--quick", action="store_true", help=f"{FEW} against {4 * FEW} samples")
    parser.add_argument("--loop", choices=["ours", "bare"], default="ours")
    args = parser.parse_args()
    if not is_available(args.loop):
        print(f"skipped: {args.loop} (to include it: {INSTALL[args.loop]})")
        return
    many = 4 * FEW if args.quick else MANY
    print(f"### Memory\n\n{machine()}; 20 KB images, 100 ms, {CONNECTIONS} connections per stage; loop: {args.loop}.\n")
    few_mb, many_mb = peak_mb(args.loop, FEW), peak_mb(args.loop, many)
    print(table(["samples", "peak RSS, MB"], [[f"{FEW:,}", f"{few_mb:.1f}"], [f"{many:,}", f"{many_mb:.1f}"]]))
    print(f"\n- growth: {verdict(many_mb - few_mb, TARGET_MB, ' MB')}\n")


if __name__ == "__main__":
    main()
