"""What going out and coming in costs: a log of lmms-eval imported, and the run exported as an Inspect log and a table.

    python -m benchmarks.bench_exchange [--quick]

2,241 samples (VLSBench's number) with a PNG of noise each, so that nothing compresses. Memory over a tenth of the
samples says whether it grows with the set.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.data import make
from benchmarks.loops import vlsbench
from benchmarks.measure import Usage, machine, run, table

MANY = 2_241
IMAGE_BYTES = 20_000


def recorded(folder: Path, dataset: Path) -> Path:
    """A log as lmms-eval writes it, of answers to a dataset."""
    file = folder / "model" / "20260101_000000_samples_task.jsonl"
    file.parent.mkdir()
    with dataset.open(encoding="utf-8") as samples, file.open("w", encoding="utf-8") as out:
        for number, line in enumerate(samples):
            text = json.loads(line)["text"]
            out.write(json.dumps({"doc_id": number, "input": text, "filtered_resps": f"Answer {number}."}) + "\n")
    return file


def measure(folder: Path, n: int) -> dict[str, Usage]:
    """What each job takes on `n` samples, start of the program included."""
    dataset = make(folder / "data", n, IMAGE_BYTES)
    file, made = recorded(folder, dataset), str(folder / "run")
    words = ["--from", "lmms-eval", "--dataset", f"jsonl:{dataset}", "--model", "m", "--out", made]
    used = {"import": run(vlsbench("import", str(file), *words))}
    run(vlsbench("judge", made, "--judge", "refusal", "--quiet"))
    for name in ("inspect", "csv", "jsonl", "parquet"):
        out = str(folder / ("run.eval" if name == "inspect" else f"run.{name}"))
        used[f"export, {name}"] = run(vlsbench("export", made, "--format", name, "--out", out))
    return used


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What exporting and importing take.")
    parser.add_argument("--quick", action="store_true", help="200 samples instead of 2,241")
    many = 200 if parser.parse_args().quick else MANY
    place = machine()
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as all_:
        small, large = measure(Path(few), many // 10), measure(Path(all_), many)
    print(f"### Export and import\n\n{place}; {many:,} samples, {IMAGE_BYTES:,} bytes of picture each.\n")
    rows = [
        [name, f"{used.cpu_s:.2f}", f"{used.peak_mb:.0f}", f"{used.peak_mb - small[name].peak_mb:.0f}"]
        for name, used in large.items()
    ]
    print(table(["job", "CPU, s", "peak RSS, MB", "growth over a tenth, MB"], rows))


if __name__ == "__main__":
    main()
