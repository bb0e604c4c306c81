"""How soon a large recorded run goes on: from the start of the process to its first new request.

    python -m benchmarks.bench_resume [--quick]

The recorded run is real in its beginning: `vlsbench eval` starts it and is killed. The journals are then
filled up to the last few samples with copies of the lines found there, because asking for 200,000 answers
would take ten minutes. The samples share 1,000 image files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import data
from benchmarks.bench_engine import CONNECTIONS, scored_by_ours
from benchmarks.loops import INSTALL, Job, command, is_available
from benchmarks.measure import BenchmarkFailed, environment, machine, run, server, stats, table, verdict
from vlsbench.run.seal import seal
from vlsbench.store.journal import answer_digest
from vlsbench.store.run_folder import Run

SAMPLES, UNANSWERED = 200_000, 10
IMAGES, IMAGE_BYTES = 1_000, 20_000
ROUNDS = 3
TARGET_S = 3.0

_BEGIN_WITH = 100
_BEGIN_LIMIT_S = 600.0


def begin(dataset: Path, out: Path) -> int:
    """Start a run, let it record some verdicts, kill it.

    Returns:
        The port of the server. The address is part of a run's identity, so the run has to go on there.

    Raises:
        BenchmarkFailed: The run ended by itself, or recorded nothing in time.
    """
    with server(0.01, answer_at_most=_BEGIN_WITH) as base, tempfile.TemporaryFile() as messages:
        job = Job(dataset=dataset, server=base, concurrency=CONNECTIONS)
        with subprocess.Popen(
            command("ours", job, out), env=environment(), stdout=messages, stderr=messages
        ) as process:
            deadline = time.monotonic() + _BEGIN_LIMIT_S
            while stats(base)["judge"]["answered"] < _BEGIN_WITH:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    messages.seek(0)
                    raise BenchmarkFailed(f"the run did not begin: {messages.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.2)
            time.sleep(1.0)  # the last verdicts are on their way into the journal
            process.kill()
        return int(base.rpartition(":")[2])


def fill(run_folder: Path, dataset: Path, recorded: int) -> None:
    """Complete the journals of a run so that the first `recorded` samples of the dataset have verdicts.

    Raises:
        BenchmarkFailed: A journal holds no line to copy.
    """

    @cache
    def digest(image: str) -> str:
        return hashlib.sha256((dataset.parent / image).read_bytes()).hexdigest()

    listed = run_folder / "samples.jsonl"
    # The run may write an image's path longer than the dataset does; all lines have to be written alike.
    place = next(_lines(listed))["image"].removesuffix(next(_lines(dataset))["image"])

    def samples() -> Iterator[dict[str, Any]]:
        for record in _lines(dataset):
            yield record | {"image": place + record["image"], "image_sha256": digest(record["image"])}

    ids = [record["sample_id"] for record in _lines(dataset)]
    _append_missing(listed, samples())
    seal(Run(run_folder))  # as the run itself does as soon as all samples are listed
    (verdicts,) = (run_folder / "verdicts").glob("*.jsonl")
    answer = _line_to_copy(run_folder / "responses.jsonl")
    for journal, line in ((run_folder / "responses.jsonl", answer), (verdicts, _line_to_copy(verdicts))):
        copies = (
            line | {"sample_id": name, "answer_sha256": answer_digest(name, answer["outcome"], answer["text"])}
            for name in ids[:recorded]
        )
        _append_missing(journal, copies)


def _line_to_copy(journal: Path) -> dict[str, Any]:
    """An answer, or a verdict with a label.

    Raises:
        BenchmarkFailed: There is none.
    """
    line = next((line for line in _lines(journal) if line["outcome"] in ("ok", "scored")), None)
    if line is None:
        raise BenchmarkFailed(f"{journal} holds no line to copy")
    return line


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _append_missing(journal: Path, records: Iterable[dict[str, Any]]) -> None:
    present = {line["sample_id"] for line in _lines(journal)}
    with journal.open("a", encoding="utf-8") as file:
        for record in records:
            if record["sample_id"] not in present:
                file.write(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n")


def resume(dataset: Path, recorded: Path, port: int, n: int, unanswered: int) -> tuple[float, float]:
    """Continue a copy of a recorded run.

    Returns:
        Seconds from the start of the process to the first request, and its peak memory in MB.

    Raises:
        BenchmarkFailed: It asked again for what was recorded, or did not finish the rest.
    """
    with tempfile.TemporaryDirectory() as folder, server(0.01, port=port) as base:
        out = Path(folder)
        shutil.copytree(recorded, out, dirs_exist_ok=True)
        used = run(command("ours", Job(dataset=dataset, server=base, concurrency=CONNECTIONS), out))
        seen = stats(base)
        scored = scored_by_ours(out / "run")
    if scored != n or not seen["answer"]["total"] == seen["judge"]["total"] == unanswered:
        raise BenchmarkFailed(f"scored {scored} of {n}, {unanswered} were left to ask; the server saw {seen}")
    return seen["answer"]["first_at"] - used.started_at, used.peak_mb


def main() -> None:
    """Build the run, continue copies of it, print."""
    parser = argparse.ArgumentParser(description="How soon does a recorded run go on?")
    parser.add_argument("--quick", action="store_true", help="2,000 samples instead of 200,000")
    args = parser.parse_args()
    if not is_available("ours"):
        print(f"skipped: ours (to include it: {INSTALL['ours']})")
        return
    n = SAMPLES // 100 if args.quick else SAMPLES
    place = machine()
    with tempfile.TemporaryDirectory() as folder:
        dataset = data.make(Path(folder) / "data", n, IMAGE_BYTES, distinct=IMAGES)
        recorded = Path(folder) / "recorded"
        recorded.mkdir()
        port = begin(dataset, recorded)
        fill(recorded / "run", dataset, n - UNANSWERED)
        rounds = []
        for _ in range(ROUNDS):
            rounds.append(resume(dataset, recorded, port, n, UNANSWERED))
            print(f"first request after {rounds[-1][0]:.2f} s", file=sys.stderr)
    first_s, peak_mb = (median(values) for values in zip(*rounds, strict=True))
    print(f"### Continuing a run\n\n{place}; {n:,} samples, {UNANSWERED} of them to ask; medians of {ROUNDS}.\n")
    print(table(["first request after, s", "peak RSS, MB"], [[f"{first_s:.2f}", f"{peak_mb:.1f}"]]))
    print(f"\n- first request: {verdict(first_s, TARGET_S, ' s')}\n")


if __name__ == "__main__":
    main()
