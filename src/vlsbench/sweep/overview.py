"""What the runs of a sweep come to side by side: a table, and for each dataset a leaderboard and a comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from vlsbench.comparison.compare import Comparison, compare
from vlsbench.comparison.leaderboard import Leaderboard, leaderboard
from vlsbench.comparison.table import ModelTable, table
from vlsbench.core.errors import UserError
from vlsbench.results.outcomes import judge_names
from vlsbench.results.rates import tests_ability_alone
from vlsbench.store.run_folder import Run
from vlsbench.sweep.cells import AblationCell, RunCell, SweepCell

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What `overview` finds: a table for each judge, and what each two runs or more of a dataset show.

    `notes` say what cannot be laid out, and why.
    """

    tables: tuple[ModelTable, ...]
    leaderboards: tuple[tuple[str, Leaderboard], ...]
    comparisons: tuple[tuple[str, Comparison], ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The fields of ``vlsbench sweep --json`` beside the cells."""
        return {
            "tables": [found.to_json() for found in self.tables],
            "leaderboards": {name: found.to_json() for name, found in self.leaderboards},
            "comparisons": {name: found.to_json() for name, found in self.comparisons},
            "notes": list(self.notes),
        }


def run_folders(cells: Sequence[SweepCell]) -> list[Path]:
    """The folders of runs with image and text that there are so far."""
    found = [cell.path for cell in cells if isinstance(cell, RunCell)]
    found += [cell.full for cell in cells if isinstance(cell, AblationCell)]
    return [path for path in found if (path / "manifest.json").exists()]


def overview(cells: Sequence[SweepCell]) -> Overview:
    """Lay out the runs of a sweep, by each judge; a baseline's only where nobody else judged."""
    notes: list[str] = []
    runs = [Run(path) for path in run_folders(cells)]
    tables: list[ModelTable] = []
    leaderboards: list[tuple[str, Leaderboard]] = []
    comparisons: list[tuple[str, Comparison]] = []
    by_judge = _by_judge(runs)
    of_ability = [run for run in runs if run.judges and _tests_ability(run)]
    for judge, judged in by_judge.items():
        paths = [run.path for run in judged]
        if not all(run in of_ability for run in judged):  # ability stands beside safety, as in the paper
            paths += [run.path for run in of_ability if run not in judged]
        if not (len(of_ability) < len(runs) and all(run in of_ability for run in judged)):
            tables += _or_note(partial(table, paths, judge=judge), notes)
        for dataset, same in _by_dataset(judged).items():
            of = f"{dataset}, {judge}" if len(by_judge) > 1 else dataset
            if len(same) > 1:
                ranked = _or_note(partial(leaderboard, same, judge=judge), notes)
                compared = _or_note(partial(compare, same, judge=judge, by="none"), notes)
                leaderboards += [(of, found) for found in ranked]
                comparisons += [(of, found) for found in compared]
    return Overview(
        tables=tuple(tables),
        leaderboards=tuple(leaderboards),
        comparisons=tuple(comparisons),
        notes=tuple(dict.fromkeys(notes)),
    )


def _or_note(find: Callable[[], Found], notes: list[str]) -> list[Found]:
    """What is found, or nothing, and a note why."""
    try:
        return [find()]
    except UserError as error:
        notes.append(str(error))
        return []


def _tests_ability(run: Run) -> bool:
    """Whether nobody but judges of right and wrong judged a run."""
    return all(tests_ability_alone(entry.labels) for entry in run.judges.values())


def _by_judge(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs that each judge judged; baselines where no other judge judged any."""
    found: dict[str, list[Run]] = {}
    baselines: dict[str, list[Run]] = {}
    for run in runs:
        for stem, name in judge_names(run).items():
            (baselines if run.judges[stem].baseline else found).setdefault(name, []).append(run)
    return found or baselines


def _by_dataset(runs: Sequence[Run]) -> dict[str, list[Path]]:
    """The folders of runs of the same samples, by the name of the set; with a number where two share a name."""
    names: dict[tuple[str, str], str] = {}
    found: dict[str, list[Path]] = {}
    for run in runs:
        name = run.manifest.dataset
        key = (name, run.manifest.dataset_hash)
        if key not in names:
            again = sum(other == name for other, _ in names)
            names[key] = f"{name} ({again + 1})" if again else name
        found.setdefault(names[key], []).append(run.path)
    return found
