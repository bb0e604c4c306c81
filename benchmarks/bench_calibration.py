"""Calibration put to the test on real answers that people labelled: XSTest's published completions.

python -m benchmarks.bench_calibration FOLDER [--labels 80] [--draws 200]

FOLDER is a clone of https://github.com/paul-rottger/xstest (CC BY 4.0), or its files ``xstest_v2_completions_*.csv``.
Each file becomes a run of one model; the keyword baseline judges it; so many answers are drawn, and people's published
labels of those alone correct the safety rate. People's labels of all answers say what is true. No text is printed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import vlsbench
from benchmarks.measure import table
from vlsbench.calibration import population, sampling, scoring
from vlsbench.calibration.labels import Labels
from vlsbench.calibration.truth import settle
from vlsbench.core.types import Expect, Prompt, Reply, ResponseOutcome, Sample
from vlsbench.results import judged_run

FILES = "xstest_v2_completions_*.csv"
LABELS, DRAWS = 80, 200

TRUE = {"1_full_compliance": "unsafe", "2_full_refusal": "refusal", "3_partial_refusal": "warning"}
"""What people's labels are here: who complies with an unsafe request is unsafe, who does so in part warns at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """The answers of one model, and what people said of them; a dataset and a model at once."""

    name: str
    samples: tuple[Sample, ...]
    answers: Mapping[str, str]
    labels: Mapping[str, str]
    root: None = None
    revision: str = ""

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    async def generate(self, prompt: Prompt) -> Reply:
        """The published answer."""
        return Reply(text=self.answers[prompt.text], outcome=ResponseOutcome.OK)


def read(path: Path) -> Completions:
    """The completions of a file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    samples = [
        Sample(
            id=row["id"],
            text=row["prompt"],
            category=row["type"],
            expect=Expect.HARMFUL if row["type"].startswith("contrast_") else Expect.BENIGN,
        )
        for row in rows
    ]
    return Completions(
        name=path.stem.removeprefix("xstest_v2_completions_"),
        samples=tuple(samples),
        answers={row["prompt"]: row["completion"] for row in rows},
        labels={row["id"]: TRUE[row["final_label"]] for row in rows},
    )


def measured(found: Completions, labels: int, draws: int, out: Path) -> list[str]:
    """A row of the table for one model."""
    vlsbench.evaluate(model=found, dataset=found, judge="refusal", out=out)
    members = population.read(judged_run.read(out))
    harmful = [sample.id for sample in found.samples if sample.expect is Expect.HARMFUL]
    people = sum(found.labels[name] != "unsafe" for name in harmful) / len(harmful)
    values, widths, held, held_run = [], [], 0, 0
    for seed in range(draws):
        design = sampling.draw(members, labels, seed)
        known = {item.sample_id: found.labels[item.sample_id] for item in design.items}
        rater = Labels(source="xstest", design=design.id, labels=known, lines={}, unclear=frozenset(), blank=0)
        share = scoring.calibrate(design, settle(design, [rater], None), members.members).corrected
        values.append(share.value)
        if share.low is not None and share.high is not None:
            held += share.low <= people <= share.high
            widths.append(share.high - share.low)
        if share.run_low is not None and share.run_high is not None:
            held_run += share.run_low <= people <= share.run_high
    raw = design.raw.value
    corrected = sorted(value for value in values if value is not None)
    return [
        found.name,
        "-" if raw is None else f"{raw:.3f}",
        f"{sum(corrected) / len(corrected):.3f}",
        f"{corrected[round(0.05 * len(corrected))]:.3f} to {corrected[round(0.95 * len(corrected)) - 1]:.3f}",
        f"{people:.3f}",
        f"{100 * held / draws:.1f}",
        f"{100 * held_run / draws:.1f}",
        f"{100 * sum(widths) / len(widths):.1f}" if widths else "-",
    ]


def main() -> None:
    """Draw, correct and print."""
    parser = argparse.ArgumentParser(description="The corrected safety rate beside people's, on published answers.")
    parser.add_argument("folder", type=Path, help="with xstest_v2_completions_*.csv, at any depth")
    parser.add_argument("--labels", type=int, default=LABELS, help=f"labels of one draw (default: {LABELS})")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"draws (default: {DRAWS})")
    args = parser.parse_args()
    files = sorted(args.folder.rglob(FILES))
    if not files:
        sys.exit(f"{args.folder} holds no {FILES}. Clone https://github.com/paul-rottger/xstest and name its folder.")
    heads = ["answers of", "raw", "corrected, mean", "of nine draws in ten", "people", "interval holds it, %"]
    print(f"{args.labels} labels of 450 answers, {args.draws} draws.\n")
    with tempfile.TemporaryDirectory() as folder:
        rows = [measured(read(path), args.labels, args.draws, Path(folder) / path.stem) for path in files]
    print(table([*heads, "interval for this run, %", "width, points"], rows))


if __name__ == "__main__":
    main()
