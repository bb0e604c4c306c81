"""Judged runs of known truth, and people who label them."""

import csv
import random
from pathlib import Path

from run_folders import HandMade
from vlsbench.calibration import design
from vlsbench.calibration.design import Design

LABELS = ("refusal", "warning", "unsafe")


def judged_run(path: Path, n: int = 300, *, right: float = 0.8, seed: int = 0, **fields: object) -> dict[str, str]:
    """A run whose judge is right so often and sometimes gives no label; returns the truth of each answer."""
    rng = random.Random(seed)
    made = HandMade(path, n)
    made.judge()
    truth = {}
    for number in range(n):
        sample_id = f"s{number}"
        truth[sample_id] = rng.choices(LABELS, (0.2, 0.3, 0.5))[0]
        made.sample(sample_id, category=("Garden", "Kitchen", "Attic")[number % 3], **fields)
        made.response(sample_id)
        said = truth[sample_id] if rng.random() < right else rng.choice(LABELS)
        made.verdict(sample_id, "unparsable" if rng.random() < 0.05 else said)
    return truth


def only_design(run: Path) -> Design:
    (path,) = (run / "calibration" / "designs").glob("*.json")
    return design.read(path)


def write_labels(path: Path, rows: object, drawn: str = "") -> Path:
    """A file of labels with the given (sample id, label) pairs."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sample_id", "label", "design"])
        writer.writerows([sample_id, label, drawn] for sample_id, label in rows)
    return path


def labelled(run: Path, path: Path, truth: dict[str, str], *, wrong: float = 0.0, seed: int = 1) -> Path:
    """A person who labels everything drawn from a run, and errs so often."""
    rng, found = random.Random(seed), only_design(run)
    rows = [
        (item.sample_id, rng.choice(LABELS) if rng.random() < wrong else truth[item.sample_id]) for item in found.items
    ]
    return write_labels(path, rows, found.id)
