"""All benchmarks, one after the other: `python -m benchmarks [--quick] [--peers]`; this is `make bench`."""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.loops import ROOT


def main() -> None:
    """Run each in a process of its own, so that none inherits the memory of the one before."""
    parser = argparse.ArgumentParser(description="Run all benchmarks; they print Markdown.")
    parser.add_argument("--quick", action="store_true", help="small sizes: do they work at all?")
    parser.add_argument("--peers", action="store_true", help="also the openai SDK and Inspect AI")
    args = parser.parse_args()
    quick = ["--quick"] if args.quick else []
    benchmarks = {
        "bench_startup": [],
        "bench_engine": [*quick, *(["--peers"] if args.peers else [])],
        "bench_auto": quick,
        "bench_memory": quick,
        "bench_resume": quick,
        "bench_build": quick,
        "bench_sweep": quick,
        "bench_parquet": quick,
        "bench_compare": quick,
        "bench_report": quick,
        "bench_hf": [],
        "bench_overlap": quick,
        "bench_partial_input": quick,
    }
    failed = []
    for name, flags in benchmarks.items():
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *flags], cwd=ROOT, check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"did not finish: {', '.join(failed)}")


if __name__ == "__main__":
    main()
