"""The partial-input baseline: two classifiers, cross-validated, over 100,000 records.

python -m benchmarks.bench_partial_input [--quick]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.bench_overlap import make
from benchmarks.measure import machine, run, table, verdict

RECORDS = 100_000
TARGET_S = 90.0


def job(ref: str) -> None:
    """The measured work."""
    from vlsbench.datasets import load
    from vlsbench.leakage.baseline.partial_input import baseline

    print(json.dumps(baseline(load(ref)).to_json()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time of the partial-input baseline.")
    parser.add_argument("--quick", action="store_true", help="2,000 records")
    parser.add_argument("--job", metavar="REF", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        job(args.job)
        return
    if importlib.util.find_spec("sklearn") is None:
        print("skipped: partial input (to include it: pip install -e '.[audit]')")
        return
    n = 2_000 if args.quick else RECORDS
    print(
        f"### Partial-input baseline\n\n{machine()}; half of the records benign, words drawn alike for both halves.\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder) / "both.jsonl", n, benign=True)
        used = run([sys.executable, "-m", "benchmarks.bench_partial_input", "--job", f"jsonl:{path}"])
    found = json.loads(used.stdout)
    row = [f"{n:,}", f"{used.wall_s:.1f}", f"{used.cpu_s:.1f}", f"{used.peak_mb:.0f}"]
    row += [f"{found[name]['auc']['value']:.3f}" for name in ("text", "description")]
    print(table(["records", "wall, s", "CPU, s", "peak RSS, MB", "AUC, text", "AUC, description"], [row]))
    print(f"\n- {n:,} records: {verdict(used.wall_s, TARGET_S, ' s')}\n")


if __name__ == "__main__":
    main()
