"""All benchmarks, one after the other: `python -m benchmarks [--quick] [--peers]`; this is `make bench`."""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.loops import ROOT

ALL = (
    "bench_startup",
    "bench_engine",
    "bench_auto",
    "bench_memory",
    "bench_resume",
    "bench_build",
    "bench_sweep",
    "bench_providers",
    "bench_parquet",
    "bench_exchange",
    "bench_compare",
    "bench_report",
    "bench_hf",
    "bench_workers",
    "bench_overlap",
    "bench_partial_input",
    "bench_partial_input_error",
)
"""In their order. All have a quick form, but for the first, which takes seconds."""

APART = {
    "bench_stats": "make bench-stats",
    "bench_calibration": "wants a clone of XSTest",
    "bench_disclosed": "trains the packaged models anew",
    "bench_shared_pictures": "says what one paragraph of docs/statistics.md rests on",
    "bench_hf_gpu": "wants a GPU",
}
"""Those that are run by themselves, and why."""


def main() -> None:
    """Run each in a process of its own, so that none inherits the memory of the one before."""
    parser = argparse.ArgumentParser(description="Run all benchmarks; they print Markdown.")
    parser.add_argument("--quick", action="store_true", help="small sizes: do they work at all?")
    parser.add_argument("--peers", action="store_true", help="also the openai SDK and Inspect AI")
    args = parser.parse_args()
    failed = []
    for name in ALL:
        flags = ["--quick"] if args.quick and name != ALL[0] else []
        flags += ["--peers"] if args.peers and name == "bench_engine" else []
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *flags], cwd=ROOT, check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"did not finish: {', '.join(failed)}")


if __name__ == "__main__":
    main()
