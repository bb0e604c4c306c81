"""What a report can be made of: each reference or path on the command line, read into the kind that it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from vlsbench import calibration, datasets
from vlsbench.ablation.recorded import RecordedAblation, read_ablation
from vlsbench.calibration import Calibration
from vlsbench.comparison.recorded import RecordedComparison, read_comparison
from vlsbench.core.errors import RunError, UserError
from vlsbench.core.names import brief_dataset_name, brief_model_name, distinct, shortest
from vlsbench.core.protocols import Dataset
from vlsbench.leakage.recorded import RecordedAudit, read_audit
from vlsbench.results.outcomes import judge_names
from vlsbench.results.rates import Block
from vlsbench.results.summary import Summary, summarise
from vlsbench.store.run_folder import Run

_FOLDERS = ("manifest.json", "audit.json", "ablation.json")
_KEPT_ASIDE = r"\.old-\d{8}-\d{6}(-\d+)?$"
_CATALOGUE = tuple(datasets.CATALOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPart:
    """A run and its figures.

    `name` tells it from the other runs of the report; `model` and `dataset` are short forms of what was
    evaluated, and `primary` is the judge whose verdicts are charted (display name), where it was judged.
    `calibration` is what calibrating that judge found, perhaps of earlier verdicts.
    """

    name: str
    model: str
    dataset: str
    run: Run
    summary: Summary
    primary: str | None
    calibration: Calibration | None = None

    @property
    def block(self) -> Block | None:
        """The figures of the primary judge over all samples."""
        return self.summary.judges[self.primary].overall if self.primary is not None else None

    @property
    def stems(self) -> dict[str, str]:
        """Display names of the judges by verdict file, the primary one first."""
        names = judge_names(self.run)
        return dict(sorted(names.items(), key=lambda item: item[1] != self.primary))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPart:
    """A leakage audit: the figures of ``audit.json``, and its folder."""

    name: str
    path: Path
    figures: RecordedAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationPart:
    """An ablation: ``ablation.json``, and the run of each condition."""

    name: str
    path: Path
    figures: RecordedAblation
    runs: Mapping[str, RunPart]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPart:
    """What ``vlsbench compare --json`` printed."""

    name: str
    path: Path
    figures: RecordedComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPart:
    """A dataset, read when its figures are drawn."""

    name: str
    dataset: Dataset


Part = RunPart | AuditPart | AblationPart | ComparisonPart | DatasetPart

_Foldered = TypeVar("_Foldered", AuditPart, AblationPart)

KINDS: Mapping[type[Part], str] = {
    RunPart: "a run",
    AuditPart: "an audit",
    AblationPart: "an ablation",
    ComparisonPart: "a comparison",
    DatasetPart: "a dataset",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All parts of a report, in the order of the command line; `refs` are the words that named them."""

    refs: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    runs: tuple[RunPart, ...] = ()
    audits: tuple[AuditPart, ...] = ()
    ablations: tuple[AblationPart, ...] = ()
    comparisons: tuple[ComparisonPart, ...] = ()
    datasets: tuple[DatasetPart, ...] = ()

    @property
    def answered(self) -> tuple[RunPart, ...]:
        """Every run whose answers are shown: the runs, and those inside ablations."""
        return (*self.runs, *(part for ablation in self.ablations for part in ablation.runs.values()))


def gather(refs: Iterable[str]) -> Inputs:
    """Read what the command line names.

    Args:
        refs: Run, audit or ablation folders, folders of those, files with a comparison, and dataset references.

    Raises:
        UserError: One of them is nothing that can be reported, or is named twice.
    """
    refs = tuple(each for ref in refs for each in _unfolded(ref))
    seen: dict[str, str] = {}
    for ref in refs:
        place = os.path.realpath(ref) if os.path.exists(ref) else ref
        if place in seen:
            raise UserError(f"{ref} is named twice" + (f" (also as {seen[place]})" if seen[place] != ref else "") + ".")
        seen[place] = ref
    parts = [_read(ref) for ref in refs]
    runs = _name_runs([part for part in parts if isinstance(part, RunPart)])
    return Inputs(
        refs=refs,
        parts=tuple(parts),
        runs=runs,
        audits=_told_apart([part for part in parts if isinstance(part, AuditPart)]),
        ablations=_told_apart([part for part in parts if isinstance(part, AblationPart)]),
        comparisons=tuple(part for part in parts if isinstance(part, ComparisonPart)),
        datasets=tuple(part for part in parts if isinstance(part, DatasetPart)),
    )


def _unfolded(ref: str) -> tuple[str, ...]:
    """The results that lie in a folder which is none itself, by name; else the reference as it is.

    What ``--fresh`` kept aside is no part of them.
    """
    path = Path(ref)
    if not path.is_dir() or _is_result(path):
        return (ref,)
    inside = sorted(each for each in path.iterdir() if each.is_dir() and _is_result(each))
    return tuple(str(each) for each in inside if not re.search(_KEPT_ASIDE, each.name)) or (ref,)


def _is_result(folder: Path) -> bool:
    return any((folder / name).exists() for name in _FOLDERS)


def _read(ref: str) -> Part:
    path = Path(ref)
    if path.is_dir():
        if (path / "audit.json").is_file():
            return _audit(path)
        if (path / "ablation.json").is_file():
            return _ablation(path)
        if (path / "manifest.json").exists():
            return _run(path)
        raise RunError(
            f"{ref} is no run, audit or ablation folder: it holds none of {', '.join(_FOLDERS)}, nor "
            f"does a folder in it. A dataset is named by its reference, for example vlsbench:{ref}."
        )
    if path.is_file():
        return _file(path)
    if ref.partition(":")[0].partition("/")[0] in _CATALOGUE:
        found = datasets.load(ref)
        return DatasetPart(name=brief_dataset_name(found.name), dataset=found)
    raise UserError(
        f"{ref} is neither a folder nor a file, and no dataset reference either "
        f"(those begin with one of: {', '.join(_CATALOGUE)})."
    )


def _file(path: Path) -> Part:
    if path.suffix == ".jsonl":
        raise UserError(f"{path} is a file of samples; as a dataset it is named jsonl:{path}.")
    if path.name in _FOLDERS:
        return _read(str(path.parent))
    return ComparisonPart(name=path.stem, path=path, figures=read_comparison(path))


def _run(path: Path) -> RunPart:
    run = Run(path)
    summary = summarise(run)
    primary = next((name for name, judge in summary.judges.items() if not judge.baseline), None)
    primary = primary or next(iter(summary.judges), None)
    stem = next((stem for stem, name in judge_names(run).items() if name == primary), None)
    return RunPart(
        name=summary.model,
        model=brief_model_name(summary.model),
        dataset=brief_dataset_name(summary.dataset),
        run=run,
        summary=summary,
        primary=primary,
        calibration=None if stem is None else calibration.corrected(path, stem),
    )


def _audit(path: Path) -> AuditPart:
    figures = read_audit(path)
    name = brief_dataset_name(figures.dataset) if figures.dataset else path.name
    return AuditPart(name=name, path=path, figures=figures)


def _ablation(path: Path) -> AblationPart:
    figures = read_ablation(path)
    folders = sorted(folder for folder in path.iterdir() if (folder / "manifest.json").is_file())
    order = list(figures.conditions)
    folders.sort(key=lambda folder: (order.index(folder.name) if folder.name in order else len(order), folder.name))
    runs = {}
    for folder in folders:
        part = _run(folder)
        runs[folder.name] = replace(part, name=f"{part.model}, {folder.name}")
    name = next(iter(runs.values())).model if runs else path.name
    return AblationPart(name=name, path=path, figures=figures, runs=runs)


def _told_apart(parts: list[_Foldered]) -> tuple[_Foldered, ...]:
    """The folder's name beside a name that several parts share."""
    names = [part.name for part in parts]
    return tuple(
        part if names.count(part.name) == 1 else replace(part, name=f"{part.name} ({part.path.resolve().name})")
        for part in parts
    )


def _name_runs(runs: list[RunPart]) -> tuple[RunPart, ...]:
    """Short names where they tell the runs apart, longer ones where they do not."""
    models = distinct(shortest((part.summary.model for part in runs), brief_model_name))
    sets = distinct({part.summary.dataset: brief_dataset_name(part.summary.dataset) for part in runs})
    several = len(set(sets.values())) > 1
    runs = [
        replace(
            part,
            name=models[part.summary.model] + (f" on {sets[part.summary.dataset]}" if several else ""),
            model=models[part.summary.model],
            dataset=sets[part.summary.dataset],
        )
        for part in runs
    ]
    names = [part.name for part in runs]
    return tuple(part if names.count(part.name) == 1 else _with_folder(part) for part in runs)


def _with_folder(part: RunPart) -> RunPart:
    folder = part.run.path.resolve().name
    return replace(part, name=f"{part.name} ({folder})", model=f"{part.model} ({folder})")
