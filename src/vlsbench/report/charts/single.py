"""One figure by name: what ``vlsbench plot`` draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.types import Sample
from vlsbench.report.charts import of_audits, of_data, of_runs
from vlsbench.report.charts.kinds import Figure
from vlsbench.report.charts.of_data import Census
from vlsbench.report.inputs import KINDS, AblationPart, AuditPart, ComparisonPart, DatasetPart, Inputs, Part, RunPart
from vlsbench.store import records


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartKind:
    """A figure that can be drawn by itself: of which inputs, and what it shows."""

    shows: str
    needs: tuple[type[Part], ...]
    make: Callable[[Inputs, Sequence[str]], Figure | None]


def figure(name: str, inputs: Inputs, base: Sequence[str] = ()) -> Figure:
    """Make a figure.

    Args:
        name: One of `FIGURES`.
        inputs: What it is about.
        base: Models whose mean safety rate is drawn as a line.

    Raises:
        UnknownName: No such figure.
        UserError: An input does not fit it, or the inputs hold nothing that it could show.
    """
    check(name)
    kind = FIGURES[name]
    for ref, part in zip(inputs.refs, inputs.parts, strict=True):
        if not isinstance(part, kind.needs):
            wanted = " or ".join(KINDS[needed] for needed in kind.needs)
            raise UserError(f"plot {name} is about {wanted}, and {ref} is {KINDS[type(part)]}; leave it out.")
    made = kind.make(inputs, base)
    if made is None:
        raise UserError(f"There is nothing to plot: {', '.join(inputs.refs)} holds no {kind.shows}.")
    return made


def check(name: str) -> None:
    """Nothing, where there is such a figure; raises `UnknownName`."""
    if name not in FIGURES:
        raise UnknownName("figure", name, FIGURES)


def _census(inputs: Inputs) -> Census:
    census = Census()
    seen: set[tuple[str, str]] = set()
    for sample in _samples(inputs):
        if (sample.id, sample.text) not in seen:
            seen.add((sample.id, sample.text))
            census.add(sample)
    return census


def _samples(inputs: Inputs) -> Sequence[Sample]:
    found: list[Sample] = [sample for part in inputs.datasets for sample in part.dataset]
    for part in inputs.runs:
        found.extend(records.samples(part.run.samples))
    return found


_RUNS = (RunPart,)
_DATA = (DatasetPart, RunPart)

FIGURES: Mapping[str, ChartKind] = {
    "safety": ChartKind(shows="safety rate", needs=_RUNS, make=lambda given, base: of_runs.safety(given.runs, base)),
    "over-refusal": ChartKind(
        shows="over-refusal rate", needs=_RUNS, make=lambda given, _: of_runs.over_refusal(given.runs)
    ),
    "paired": ChartKind(shows="paired rate", needs=_RUNS, make=lambda given, _: of_runs.paired(given.runs)),
    "guard": ChartKind(
        shows="unsafe rate of a guard", needs=_RUNS, make=lambda given, _: of_runs.guard_unsafe(given.runs)
    ),
    "labels": ChartKind(shows="labels", needs=_RUNS, make=lambda given, _: of_runs.labels(given.runs)),
    "radar": ChartKind(
        shows="safety rate over three categories or more", needs=_RUNS, make=lambda given, _: of_runs.radar(given.runs)
    ),
    "categories": ChartKind(
        shows="safety rate over two categories or more",
        needs=_RUNS,
        make=lambda given, _: of_runs.categories(given.runs),
    ),
    "agreement": ChartKind(
        shows="samples that two judges scored", needs=_RUNS, make=lambda given, _: of_runs.agreement(given.runs)
    ),
    "accuracy": ChartKind(shows="accuracy", needs=_RUNS, make=lambda given, _: of_runs.accuracy(given.runs)),
    "taxonomy": ChartKind(shows="categories", needs=_DATA, make=lambda given, _: of_data.taxonomy(_census(given))),
    "counts": ChartKind(shows="sub-categories", needs=_DATA, make=lambda given, _: of_data.counts(_census(given))),
    "words": ChartKind(shows="words", needs=_DATA, make=lambda given, _: of_data.cloud(_census(given))),
    "leakage": ChartKind(
        shows="guard figures", needs=(AuditPart,), make=lambda given, _: of_audits.leakage(given.audits)
    ),
    "modality": ChartKind(
        shows="guard figures", needs=(AuditPart,), make=lambda given, _: of_audits.modality(given.audits)
    ),
    "ladder": ChartKind(
        shows="conditions", needs=(AblationPart,), make=lambda given, _: of_audits.ladder(given.ablations)
    ),
    "gains": ChartKind(shows="gains", needs=(AblationPart,), make=lambda given, _: of_audits.gains(given.ablations)),
    "differences": ChartKind(
        shows="differences", needs=(ComparisonPart,), make=lambda given, _: of_audits.differences(given.comparisons)
    ),
}
"""Every figure by name."""
