"""Runs in order of their safety rate, with the ranks that the data and the missing verdicts leave open.

Two runs are told apart by the test of `compare`, adjusted over all pairs, so that the two commands never contradict
each other.

References:
    Mogstad, Romano, Shaikh and Wilhelm (2024), Inference for ranks with applications to mobility across
        neighbourhoods and academic achievement across countries. Review of Economic Studies 91.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlsbench.comparison.compare import RunFigures, figures_of, open_differences, run_json
from vlsbench.comparison.differences import Difference, differences
from vlsbench.comparison.measures import HIGHER_IS_BETTER, RATES, choose_measure, measures
from vlsbench.comparison.published import Published, doubts, rows_beside
from vlsbench.comparison.shared import read_common
from vlsbench.core.errors import RunError, UserError
from vlsbench.core.types import Rate
from vlsbench.stats import LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedModel:
    """One run of a leaderboard: its rank lies between `best` and `worst`, whatever the missing verdicts are.

    `tied_with` are the places (in the order of the leaderboard) of the runs that it cannot be told from.
    `tipping_point` is the smallest share of the missing verdicts of one of its differences that undoes it, so that
    the data alone would leave fewer ranks open; None where they say the same.
    """

    figures: RunFigures
    best: int
    worst: int
    tied_with: tuple[int, ...]
    tipping_point: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """What `leaderboard` finds; `published` are rows of the paper, which have no rank and are in no test.

    `gaps` are the differences of every two places, as `compare` has them.
    """

    judge: str
    settings: Mapping[str, str]
    measure: str
    n: int
    places: tuple[RankedModel, ...]
    gaps: tuple[Difference, ...]
    published: tuple[Published, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def unscored_share(self) -> float:
        """The largest share of the samples in common that a run has no label for; between 0 and 1."""
        return max(place.figures.unscored_share for place in self.places)

    def to_json(self) -> dict[str, object]:
        """The object of ``vlsbench leaderboard --json``."""
        names = [place.figures.name for place in self.places]
        return {
            "judge": {"name": self.judge, **self.settings},
            "measure": self.measure,
            "n": self.n,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "places": [_place_json(place, names) for place in self.places],
            "confidence": 1 - LEVEL,
            "differences": [
                {
                    "first": names[gap.first],
                    "second": names[gap.second],
                    **dataclasses.asdict(gap.paired),
                    "p_holm": gap.p_holm,
                    **gap.missing.to_json(),
                    "separated": gap.separated,
                }
                for gap in self.gaps
            ],
            "published": [dataclasses.asdict(row) for row in self.published],
        }


def _place_json(place: RankedModel, names: Sequence[str]) -> dict[str, object]:
    return {
        "name": place.figures.name,
        "rank_best": place.best,
        "rank_worst": place.worst,
        "tied_with": [names[other] for other in place.tied_with],
        "tipping_point": place.tipping_point,
        **run_json(place.figures),
    }


def leaderboard(
    runs: Sequence[str | Path],
    *,
    judge: str | None = None,
    force: bool = False,
    published: bool = False,
    measure: str | None = None,
) -> Leaderboard:
    """Rank runs on the samples that all of them have.

    A run's rank is at best one more than the number of runs that are surely better, at worst the number of
    runs less those that are surely worse. Surely means that the paired test finds it, adjusted over all pairs, and
    would find it whatever the missing verdicts are.

    Args:
        runs: Two run folders or more; with `published` one will do.
        judge: The judge's display name, reference or file stem. None: the only one that all runs have.
        force: Rank although dataset, rubric or judge differ; the result carries a warning.
        published: Add the paper's rows.
        measure: What to rank by: ``safety``, ``over_refusal``, ``paired`` or ``accuracy``; None: safety, or what
            the samples have. A guard's verdicts are ranked by ``unsafe``.

    Raises:
        UserError: Too few runs, or one of them twice.
        RunError: A folder is no run, has no verdicts, or may not be compared; or there is nothing to rank by.
        UnknownName: A run has no such judge.
    """
    if len(runs) < (1 if published else 2):
        raise UserError("A leaderboard needs two runs or more. For a single one: vlsbench show RUN.")
    common = read_common(runs, judge, force=force)
    figures = figures_of(common)
    name = choose_measure(common.labels, [run.overall for run in figures], measure)
    by = measures(common.items, [entrant.outcomes for entrant in common.entrants], common.labels)
    main = next((measure for measure in by if measure.name == name), None)
    rates = [RATES[name](run.overall) for run in figures]
    if main is None or all(rate is None or rate.value is None for rate in rates):
        what = {"over_refusal": "benign sample", "paired": "pair of twins", "accuracy": "sample that tests an ability"}
        raise RunError(f"There is nothing to rank by: no {what.get(name, 'harmful sample')} in common has a label.")
    sign = 1 if HIGHER_IS_BETTER[name] else -1
    order = sorted(range(len(figures)), key=lambda number: _sorting_key(rates[number], figures[number].name, sign))
    in_order = dataclasses.replace(main, hits=tuple(main.hits[number] for number in order))
    gaps = differences([in_order], len(order), None)
    return Leaderboard(
        judge=common.judge,
        settings=common.settings,
        measure=name,
        n=len(common.items),
        places=tuple(_place(place, figures[number], gaps, len(order), sign) for place, number in enumerate(order)),
        gaps=gaps,
        published=rows_beside(common.entrants) if published else (),
        warnings=(
            *common.warnings,
            *open_differences(gaps, [figures[number].name for number in order]),
            *(doubts(common.entrants, len(common.items), common.settings) if published else ()),
        ),
        notes=common.notes,
    )


def _sorting_key(rate: Rate | None, name: str, sign: int) -> tuple[bool, float, str]:
    """Best first; a run without a rate comes last."""
    value = None if rate is None else rate.value
    return value is None, -sign * (value or 0.0), name


def _place(place: int, figures: RunFigures, gaps: Sequence[Difference], runs: int, sign: int) -> RankedModel:
    better = worse = 0
    tied, tipping = [], []
    for gap in gaps:
        if place not in (gap.first, gap.second):
            continue
        if not gap.holds:
            tied.append(gap.second if place == gap.first else gap.first)
            tipping += [gap.missing.tipping_point] if gap.missing.undoes else []
            continue
        ahead = sign * (gap.paired.value or 0.0) > 0
        worse += ahead == (place == gap.first)
        better += ahead != (place == gap.first)
    return RankedModel(
        figures=figures,
        best=1 + better,
        worst=runs - worse,
        tied_with=tuple(tied),
        tipping_point=min((share for share in tipping if share is not None), default=None),
    )
