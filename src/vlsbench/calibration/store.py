"""The result of a calibration: beside the raw rate in the run folder, never over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vlsbench.calibration.design import FOLDER, RawRate
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.rates import Block
from vlsbench.stats import Coefficient, Inverted, Share
from vlsbench.store import json_file
from vlsbench.store.folders import make_folder
from vlsbench.store.run_folder import Run

VERSION = 1
_REMEDY = "Make it anew with `vlsbench calibrate score`, or delete it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far one judge of a run agrees with people, and its safety rate corrected for its errors.

    Attributes:
        design: The id of the drawn sample.
        stem: The judge's verdict file.
        judge: Its display name.
        raters: How many people labelled.
        drawn: How many answers were drawn.
        labelled: How many of them have a true label.
        without_truth: Why the others have none, by reason.
        agreement: Of the raters with each other.
        raw: The judge's own safety rate when the sample was drawn.
        corrected: The safety rate over the answers that the judge scored, by people's labels.
        answered: The same over all answers to harmful samples, those without a label of the judge included;
            None where there are no such.
        shares: The share of each true label over the answers that the judge scored.
        confusion: Of the answers to harmful samples: the judge's label (or that it gave none) -> true label ->
            estimated number.
        counts: The same, labelled answers counted as they are.
        recall: For each label, the share of answers truly so to which the judge gives it.
        inversion: The safety rate by the inverted misclassification matrix.
        by_category: The same for each category, with the matrix of all of them.
        over_refusal: Of the benign answers that the judge scored, the share that is a refusal by people's labels;
            None without benign samples.
        over_refusal_raw: The share that is a refusal by the judge's.
        warnings: What a reader should know, in sentences.
        files: The files of labels, with their hashes.
    """

    design: str
    stem: str
    judge: str
    raters: int
    drawn: int
    labelled: int
    without_truth: Mapping[str, int]
    agreement: Coefficient
    raw: RawRate
    corrected: Share
    answered: Share | None
    shares: Mapping[str, Share]
    confusion: Mapping[str, Mapping[str, float]]
    counts: Mapping[str, Mapping[str, int]]
    recall: Mapping[str, Share]
    inversion: Inverted
    by_category: Mapping[str, Inverted]
    over_refusal: Share | None
    over_refusal_raw: float | None
    warnings: tuple[str, ...]
    files: Mapping[str, str]

    def fits(self, overall: Block) -> bool:
        """Whether the judge's figures are still those that were corrected."""
        now = RawRate.of(overall)
        return (self.raw.k, self.raw.n) == (now.k, now.n)

    def of(self, overall: Block) -> Share | None:
        """The corrected safety rate of these figures; None where others were corrected."""
        return self.corrected if self.fits(overall) else None

    def to_json(self) -> dict[str, object]:
        """The object of the file."""
        return {"version": VERSION, **dataclasses.asdict(self)}


def save(run: Run, found: Calibration) -> Path:
    """Write a calibration into its run, in one step.

    Raises:
        Stopped: It cannot be written.
    """
    folder = run.path / FOLDER
    make_folder(folder)
    path = folder / f"{found.stem}.json"
    json_file.write(path, found.to_json())
    return path


def corrected(run_path: str | Path, stem: str) -> Calibration | None:
    """The calibration of one judge of a run, or None where it was not calibrated.

    Args:
        run_path: The run folder.
        stem: The stem of the judge's verdict file.

    Raises:
        RunError: The file is damaged or from a newer version.
    """
    path = Path(run_path) / FOLDER / f"{stem}.json"
    if not path.exists():
        return None
    return json_file.read_version(
        path, Calibration, VERSION, "Make it anew with `vlsbench calibrate score`, or delete it."
    )


def corrected_rate(found: JudgedRun) -> tuple[Share | None, str]:
    """The safety rate of a whole run, corrected for its judge's errors, and what to say of it.

    Args:
        found: The run under the judge.

    Returns:
        None where nobody calibrated the judge; also, with a sentence that says so, where the calibration is about
        earlier figures of the run.

    Raises:
        RunError: The calibration's file is damaged or from a newer version.
    """
    calibrated = corrected(found.run.path, found.stem)
    if calibrated is None or calibrated.fits(found.overall()):
        return (None if calibrated is None else calibrated.corrected), ""
    return None, f"The calibration in {found.run.path} is about earlier figures of the run and is left out."
