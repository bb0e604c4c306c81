"""The samples that several runs have in common, and whether these runs may be compared at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vlsbench.calibration.store import corrected_rate
from vlsbench.comparison.common_samples import CommonSamples
from vlsbench.core.errors import RunError, UserError
from vlsbench.core.names import without_address
from vlsbench.core.types import Verdict
from vlsbench.core.words import counted, noun
from vlsbench.results import judged_run, run_names, usage
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.outcomes import judge_names
from vlsbench.results.samples import ListedSample
from vlsbench.stats import Share
from vlsbench.store import journal
from vlsbench.store.run_folder import Run

_FORCE = "--force compares all the same, with a warning."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One run of a comparison.

    `selected` counts the samples that it selected, `unfinished` those of them without any verdict yet, and
    `outcomes` gives a sample's label, or the reason why it has none. `corrected` is the rate of the whole
    run that a calibration of its judge arrived at, `doubt` why it has none although there is a calibration.
    """

    name: str
    run: Run
    selected: int
    unfinished: int
    outcomes: Mapping[str, str]
    corrected: Share | None
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """Several runs under one judge, and the samples that all of them have.

    `items` keep the order of the first run. `warnings` say what makes the comparison doubtful, `notes` what
    is good to know.
    """

    entrants: tuple[Entrant, ...]
    items: tuple[ListedSample, ...]
    judge: str
    labels: tuple[str, ...]
    settings: Mapping[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def open_runs(paths: Sequence[str | Path]) -> list[Run]:
    """The runs of some folders, each named once.

    Raises:
        RunError: A folder is no run.
        UserError: A run is named twice.
    """
    seen: dict[Path, str | Path] = {}
    for path in paths:
        real = Path(path).resolve()
        if real in seen:
            other = f"{seen[real]} and {path} are the same run" if str(seen[real]) != str(path) else f"{path} is twice"
            raise UserError(f"{other} in the list. Name each run once.")
        seen[real] = path
    return [Run(Path(path)) for path in paths]


def common_judge(runs: Sequence[Run], judge: str | None) -> str | None:
    """The judge to read all runs with: the one named, or the only one that all of them have; else None."""
    if judge is not None:
        return judge
    stems = [{stem for stem, entry in run.judges.items() if not entry.baseline} or set(run.judges) for run in runs]
    # Stems of earlier versions depend on where the judge ran; names do not.
    names = [{judge_names(run)[stem] for stem in found} for run, found in zip(runs, stems, strict=True)]
    both = (set.intersection(*stems), set.intersection(*names))
    return next((shared.pop() for shared in both if len(shared) == 1), None)


def judge_differences(first: JudgedRun, other: JudgedRun, names: tuple[str, str]) -> list[str]:
    """What the judge of two runs differs in, in words; rubric, what it sees, and its reference.

    Raises:
        RunError: The two give different labels, so that no rate has the same meaning in both.
    """
    if first.labels != other.labels:
        raise RunError(
            f"The judges of these runs give different labels: {first.name} ({', '.join(first.labels)}) in {names[0]}, "
            f"{other.name} ({', '.join(other.labels)}) in {names[1]}. Choose one that all runs have with --judge, or "
            f"ask it with `vlsbench judge {other.run.path} --judge REF`."
        )
    found = []
    ours, theirs = ({"judge": found.entry.judge, **found.entry.settings} for found in (first, other))
    for key in sorted(ours.keys() | theirs.keys()):
        one, two = ours.get(key), theirs.get(key)
        if one != two:
            found.append(f"{_KEYS.get(key, key)} ({_short(one)} in {names[0]}, {_short(two)} in {names[1]})")
    return found


_KEYS = {"sees": "what the judge sees", "rubric_sha256": "hash of the rubric"}


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:8]}…"


def read_common(paths: Sequence[str | Path], judge: str | None = None, *, force: bool = False) -> Common:
    """Read runs and find the samples in common.

    Samples are the same if id, record and image are. Runs must have the same records: equal hashes, or one
    the beginning of the other where a limit was set.

    Args:
        paths: Run folders.
        judge: Display name, reference or file stem. None: the only judge that all have.
        force: Compare on the samples of equal text and image, although dataset, rubric or judge differ.

    Raises:
        RunError: A folder is no run, has no verdicts, or may not be compared; or no sample is in common.
        UserError: A run is named twice.
        UnknownName: A run has no such judge.
    """
    runs = open_runs(paths)
    names = run_names.run_names(runs)
    judge = common_judge(runs, judge)
    first = judged_run.read(runs[0].path, judge)
    entrants, stems = [_entrant(first, names[0])], [first.stem]
    samples = CommonSamples(first)
    trouble: list[str] = []
    for run, name in zip(runs[1:], names[1:], strict=True):
        other = judged_run.read(run.path, judge)
        pair = (names[0], name)
        trouble += [f"the judge: {what}" for what in judge_differences(first, other, pair)]
        trouble += samples.meet(other, pair)
        entrants.append(_entrant(other, name))
        stems.append(other.stem)
    if trouble and not force:
        raise RunError(f"These runs differ in more than the model: {'; '.join(trouble)}. {_FORCE}")
    items = samples.shared()
    if not items:
        raise RunError("These runs have no sample in common: no id stands for the same question and image in all.")
    return Common(
        entrants=tuple(entrants),
        items=items,
        judge=first.name,
        labels=first.labels,
        settings={"judge": first.entry.judge, **first.entry.described()},
        warnings=(
            *(f"Compared by force, although the runs differ in {what}." for what in trouble),
            *unfinished(entrants),
        ),
        notes=(
            *samples.notes,
            *(entrant.doubt for entrant in entrants if entrant.doubt),
            *_settings_notes(entrants),
            *_served_notes(entrants, stems),
            *_cost_notes(entrants),
        ),
    )


def _entrant(found: JudgedRun, name: str) -> Entrant:
    share, doubt = corrected_rate(found)
    return Entrant(
        name=name,
        run=found.run,
        selected=found.run.size,
        unfinished=found.unfinished,
        outcomes=found.outcomes,
        corrected=share,
        doubt=doubt,
    )


def unfinished_note(name: str, missing: int, size: int) -> str:
    """The sentence about a run that still has samples without a verdict."""
    return f"{name} is unfinished: {missing:,} of its {counted(size, 'sample')} {noun(missing, 'has')} no verdict yet."


def unfinished(entrants: Sequence[Entrant]) -> list[str]:
    """A warning for each run that still has samples without a verdict."""
    return [
        unfinished_note(entrant.name, entrant.unfinished, entrant.selected)
        for entrant in entrants
        if entrant.unfinished
    ]


def _settings_notes(entrants: Sequence[Entrant]) -> list[str]:
    """Which settings of generation differ between runs; a system prompt is not repeated."""
    notes = []
    if len({str(entrant.run.manifest.condition) for entrant in entrants}) > 1:
        notes.append("The runs differ in what the models were shown of each sample (their conditions).")
    parts = [f"{one.name} holds shard {one.run.manifest.shard}" for one in entrants if one.run.manifest.shard]
    if parts:
        notes.append(f"Not all runs hold the whole dataset: {', '.join(parts)}.")
    for key in (*run_names.SETTINGS, "image_max_side"):
        values = [getattr(entrant.run.manifest, key) for entrant in entrants]
        if any(value != values[0] for value in values):
            if key == "system":
                notes.append("The runs differ in their system prompt.")
            else:
                shown = ", ".join(f"{value} in {entrant.name}" for entrant, value in zip(entrants, values, strict=True))
                notes.append(f"The runs differ in {key}: {shown}.")
    return notes


_FIRST_VERDICTS = 20


def _cost_notes(entrants: Sequence[Entrant]) -> list[str]:
    """What the runs cost as a whole, with all their judges, where prices are known."""
    costs = {entrant.name: usage.cost_line(usage.recorded(entrant.run)) for entrant in entrants}
    said = "; ".join(f"{name} {cost}" for name, cost in costs.items() if cost)
    return [f"Cost of whole runs: {said}."] if said else []


def _served_notes(entrants: Sequence[Entrant], stems: Sequence[str]) -> list[str]:
    """Whether a server answered to the judge's name with several versions of it, by each run's first verdicts."""
    served = []
    for entrant, stem in zip(entrants, stems, strict=True):
        begin = islice(journal.read(entrant.run.verdicts(stem), Verdict), _FIRST_VERDICTS)
        served.append(next((without_address(verdict.judge_model) for verdict in begin if verdict.judge_model), ""))
    if len(set(served)) == 1:
        return []
    shown = ", ".join(f"{name or 'unknown'} in {run.name}" for name, run in zip(served, entrants, strict=True))
    return [f"The judge reported different models: {shown}."]
