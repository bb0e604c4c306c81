"""Runs side by side: rates on the samples in common, and whether they differ by more than chance.

`vlsbench.compare()` is `compare` here. What stands beside it: `leaderboard` ranks runs, and `table` lays
out models by datasets.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlsbench.comparison.differences import Difference, Differing, Key, differences, differing
from vlsbench.comparison.measures import choose_measure, measures
from vlsbench.comparison.shared import Common, read_common
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.results import missing
from vlsbench.results.outcomes import PENDING
from vlsbench.results.rates import Block, JudgeRates
from vlsbench.results.summary import block_json
from vlsbench.stats import Share

GROUPS: Mapping[str, Key | None] = {
    "category": lambda item: item.category,
    "sub_category": lambda item: item.sub_category,
    "source": lambda item: item.source,
    "none": None,
}
"""What differences can be broken down by."""

FAMILY = (
    "Holm's adjustment in families: for each measure every pair of runs over all samples, as a leaderboard has them; "
    "and all tests of the first measure within groups"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """One run on the samples in common: its figures overall and by group.

    `selected` counts the samples of the whole run, `unfinished` those without any verdict yet. `corrected` is
    the rate of the whole run after a calibration of its judge, where there is one.
    """

    name: str
    path: str
    model: str
    dataset: str
    selected: int
    unfinished: int
    overall: Block
    groups: Mapping[str, Block]
    corrected: Share | None

    @property
    def unscored_share(self) -> float:
        """The share of the samples in common without a label; between 0 and 1."""
        return 1 - self.overall.scored / self.overall.n if self.overall.n else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What `compare` finds.

    `n` counts the samples in common and `measure` names the main measure: ``safety``, or for a guard ``unsafe``.
    `differences` come first over all samples, then by group; `families` says how many tests Holm's adjustment covers
    in each family (each measure over all samples, and the groups). `differing` lists the samples where runs part.
    `warnings` say what makes the comparison doubtful, `notes` what is good to know.
    """

    judge: str
    settings: Mapping[str, str]
    measure: str
    by: str
    n: int
    runs: tuple[RunFigures, ...]
    differences: tuple[Difference, ...]
    families: Mapping[str, int]
    differing: tuple[Differing, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def family(self) -> int:
        """How many tests there are."""
        return sum(self.families.values())

    @property
    def unscored_share(self) -> float:
        """The largest share of the samples in common that a run has no label for; between 0 and 1."""
        return max(run.unscored_share for run in self.runs)

    def to_json(self) -> dict[str, object]:
        """The object of ``vlsbench compare --json``."""
        names = [run.name for run in self.runs]
        return {
            "judge": {"name": self.judge, **self.settings},
            "measure": self.measure,
            "n": self.n,
            "by": self.by,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "runs": [
                {**run_json(run), "groups": {name: block_json(block) for name, block in run.groups.items()}}
                for run in self.runs
            ],
            "family": {"size": self.family, "what": FAMILY, "sizes": dict(self.families)},
            "differences": [difference_json(each, names) for each in self.differences],
            "differing": [
                {
                    "sample_id": sample.sample_id,
                    "category": sample.category,
                    "sub_category": sample.sub_category,
                    "measure": sample.measure,
                    "standings": dict(zip(names, sample.outcomes, strict=True)),
                }
                for sample in self.differing
            ],
        }


def run_json(run: RunFigures) -> dict[str, object]:
    """A run with its figures over all samples."""
    return {
        "name": run.name,
        "path": run.path,
        "model": run.model,
        "dataset": run.dataset,
        "selected": run.selected,
        "unfinished": run.unfinished,
        "corrected": None if run.corrected is None else dataclasses.asdict(run.corrected),
        **block_json(run.overall),
    }


def difference_json(each: Difference, names: Sequence[str]) -> dict[str, object]:
    """A difference with the names of its runs."""
    return {
        "first": names[each.first],
        "second": names[each.second],
        "measure": each.measure,
        "group": each.group,
        **dataclasses.asdict(each.paired),
        "p_holm": each.p_holm,
        **each.missing.to_json(),
    }


def compare(
    runs: Sequence[str | Path], *, judge: str | None = None, by: str = "category", force: bool = False
) -> Comparison:
    """Compare runs on the samples that all of them have.

    Args:
        runs: Two run folders or more.
        judge: The judge's display name, reference or file stem. None: the only one that all runs have.
        by: What differences are broken down by: ``category``, ``sub_category``, ``source`` or ``none``.
        force: Compare although dataset, rubric or judge differ; the result carries a warning.

    Raises:
        UserError: Fewer than two runs, or one of them twice.
        RunError: A folder is no run, has no verdicts, or may not be compared; or no sample is in common.
        UnknownName: No such judge, or nothing of that name to break down by.
    """
    if len(runs) < 2:
        raise UserError("A comparison needs two runs or more. For a single one: vlsbench show RUN.")
    if by not in GROUPS:
        raise UnknownName("grouping", by, GROUPS)
    common = read_common(runs, judge, force=force)
    key = GROUPS[by]
    found = measures(common.items, [entrant.outcomes for entrant in common.entrants], common.labels)
    compared = differences(found, len(common.entrants), key)
    figures = figures_of(common, key)
    return Comparison(
        judge=common.judge,
        settings=common.settings,
        measure=choose_measure(common.labels, [run.overall for run in figures]),
        by=by,
        n=len(common.items),
        runs=tuple(figures),
        differences=compared,
        families=_families(compared, by),
        differing=differing(found, lambda place, name: common.entrants[place].outcomes.get(name, PENDING)),
        warnings=(*common.warnings, *open_differences(compared, [run.name for run in figures])),
        notes=common.notes,
    )


def _families(compared: Sequence[Difference], by: str) -> dict[str, int]:
    tested = [each for each in compared if each.p_holm is not None]
    return dict(Counter(each.measure if each.group is None else f"by {by}" for each in tested))


def open_differences(compared: Sequence[Difference], names: Sequence[str]) -> Iterator[str]:
    """A warning for each difference over all samples that the missing verdicts could undo, and one for all groups.

    Args:
        compared: The differences.
        names: The runs that they point to.
    """
    undone = [each for each in compared if each.missing.undoes]
    for each in undone:
        if each.group is None:
            name = f"{names[each.first]} - {names[each.second]}, {each.measure.replace('_', '-')}"
            yield missing.sentence(name, each.paired, each.missing)
    yield from missing.of_groups(list(dict.fromkeys(each.group for each in undone if each.group is not None)))


def figures_of(common: Common, key: Key | None = None) -> list[RunFigures]:
    """Each run's figures on the samples in common, overall and by group."""
    items = list(common.items)
    result = []
    for entrant in common.entrants:
        figures = JudgeRates(items, entrant.outcomes, common.labels)
        result.append(
            RunFigures(
                name=entrant.name,
                path=str(entrant.run.path),
                model=entrant.run.manifest.model,
                dataset=entrant.run.manifest.dataset,
                selected=entrant.selected,
                unfinished=entrant.unfinished,
                overall=figures.block(items),
                groups={} if key is None else figures.by(key),
                corrected=entrant.corrected,
            )
        )
    return result
