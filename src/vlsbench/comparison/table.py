"""Models by datasets: the whole-run rate of each, in the shape of the paper's Tables 2 and 5."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlsbench import stats
from vlsbench.calibration.store import corrected_rate
from vlsbench.comparison.measures import ABILITIES, RATES, SAFETY, UNSAFE, choose_measure
from vlsbench.comparison.shared import common_judge, judge_differences, open_runs, unfinished_note
from vlsbench.core.errors import RunError, UserError
from vlsbench.core.names import dataset_name
from vlsbench.core.types import Rate
from vlsbench.results import judged_run, run_names
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.official import Official, official
from vlsbench.results.rates import Block, tests_ability_alone
from vlsbench.stats import Share
from vlsbench.store.identity import MODEL_DETAILS
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBounds:
    """The smallest and the largest rate over all ways to fill in the missing verdicts."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One model on one dataset: the rate of the whole run; `unscored` counts all of its samples without a label.

    `official` are the figures by the rule of the dataset's authors, where it has one.
    """

    path: str
    rate: Rate
    bounds: RateBounds | None
    selected: int
    unfinished: int
    corrected: Share | None
    unscored: int
    official: Official | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTable:
    """What `table` finds: `cells` has a row for each of `models` and in it an entry for each of `datasets`.

    `measures` says for each dataset what its rates are: ``safety``, or what the set has; ``unsafe`` for a guard.
    `averages` holds each model's unweighted mean over all datasets but those that test an ability, None where it lacks
    one, or where the datasets measure different things. `judges` are those of each dataset: sets that test an ability
    have one of their own beside the `judge` of safety.
    """

    judge: str
    settings: Mapping[str, str]
    models: tuple[str, ...]
    datasets: tuple[str, ...]
    judges: tuple[str, ...]
    measures: tuple[str, ...]
    references: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """What most of the table is about: safety where a dataset has it, else the first dataset's measure."""
        return SAFETY if SAFETY in self.measures else self.measures[0]

    @property
    def unscored_share(self) -> float:
        """The largest share of the samples of a run without a label; between 0 and 1."""
        cells = [cell for row in self.cells for cell in row if cell is not None]
        return max((cell.unscored / cell.selected for cell in cells if cell.selected), default=0.0)

    @property
    def averages(self) -> tuple[float | None, ...]:
        """The unweighted mean of each row; it has no interval."""
        places = self.averaged
        alike = len({self.measures[place] for place in places}) == 1
        means = []
        for row in self.cells:
            cells = [cell for place in places if (cell := row[place]) is not None]
            values = [cell.rate.value for cell in cells if cell.rate.value is not None]
            means.append(sum(values) / len(values) if len(values) == len(places) and alike else None)
        return tuple(means)

    @property
    def averaged(self) -> tuple[int, ...]:
        """The columns of which `averages` are the mean: of safety where there is any, else all."""
        places = range(len(self.datasets))
        return tuple(place for place in places if self.measures[place] not in ABILITIES) or tuple(places)

    def to_json(self) -> dict[str, object]:
        """The object of ``vlsbench table --json``."""
        rows = zip(self.models, self.cells, self.averages, strict=True)
        return {
            "judge": {"name": self.judge, **self.settings},
            "measure": self.measure,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "datasets": [
                {"name": name, "reference": reference, "measure": measure, "judge": judge}
                for name, reference, measure, judge in zip(
                    self.datasets, self.references, self.measures, self.judges, strict=True
                )
            ],
            "models": [
                {
                    "name": name,
                    "average": average,
                    "rates": {
                        dataset: dataclasses.asdict(cell) if cell is not None else None
                        for dataset, cell in zip(self.datasets, row, strict=True)
                    },
                }
                for name, row, average in rows
            ],
        }


def table(
    runs: Sequence[str | Path], *, judge: str | None = None, force: bool = False, measure: str | None = None
) -> ModelTable:
    """Lay out runs as models by datasets, both in the order in which they first occur.

    A model with other settings, or with other weights, is another row. Runs share a column where their dataset
    records are the same.

    Args:
        runs: Run folders.
        judge: The judge's display name, reference or file stem. None: the only one that all runs have.
        force: Go on although rubric or judge differ; the result carries a warning.
        measure: ``safety``, ``over_refusal``, ``paired`` or ``accuracy``; None: safety, or what each dataset has.

    Raises:
        UserError: No run, a run twice, or two runs for one cell.
        RunError: A folder is no run or has no verdicts, or judge or rubric differ.
        UnknownName: A run has no such judge.
    """
    if not runs:
        raise UserError("A table needs a run or more.")
    opened = open_runs(runs)
    found = _judged(opened, judge)
    trouble = list(_differences(found))
    if trouble and not force:
        raise RunError(
            f"The figures of these runs do not mean the same: they differ in {'; '.join(trouble)}. "
            "--force shows them all the same, with a warning."
        )
    rows, columns = _keys(opened, _row_key), _keys(opened, _column_key)
    blocks = [verdicts.overall() for verdicts in found]
    of_column: dict[str, list[Block]] = {}
    judge_of: dict[str, JudgedRun] = {}
    for verdicts, block in zip(found, blocks, strict=True):
        of_column.setdefault(_column_key(verdicts.run), []).append(block)
        judge_of.setdefault(_column_key(verdicts.run), verdicts)
    chosen = {key: choose_measure(judge_of[key].labels, several, measure) for key, several in of_column.items()}
    cells: list[list[Cell | None]] = [[None] * len(columns) for _ in rows]
    warnings = [f"Shown by force, although the runs differ in {what}." for what in trouble]
    notes: list[str] = []
    for run, verdicts, block in zip(opened, found, blocks, strict=True):
        row, column = list(rows).index(_row_key(run)), list(columns).index(_column_key(run))
        if (there := cells[row][column]) is not None:
            raise UserError(
                f"{there.path} and {run.path} are the same model, with the same settings, on the same samples. "
                "Leave one of them out."
            )
        share, doubt = corrected_rate(verdicts)
        cells[row][column] = _cell(run, verdicts, block, chosen[_column_key(run)], share)
        notes += [doubt] if doubt else []
        if verdicts.unfinished:
            warnings.append(unfinished_note(str(run.path), verdicts.unfinished, run.size))
    first = next((one for one in found if not tests_ability_alone(one.labels)), found[0])
    return ModelTable(
        judge=first.name,
        settings={"judge": first.entry.judge, **first.entry.described()},
        models=tuple(_row_names(list(rows.values()))),
        datasets=tuple(_column_names(list(columns.values()))),
        judges=tuple(judge_of[key].name for key in columns),
        measures=tuple(chosen.values()),
        references=tuple(run.manifest.dataset for run in columns.values()),
        cells=tuple(tuple(row) for row in cells),
        warnings=tuple(warnings),
        notes=tuple(notes),
    )


def _judged(runs: Sequence[Run], judge: str | None) -> list[JudgedRun]:
    """Each run with its verdicts: of the one judge of safety, and on sets that test an ability of the judge of that."""
    of_safety = [run for run in runs if not _tests_ability_alone(run, judge)]
    common = common_judge(of_safety, judge) if of_safety else judge
    columns: dict[str, list[Run]] = {}
    for run in runs:
        columns.setdefault(_column_key(run), []).append(run)
    return [
        judged_run.read(run.path, common if run in of_safety else common_judge(columns[_column_key(run)], None))
        for run in runs
    ]


def _tests_ability_alone(run: Run, judge: str | None) -> bool:
    """Whether a run has judges of abilities and no other, and none by the name that is asked for."""
    entries = list(run.judges.items())
    named = any(judge in (stem, entry.judge) for stem, entry in entries)
    return bool(entries) and not named and all(tests_ability_alone(entry.labels) for _, entry in entries)


def _differences(found: Sequence[JudgedRun]) -> Iterator[str]:
    """What the judges differ in among runs that have to have the same: those about safety, and those of one set."""
    groups: dict[str, list[JudgedRun]] = {}
    for one in found:
        groups.setdefault(_column_key(one.run) if tests_ability_alone(one.labels) else SAFETY, []).append(one)
    for first, *others in groups.values():
        for other in others:
            names = (str(first.run.path), str(other.run.path))
            yield from (f"the judge: {what}" for what in judge_differences(first, other, names))


def _cell(run: Run, found: JudgedRun, block: Block, measure: str, share: Share | None) -> Cell:
    rate = RATES[measure](block) or stats.rate([])
    return Cell(
        path=str(run.path),
        rate=rate,
        bounds=RateBounds(low=rate.ends[0], high=rate.ends[1]) if rate.ends else None,
        selected=run.size,
        unfinished=found.unfinished,
        corrected=share if measure in (SAFETY, UNSAFE) else None,
        unscored=block.n - block.scored,
        official=official(run),
    )


def _keys(runs: Sequence[Run], key: Callable[[Run], str]) -> dict[str, Run]:
    """The first run of each key, in order."""
    found: dict[str, Run] = {}
    for run in runs:
        found.setdefault(key(run), run)
    return found


def _settings(run: Run) -> dict[str, object]:
    details = run.manifest.model_details
    return {
        **{key: getattr(run.manifest, key) for key in run_names.SETTINGS},
        **{key: details[key] for key in MODEL_DETAILS if details.get(key) is not None},
    }


def _row_key(run: Run) -> str:
    return json.dumps(
        [run.manifest.model, run.manifest.condition, run.manifest.shard, _settings(run)], sort_keys=True, default=str
    )


def _column_key(run: Run) -> str:
    return run.manifest.dataset_hash


def _row_names(runs: Sequence[Run]) -> list[str]:
    """The models; where several rows share one, with the settings that set them apart."""
    names = run_names.shown_names(runs)
    counts = Counter(names)
    result = []
    for name, run in zip(names, runs, strict=True):
        alike = [_settings(other) for one, other in zip(names, runs, strict=True) if one == name]
        own = _settings(run)
        apart = [key for key in own if any(other.get(key) != own[key] for other in alike)]
        extra = ", ".join(f"{key} {_brief(own[key])}" for key in apart)
        result.append(name if counts[name] == 1 else f"{name} [{extra or run.path.resolve().name}]")
    return _numbered(result)


def _brief(value: object) -> str:
    """A setting in a few characters; a long one (a system prompt, a digest) by its hash."""
    text = str(value)
    return text if len(text) <= 12 else f"#{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:6]}"


def _column_names(runs: Sequence[Run]) -> list[str]:
    """The datasets; where several columns share a name, with their reference, then their size."""
    full = [run.manifest.dataset for run in runs]
    names = [dataset_name(reference) for reference in full]
    if len(set(full)) == len(full):
        return run_names.told_apart(names, full)
    sized = [f"{name} [n = {run.size:,}]" for name, run in zip(names, runs, strict=True)]
    return _numbered(run_names.told_apart(names, sized))


def _numbered(names: Sequence[str]) -> list[str]:
    """Names that still occur twice, with a number."""
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return result
