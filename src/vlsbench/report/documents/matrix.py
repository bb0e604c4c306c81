"""Models by datasets as a document."""

from __future__ import annotations

from collections.abc import Iterator

from vlsbench.comparison.table import Cell
from vlsbench.comparison.table import ModelTable as Found
from vlsbench.core import words
from vlsbench.report.documents.comparison import RATE_COLUMNS, TITLES, rate_values
from vlsbench.report.documents.formats import Document, DocumentTable, Sheet, Value
from vlsbench.results.official import Official

UNFINISHED = "†"

_LOWER_IS_BETTER = ("unsafe", "over_refusal")


def document(found: Found, *, average: bool = False) -> Document:
    """Lay out a table.

    Args:
        found: The table.
        average: Add a column with the unweighted mean over the datasets.
    """
    heads = [
        name if measure == found.measure else f"{name} ({TITLES[measure]})"
        for name, measure in zip(found.datasets, found.measures, strict=True)
    ]
    rows = [[_shown(cell) for cell in row] for row in found.cells]
    if average:
        heads.append("Average")
        for cells, mean in zip(rows, found.averages, strict=True):
            cells.append(words.bare(mean))
    notes = list(found.notes)
    if any(cell is not None and cell.unfinished for row in found.cells for cell in row):
        notes.append(f"{UNFINISHED} unfinished run")
    if average:
        of = "the datasets" if len(found.averaged) == len(found.datasets) else "the datasets that test no ability"
        notes.append(f"Average: the unweighted mean over {of}, where a model has all of them; it has no interval.")
        if len({found.measures[place] for place in found.averaged}) > 1:
            notes.append("The datasets measure different things, so that there is no average.")
    others = {judge: None for judge in found.judges if judge != found.judge}
    notes += [f"Ability: judge {', '.join(others)}."] if others else []
    notes += _of_clusters(found)
    notes += _of_official(found)
    return Document(
        title=f"Models by datasets; judge {found.judge}",
        tables=(
            DocumentTable(
                title=f"Rate in % [95 % interval]: {TITLES[found.measure]}",
                columns=("Model", *heads),
                rows=tuple((name, *cells) for name, cells in zip(found.models, rows, strict=True)),
                best=frozenset(_best(found)),
            ),
            *_corrected(found),
            *_bounds(found),
            *_official(found),
        ),
        sheet=_sheet(found),
        notes=tuple(notes),
        warnings=found.warnings,
    )


def _best(found: Found) -> Iterator[tuple[int, int]]:
    """The best cells of each dataset, equal ones alike; none where one model alone has a value.

    Nor is there one where the missing verdicts leave open which model has the best value.
    """
    for column, measure in enumerate(found.measures):
        cells = {row: cell for row, cells in enumerate(found.cells) if (cell := cells[column]) is not None}
        # In this order larger is better: the least and the most that a rate can be, and what it is.
        sign = -1 if measure in _LOWER_IS_BETTER else 1
        known = {
            row: (*sorted((sign * cell.bounds.low, sign * cell.bounds.high)), sign * cell.rate.value)
            for row, cell in cells.items()
            if cell.bounds is not None and cell.rate.value is not None
        }
        top = max((value for _, _, value in known.values()), default=None)
        best = [row for row, (_, _, value) in known.items() if value == top]
        rest = [most for row, (_, most, _) in known.items() if row not in best]
        if len(known) > 1 and all(known[row][0] >= most for row in best for most in rest):
            yield from ((row, column + 1) for row in best)


def _of_clusters(found: Found) -> list[str]:
    """Where few clusters carry a rate, each sentence once, with the cells that it is about."""
    return words.said_of(
        (f"{model} on {dataset}", cell.rate.note)
        for model, row in zip(found.models, found.cells, strict=True)
        for dataset, cell in zip(found.datasets, row, strict=True)
        if cell is not None
    )


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return words.NO_VALUE
    return words.rate_bare(cell.rate) + (UNFINISHED if cell.unfinished else "")


def _official(found: Found) -> tuple[DocumentTable, ...]:
    """The figures that papers print of sets with a rule of their authors, in the columns of those sets."""
    heads: dict[tuple[int, str], str] = {}
    for row in found.cells:
        for place, cell in enumerate(row):
            for figure in cell.official.headline if cell is not None and cell.official is not None else ():
                name = f"{found.datasets[place]} {figure.name} (of {figure.best:,.0f})"
                heads.setdefault((place, figure.name), name)
    if not heads:
        return ()
    rows = []
    for model, cells in zip(found.models, found.cells, strict=True):
        of_cell = [{} if cell is None or cell.official is None else _by_name(cell.official) for cell in cells]
        rows.append((model, *(of_cell[place].get(name, words.NO_VALUE) for place, name in heads)))
    return (DocumentTable(title="By the rules of their authors", columns=("Model", *heads.values()), rows=tuple(rows)),)


def _by_name(found: Official) -> dict[str, str]:
    return {figure.name: words.points_of(figure) for figure in found.headline}


def _of_official(found: Found) -> list[str]:
    """Whose rules those are, and where an answer was taken for a lot or the set was not asked whole."""
    rules = dict.fromkeys(
        cell.official.rule for row in found.cells for cell in row if cell is not None and cell.official is not None
    )
    notes = [f"Rule of {rule}." for rule in rules]
    for model, row in zip(found.models, found.cells, strict=True):
        for dataset, cell in zip(found.datasets, row, strict=True):
            if cell is not None and cell.official is not None and cell.official.doubts:
                notes.append(f"{model} on {dataset}, by that rule: {cell.official.doubts}.")
    return notes


def _corrected(found: Found) -> tuple[DocumentTable, ...]:
    """The same table after calibration of the judge, where a cell has such a rate."""
    if all(cell is None or cell.corrected is None for row in found.cells for cell in row):
        return ()
    rows = [[words.rate_bare(cell.corrected if cell is not None else None) for cell in row] for row in found.cells]
    return (
        DocumentTable(
            title="Safety in %, corrected by a calibration of the judge",
            columns=("Model", *found.datasets),
            rows=tuple((name, *cells) for name, cells in zip(found.models, rows, strict=True)),
        ),
    )


def _bounds(found: Found) -> tuple[DocumentTable, ...]:
    """The same table with what each rate could be, where a verdict is missing."""
    if not any(cell is not None and cell.rate.unscored for row in found.cells for cell in row):
        return ()
    rows = [
        [
            words.NO_VALUE
            if cell is None or cell.bounds is None
            else f"{words.bare(cell.bounds.low)}–{words.bare(cell.bounds.high)}"
            for cell in row
        ]
        for row in found.cells
    ]
    return (
        DocumentTable(
            title="Bounds in %: what each rate could be, whatever the missing verdicts are",
            columns=("Model", *found.datasets),
            rows=tuple((name, *cells) for name, cells in zip(found.models, rows, strict=True)),
        ),
    )


def _sheet(found: Found) -> Sheet:
    columns = (
        *("model", "dataset", "reference", "measure", *RATE_COLUMNS),
        *(
            "bounds_low",
            "bounds_high",
            "selected",
            "unfinished",
            "corrected",
            "corrected_low",
            "corrected_high",
            "path",
        ),
    )
    rows: list[tuple[Value, ...]] = []
    for model, row in zip(found.models, found.cells, strict=True):
        for dataset, reference, measure, cell in zip(
            found.datasets, found.references, found.measures, row, strict=True
        ):
            if cell is not None:
                after = cell.corrected
                shares = (None, None, None) if after is None else (after.value, after.low, after.high)
                ends = (None, None) if cell.bounds is None else (cell.bounds.low, cell.bounds.high)
                figures = (*rate_values(cell.rate), *ends, cell.selected, cell.unfinished, *shares)
                rows.append((model, dataset, reference, measure, *figures, cell.path))
    return Sheet(columns=columns, rows=tuple(rows))
