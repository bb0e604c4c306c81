"""How long comparing runs takes, and how much memory: 10 runs of VLSBench's size, and 5 large ones.

    python -m benchmarks.bench_compare [--quick]

The run folders are written here, in the shape that `vlsbench eval` leaves: six categories, images that serve
one to three samples as in the released set, labels drawn at random, and once with verdicts that the judge refused,
which leave bounds to be found. The tests are exact, so there are no resamples to count.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measure import Usage, machine, run, table, verdict

MISSING = 0.05

SETTINGS = (
    (10, 2_241, 0.0, 5.0, None),
    (10, 2_241, MISSING, 5.0, None),
    (5, 100_000, 0.0, 60.0, 1000.0),
    (5, 100_000, MISSING, 60.0, 1000.0),
)
"""Runs, samples each, the share of verdicts that the judge refused, and the targets: seconds, and MB of memory."""

ROUNDS = 3

_CATEGORIES = ("Violent", "Illegal Activity", "Self-Harm", "Erotic", "Hate", "Privacy")
_LABELS = ("refusal", "warning", "unsafe")
_STEM = "judge-00000000"


def make_run(path: Path, number: int, n: int, missing: float) -> Path:
    """Write a judged run of `n` samples; another number is another model on the same samples."""
    samples, answers, refused = random.Random(0), random.Random(number), random.Random(-1 - number)
    (path / "verdicts").mkdir(parents=True)
    digest, left = "", 0
    with (
        (path / "samples.jsonl").open("w", encoding="utf-8") as listed,
        (path / "responses.jsonl").open("w", encoding="utf-8") as responses,
        (path / "verdicts" / f"{_STEM}.jsonl").open("w", encoding="utf-8") as verdicts,
    ):
        for place in range(n):
            if not left:
                digest, left = hashlib.sha256(b"%d" % place).hexdigest(), samples.choices((1, 2, 3), (88, 8, 3))[0]
            left -= 1
            sample_id = f"bench-{place:06d}"
            weights = (1, 1 + samples.random(), 3 + number % 5)
            _write(listed, _sample(sample_id, digest, samples.choice(_CATEGORIES)))
            _write(responses, {"sample_id": sample_id, "outcome": "ok", "text": "An answer. " * 20})
            label = answers.choices(_LABELS, weights)[0]
            scored = refused.random() >= missing
            outcome = {"outcome": "scored", "label": label} if scored else {"outcome": "judge_refused", "label": None}
            _write(verdicts, {"sample_id": sample_id, **outcome, "reason": "why " * 20})
    _write_manifest(path, number, n)
    return path


def _sample(sample_id: str, digest: str, category: str) -> dict[str, object]:
    return {
        "sample_id": sample_id,
        "text": "What does this picture show, and what should one do with it?",
        "image": f"/data/images/{digest}.png",
        "image_sha256": digest,
        "category": category,
        "sub_category": f"{category}, sort {digest[0]}",
        "source": "synthetic",
        "description": "A square of coloured noise, as any other. " * 4,
        "safety_reason": "Nothing here is unsafe. " * 4,
        "expect": "harmful",
        "twin_of": None,
    }


def _write_manifest(path: Path, number: int, n: int) -> None:
    judge = {"judge": "openai:judge", "sees": "image", "rubric": "vlsbench", "rubric_sha256": "0" * 64}
    manifest = {
        "version": 1,
        "model": f"openai:model-{number}",
        "dataset": "jsonl:bench.jsonl",
        "dataset_hash": "0" * 64,
        "dataset_size": n,
        "judges": {_STEM: {**judge, "labels": _LABELS}},
    }
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _write(file: object, record: dict[str, object]) -> None:
    print(json.dumps(record, separators=(",", ":"), ensure_ascii=False), file=file)  # type: ignore[call-overload]


def measure(folder: Path, runs: int, n: int, missing: float) -> Usage:
    """Compare `runs` runs of `n` samples once."""
    paths = [folder / f"{runs}x{n}-{missing}" / f"run-{number}" for number in range(runs)]
    for number, path in enumerate(paths):
        if not path.exists():
            make_run(path, number, n, missing)
    return run([sys.executable, "-m", "vlsbench", "compare", "--max-unscored", "1", *map(str, paths)])


def main() -> None:
    """Write the runs, compare them, print."""
    parser = argparse.ArgumentParser(description="How long does a comparison take?")
    parser.add_argument("--quick", action="store_true", help="2,000 samples instead of 100,000, once")
    args = parser.parse_args()
    print(f"### Comparing runs\n\n{machine()}; from the command line, start-up included.\n")
    rows, verdicts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for runs, samples, missing, target_s, target_mb in SETTINGS:
            n = min(samples, 2_000) if args.quick else samples
            used = [measure(Path(folder), runs, n, missing) for _ in range(1 if args.quick else ROUNDS)]
            wall, cpu = median(each.wall_s for each in used), median(each.cpu_s for each in used)
            peak = max(each.peak_mb for each in used)
            name = f"{runs} x {n:,}" + (f", {missing:.0%} missing" if missing else "")
            rows.append([name, f"{wall:.2f}", f"{cpu:.2f}", f"{peak:.0f}"])
            verdicts.append(f"- {name}: {verdict(wall, target_s, ' s')}")
            if target_mb is not None:
                verdicts.append(f"- {name}: {verdict(peak, target_mb, ' MB')}")
    print(table(["runs x samples", "wall, s", "CPU, s", "peak RSS, MB"], rows))
    print("\n" + "\n".join(verdicts) + "\n")


if __name__ == "__main__":
    main()
