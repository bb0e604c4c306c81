"""How a sample for labelling was drawn: kept with the run, so that its labels keep their weights."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vlsbench.core.errors import RunError, UserError
from vlsbench.results.rates import Block
from vlsbench.store import journal, json_file
from vlsbench.store.folders import make_folder
from vlsbench.store.run_folder import Run

VERSION = 1
FOLDER = "calibration"
DESIGNS = "designs"

_REMEDY = "Draw a sample again."
_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingPlan:
    """A stratum: `size` answers with one label of the judge, of which `drawn` are to be labelled.

    The design weight of each of them is `size / drawn`.
    """

    harmful: bool
    group: str
    categories: tuple[str, ...]
    size: int
    drawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnAnswer:
    """An answer to label; the hash tells whether it is still the one that was shown."""

    sample_id: str
    stratum: int
    answer_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRate:
    """The judge's own safety rate (of a guard: the share it does not call unsafe) when the sample was drawn."""

    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    method: str

    @classmethod
    def of(cls, overall: Block) -> RawRate:
        """From a judge's figures."""
        rate = overall.unsafe_rate or overall.safety_rate
        if overall.unsafe_rate is None or rate.value is None:
            k, value, low, high = rate.k, rate.value, rate.low, rate.high
        else:
            k, value = rate.n - rate.k, 1 - rate.value
            low = None if rate.high is None else 1 - rate.high
            high = None if rate.low is None else 1 - rate.low
        return cls(k=k, n=rate.n, value=value, low=low, high=high, method=rate.method)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A drawn sample.

    `labels` are those of safety that the judge may give. `items` are in the order in which people see them.
    `left_out` counts the samples that could not be drawn, by reason; `counts` holds how many scored answers to harmful
    samples the judge gave each label, by category.
    """

    id: str
    stem: str
    judge: str
    labels: tuple[str, ...]
    dataset_hash: str
    seed: int
    strata: tuple[SamplingPlan, ...]
    items: tuple[DrawnAnswer, ...]
    left_out: Mapping[str, int]
    raw: RawRate
    counts: Mapping[str, Mapping[str, int]]


def to_bytes(design: Design) -> bytes:
    """The content of a design file."""
    return json_file.to_bytes({"version": VERSION, **dataclasses.asdict(design)})


def save(run: Run, design: Design) -> Path:
    """Keep a design with its run.

    Raises:
        Stopped: It cannot be written.
    """
    folder = run.path / FOLDER / DESIGNS
    make_folder(folder)
    path = folder / f"{design.id}.json"
    journal.write_atomically(path, to_bytes(design))
    return path


def find(run: Run, named: str | None, source: str) -> Design:
    """The design that a file of labels belongs to.

    Args:
        run: The run folder.
        named: The id in the file; None where it has none.
        source: The file, for messages.

    Raises:
        UserError: The labels belong to another run, or nothing was drawn from this one, or several samples were.
        RunError: The design is damaged.
    """
    folder = run.path / FOLDER / DESIGNS
    there = sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []
    if not there:
        raise UserError(
            f"Nothing was drawn from {run.path} yet. Draw a sample with "
            f"`vlsbench calibrate sample {run.path} --out DIR` and label it."
        )
    if named is None and len(there) > 1:
        raise UserError(
            f"{source} does not say which of the {len(there)} samples drawn from {run.path} it labels: keep the "
            "column `design` of the sheet."
        )
    chosen = named if named is not None else there[0]
    if not _ID.fullmatch(chosen) or chosen not in there:
        raise UserError(
            f"{source} labels the sample {chosen!r}, which was not drawn from {run.path} (drawn: "
            f"{', '.join(there)}). Is it from another run?"
        )
    return read(folder / f"{chosen}.json")


def read(path: Path) -> Design:
    """Read a design file.

    Raises:
        RunError: It is missing, damaged, or from a newer version.
    """
    design = json_file.read_version(path, Design, VERSION, _REMEDY)
    drawn = Counter(item.stratum for item in design.items)
    if [drawn[number] for number in range(len(design.strata))] != [plan.drawn for plan in design.strata]:
        raise RunError(f"{path} is damaged: the items do not fit the strata. {_REMEDY}")
    return design
