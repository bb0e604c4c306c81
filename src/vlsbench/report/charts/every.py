"""Every figure that the parts of a report allow, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vlsbench.report.charts import of_audits, of_data, of_runs
from vlsbench.report.charts.kinds import Example, Figure, TitledTable
from vlsbench.report.charts.of_data import Census
from vlsbench.report.inputs import Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Figures that belong together."""

    id: str
    title: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[TitledTable, ...] = ()
    examples: tuple[Example, ...] = ()


def of_inputs(inputs: Inputs, asked: Census, base: Sequence[str] = ()) -> tuple[Section, ...]:
    """The sections of a report; those without a figure are left out.

    Args:
        inputs: What the report is made of.
        asked: The samples that the report lists.
        base: Models whose mean safety rate is drawn as a line.
    """
    return tuple(section for section in _sections(inputs, asked, base) if section.figures or section.tables)


def _sections(inputs: Inputs, asked: Census, base: Sequence[str]) -> Iterator[Section]:
    runs = inputs.runs
    yield Section(
        id="rates",
        title="Rates",
        figures=_present(
            of_runs.safety(runs, base),
            of_runs.guard_unsafe(runs),
            of_runs.labels(runs),
            of_runs.over_refusal(runs),
            of_runs.paired(runs),
            of_runs.accuracy(runs),
        ),
    )
    yield Section(id="categories", title="Categories", figures=_present(of_runs.radar(runs), of_runs.categories(runs)))
    yield Section(id="judges", title="Judges", figures=_present(of_runs.agreement(runs)))
    yield Section(
        id="leakage",
        title="Leakage",
        figures=_present(of_audits.leakage(inputs.audits), of_audits.modality(inputs.audits)),
        tables=tuple(table for table in (of_audits.leakage_table(inputs.audits),) if table is not None),
    )
    yield Section(
        id="ablation",
        title="Ablation",
        figures=_present(of_audits.ladder(inputs.ablations), of_audits.gains(inputs.ablations)),
    )
    yield Section(id="comparison", title="Comparison", figures=_present(of_audits.differences(inputs.comparisons)))
    if inputs.answered and not inputs.datasets:
        yield Section(id="queries", title="Queries", figures=tuple(of_data.figures(asked, prefix="queries")))
    for number, data in enumerate(inputs.datasets):
        figures = of_data.figures(of_data.Census(data.dataset), prefix=f"data-{number}")
        yield Section(id=f"data-{number}", title=f"Dataset {data.name}", figures=tuple(figures))


def _present(*figures: Figure | None) -> tuple[Figure, ...]:
    return tuple(figure for figure in figures if figure is not None)
