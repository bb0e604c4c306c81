"""The paper's tables: what was measured here, and below each row what the paper says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vlsbench.comparison import published
from vlsbench.comparison.published import ABILITY, OTHER_SETS, ROWS
from vlsbench.core import words
from vlsbench.leakage.published import row_of
from vlsbench.paper.recipe import ACCURACY, OVER_REFUSAL, SAFETY, PaperColumn, PaperModel
from vlsbench.report.charts.kinds import TitledTable
from vlsbench.report.inputs import RunPart
from vlsbench.report.paper.found import PaperRuns, block_of, rate_of

_INDENT = "\u2003"
_HEADS = {SAFETY: "safe", OVER_REFUSAL: "refused", ACCURACY: "correct"}


def leakage(found: PaperRuns) -> TitledTable | None:
    """Table 1: the harm that the texts of leaky sets tell already."""
    rows: list[tuple[str, ...]] = []
    for column in found.recipe.audited:
        audit = found.audit(column)
        if audit is not None and audit.figures.n:
            figures = audit.figures
            rates = map(words.rate, (figures.r1, figures.r2, figures.r1_minus_r2))
            rows.append((column.title, f"{figures.n:,}", *rates, words.p_value(figures.mcnemar.p_value)))
            rows += _published_audit(column)
    if not rows:
        return None
    return TitledTable(
        title="Table 1: how much of the harm the text tells",
        about="R1: pairs that the guard calls harmful. R2: those whose text alone it calls harmful too. A small "
        "R1 - R2 means that a model can be safe without looking. Indented: what the paper says.",
        head=("", "pairs", "R1", "R2", "R1 - R2", "p (McNemar)"),
        rows=tuple(rows),
    )


def _published_audit(column: PaperColumn) -> list[tuple[str, ...]]:
    names = column.audits or ((column.published[0],) if column.published is not None else ())
    found = [row for name in names if (row := row_of(name)) is not None]
    return [
        (f"{_INDENT}paper: {row.dataset}", "", *map(words.percent, (row.r1, row.r2, row.r1_minus_r2)), "")
        for row in found
    ]


def leaky(found: PaperRuns) -> TitledTable | None:
    """Table 2: safety on leaky sets, with general ability."""
    return _by_columns(
        found,
        found.recipe.leaky,
        title="Table 2: safety where the text tells, and ability",
        about="On leaky sets a model that was aligned on text alone is as safe as one that was aligned with pictures.",
        of_paper=lambda model: model.published_leaky,
    )


def forms(found: PaperRuns) -> TitledTable | None:
    """Table 5: the same requests in four forms."""
    return _by_columns(
        found,
        found.recipe.forms,
        title="Table 5: the same danger in four forms",
        about="Told by the text alone, shown by the picture alone, told beside a picture that says something else, and "
        "both told and shown.",
        of_paper=lambda model: model.published,
        average=True,
    )


def main(found: PaperRuns) -> TitledTable | None:
    """Table 3: refusal, warning and safety where only the picture tells."""
    rows: list[tuple[str, ...]] = []
    for model in found.recipe.models:
        part = found.run(model, found.recipe.main)
        if part is not None and part.block is not None:
            block = block_of(part)
            rates = (block.refusal_rate, block.warning_rate, block.safety_rate)
            rows.append((model.title, f"{block.safety_rate.n:,}", *map(words.rate, rates)))
            for row in (row for row in ROWS if row.model == model.published):
                shares = map(words.percent, (row.refusal, row.warning, row.safety))
                rows.append((f"{_INDENT}paper: {row.model}", f"{row.n:,}", *shares))
    if not rows:
        return None
    return TitledTable(
        title="Table 3: safety where only the picture tells",
        about="Refusals and warnings among scored answers, with 95 % intervals. Indented: what the paper says.",
        head=("", "scored", "refusal", "warning", "safe in all"),
        rows=tuple(rows),
    )


def _by_columns(
    found: PaperRuns,
    columns: Sequence[PaperColumn],
    *,
    title: str,
    about: str,
    of_paper: Callable[[PaperModel], str],
    average: bool = False,
) -> TitledTable | None:
    models = found.models(columns)
    shown = [column for column in columns if any(found.run(model, column) for model in models)]
    rows: list[tuple[str, ...]] = []
    scored = [0] * len(shown)
    for model in models:
        rates = [rate_of(found.run(model, column), column.measure) for column in shown]
        scored = [max(most, rate.n if rate is not None else 0) for most, rate in zip(scored, rates, strict=True)]
        values = [rate.value for rate in rates if rate is not None and rate.value is not None]
        mean = (words.percent(sum(values) / len(values)) if len(values) == len(shown) else words.NO_VALUE,)
        cells = [_shown(found.run(model, column), column) for column in shown]
        rows.append((model.title, *cells, *(mean if average else ())))
        rows += _published(of_paper(model), shown, average=average)
    if not rows:
        return None
    heads = (f"{column.title}" for column in shown)
    return TitledTable(
        title=title,
        about=f"{about} Shares with 95 % intervals. Scored, at most: {_sizes(shown, scored)}. Indented: what the paper "
        "says.",
        head=("", *heads, *(("average",) if average else ())),
        rows=tuple(rows),
    )


def _sizes(columns: Sequence[PaperColumn], scored: Sequence[int]) -> str:
    """How many samples the shares of each column are of, and of how many the released set is, where it is known."""
    named = []
    for column, n in zip(columns, scored, strict=True):
        named.append(f"{column.title} {n:,}{f' of {column.size:,}' if column.size else ''}")
    return "; ".join(named)


def _shown(part: RunPart | None, column: PaperColumn) -> str:
    """The rate of a run; where a test of ability has a rule of its authors, their figures, as papers print them."""
    official = part.summary.official if part is not None and column.measure == ACCURACY else None
    if official is None:
        return words.rate(rate_of(part, column.measure))
    return " / ".join(words.points_of(one) for one in official.headline)


def _published(model: str, columns: Sequence[PaperColumn], *, average: bool) -> list[tuple[str, ...]]:
    """What the paper says of a model in these columns; nothing where it says nothing."""
    cells = [_published_cell(model, column.published) for column in columns]
    if average:
        cells.append(_published_cell(model, ("mm_safetybench", "average")))
    if not model or not any(cells):
        return []
    return [(f"{_INDENT}paper: {model}", *(cell or words.NO_VALUE for cell in cells))]


def _published_cell(model: str, place: tuple[str, str] | None) -> str:
    if place is None:
        return ""
    dataset, part = place
    if dataset in published.ABILITY_SETS:
        return ABILITY.get(model, {}).get(dataset, "")
    row = next((row for row in OTHER_SETS if (row.model, row.dataset, row.part) == (model, dataset, part)), None)
    return words.percent(row.safety) if row is not None else ""
