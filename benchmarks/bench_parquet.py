"""Whether a large Parquet file with images inside it streams: memory over its rows, and how soon the first is there.

    python -m benchmarks.bench_parquet [--quick]

Every row embeds a PNG of its own, as the Hugging Face hub writes them (a struct of bytes and path), and all rows lie in
one row group, which is the worst case: a reader that takes a row group at a time holds the whole file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.loops import ROOT
from benchmarks.measure import BenchmarkFailed, Usage, machine, run, table, verdict

FEW, MANY = 5_000, 100_000
"""The few are enough for the reader to have all its buffers: what grows beyond them grows with the rows."""
IMAGE_BYTES = 5_000
ROUNDS = 3
TARGET_MB = 40.0
TARGET_S = 1.0

_READ = """
import json, sys, time
started = time.monotonic()
from vlsbench.datasets import load
samples = iter(load("parquet:" + sys.argv[1], "text=prompt,image=image,category=topic"))
next(samples)
first, cpu = time.monotonic() - started, time.process_time()
n = 1 if sys.argv[2] == "first" else 1 + sum(1 for _ in samples)
print(json.dumps({"first_s": first, "cpu_s": cpu, "n": n, "all_s": time.monotonic() - started}))
"""

_LIST = """
import json, sys, time
started = time.monotonic()
from vlsbench.datasets import load
from vlsbench.run.fingerprint import fingerprint
found = fingerprint(load("parquet:" + sys.argv[1], "text=prompt,image=image,category=topic"))
print(json.dumps({"n": found.size, "all_s": time.monotonic() - started}))
"""

_WRITE = """
import sys
import pyarrow as pa
from pyarrow import parquet
from benchmarks.data import noise_png
path, n, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
images = pa.array(({"bytes": noise_png(size, i), "path": f"{i}.png"} for i in range(n)), kind, size=n)
prompts = [f"What does picture {i} show, and what is its most frequent colour?" for i in range(n)]
rows = pa.table({"prompt": prompts, "image": images, "topic": ["Privacy"] * n})
parquet.write_table(rows, path, row_group_size=n, compression="none")
"""


def make(file: Path, n: int) -> Path:
    """Write a table of `n` rows, in a process of its own, whose memory is not that of the measured ones."""
    subprocess.run([sys.executable, "-c", _WRITE, file, str(n), str(IMAGE_BYTES)], cwd=ROOT, check=True)
    return file


def read(script: str, file: Path, n: int, what: str = "all") -> tuple[Usage, dict[str, float]]:
    """Run one of the readers over a table.

    Raises:
        BenchmarkFailed: It did not see every row.
    """
    used = run([sys.executable, "-c", script, str(file), what])
    found: dict[str, float] = json.loads(used.stdout)
    if found["n"] != n:
        raise BenchmarkFailed(f"{found['n']} of {n} rows were read")
    return used, found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Does a large Parquet file with images stream?")
    parser.add_argument("--quick", action="store_true", help="10,000 rows instead of 100,000")
    args = parser.parse_args()
    many = 2 * FEW if args.quick else MANY
    place = machine()
    with tempfile.TemporaryDirectory() as folder:
        small, large = make(Path(folder) / "small.parquet", FEW), make(Path(folder) / "large.parquet", many)
        size_mb = large.stat().st_size / 1e6
        firsts = [read(_READ, large, 1, "first")[1] for _ in range(ROUNDS)]
        first_s, cpu_s = (median(first[name] for first in firsts) for name in ("first_s", "cpu_s"))
        few, _ = read(_READ, small, FEW)
        all_, whole = read(_READ, large, many)
        listed, listing = read(_LIST, large, many)
    print(f"### Parquet with images inside\n\n{place}; {many:,} rows, {size_mb:,.0f} MB, one row group.\n")
    rows = [
        [f"{FEW:,} rows, images read", f"{few.wall_s:.2f}", f"{few.peak_mb:.1f}"],
        [f"{many:,} rows, images read", f"{whole['all_s']:.2f}", f"{all_.peak_mb:.1f}"],
        [f"{many:,} rows, identified (no image read)", f"{listing['all_s']:.2f}", f"{listed.peak_mb:.1f}"],
    ]
    print(table(["what", "time, s", "peak RSS, MB"], rows))
    print(f"\n- growth of memory: {verdict(all_.peak_mb - few.peak_mb, TARGET_MB, ' MB')}")
    print(f"- first sample, import of the program included: {verdict(first_s, TARGET_S, ' s')}")
    print(f"- CPU time until then: {cpu_s:.2f} s\n")


if __name__ == "__main__":
    main()
