"""The report's sections, in the order of the paper; their headings name its tables and figures."""

from __future__ import annotations

from collections.abc import Iterator

from vlsbench.paper.recipe import PaperRecipe
from vlsbench.report.charts.every import Section
from vlsbench.report.charts.kinds import Figure, TitledTable
from vlsbench.report.charts.of_data import Census
from vlsbench.report.inputs import Inputs
from vlsbench.report.paper import examples, figures, tables
from vlsbench.report.paper.found import PaperRuns


def sections(recipe: PaperRecipe, inputs: Inputs, _listed: Census) -> tuple[Section, ...]:
    """Every table and figure that the parts of a report allow, and last the names of those that they do not.

    Args:
        recipe: What rows and columns are made of.
        inputs: The parts.
        _listed: The samples that the page lists, which are those of several sets.
    """
    every = tuple(_sections(PaperRuns(recipe=recipe, inputs=inputs)))
    made = tuple(section for section in every if section.figures or section.tables or section.examples)
    return (*made, *_not_made([section.title for section in every if section not in made]))


def _sections(found: PaperRuns) -> Iterator[Section]:
    yield Section(id="paper-data", title="Figures 3, 4 and 9: the data", figures=tuple(figures.data(found)))
    yield Section(
        id="paper-table-1",
        title="Table 1: leakage",
        figures=(),
        tables=_present(tables.leakage(found)),
    )
    yield Section(
        id="paper-table-2",
        title="Table 2: leaky sets, and ability",
        figures=(),
        tables=_present(tables.leaky(found)),
    )
    yield Section(
        id="paper-table-3",
        title="Table 3, Figures 7 and 14: where only the picture tells",
        figures=_drawn(figures.rates(found), figures.radar(found)),
        tables=_present(tables.main(found)),
    )
    yield Section(
        id="paper-table-5",
        title="Table 5: four forms",
        figures=(),
        tables=_present(tables.forms(found)),
    )
    yield Section(id="paper-figure-12", title="Figure 12: judges", figures=tuple(figures.judges(found)))
    yield Section(
        id="paper-figures-15-17",
        title="Figures 15 to 17: answers side by side",
        figures=(),
        examples=tuple(examples.examples(found)),
    )


def _not_made(titles: list[str]) -> Iterator[Section]:
    if titles:
        missing = TitledTable(
            title="Not made here",
            about="No run or audit of this report belongs into these. What they need: vlsbench paper --dry-run.",
            head=("of the paper",),
            rows=tuple((title,) for title in titles),
        )
        yield Section(id="paper-missing", title="What is missing", figures=(), tables=(missing,))


def _present(*found: TitledTable | None) -> tuple[TitledTable, ...]:
    return tuple(table for table in found if table is not None)


def _drawn(*found: Figure | None) -> tuple[Figure, ...]:
    return tuple(figure for figure in found if figure is not None)
