"""A leaderboard as a document; published rows stand in a table of their own."""

from __future__ import annotations

from collections.abc import Sequence

from vlsbench import stats
from vlsbench.comparison.differences import Difference
from vlsbench.comparison.leaderboard import Leaderboard, RankedModel
from vlsbench.comparison.measures import RATES
from vlsbench.core import words
from vlsbench.core.words import counted
from vlsbench.report.documents.comparison import (
    RATE_COLUMNS,
    TITLES,
    cluster_notes,
    rate_values,
    rates_notes,
    rates_tables,
    share_values,
    title_of,
)
from vlsbench.report.documents.formats import Document, DocumentTable, Sheet, Value


def document(found: Leaderboard) -> Document:
    """Lay out a leaderboard."""
    runs = [place.figures for place in found.places]
    ranked, *further = rates_tables(runs, found.measure)
    table = DocumentTable(
        title=f"Ranks by {TITLES[found.measure]}; rates in %",
        columns=("Rank", *ranked.columns),
        rows=tuple((rank(place), *row) for place, row in zip(found.places, ranked.rows, strict=True)),
        texts=2,
    )
    tables = [table, *further, *([_published(found)] if found.published else [])]
    return Document(
        title=title_of(runs, found.n, found.judge),
        tables=tuple(tables),
        sheet=_sheet(found),
        notes=(*found.notes, *_notes(found), *rates_notes(runs, found.measure), *cluster_notes(runs, (found.measure,))),
        warnings=found.warnings,
    )


def rank(place: RankedModel) -> str:
    """``2``, or ``1–3`` where data or missing verdicts leave it open."""
    return str(place.best) if place.best == place.worst else f"{place.best}–{place.worst}"


def _notes(found: Leaderboard) -> tuple[str, ...]:
    if len(found.places) < 2:
        return ()
    names = [place.figures.name for place in found.places]

    def listed(what: str, gaps: Sequence[Difference]) -> tuple[str, ...]:
        pairs = [f"{names[gap.first]} and {names[gap.second]}" for gap in gaps]
        more = f" and {len(pairs) - 5:,} more (--json)" if len(pairs) > 5 else ""
        return (f"{what}: {'; '.join(pairs[:5])}{more}.",) if pairs else ()

    return (
        "A rank such as 1–3 is what the paired tests of `vlsbench compare`, adjusted for "
        f"{counted(len(found.gaps), 'pair')} (Holm), and the missing verdicts leave open; all ranks together hold "
        "with a confidence of 95 %.",
        *listed("Not separated", [gap for gap in found.gaps if not gap.separated]),
        *listed("Open, by their missing verdicts", [gap for gap in found.gaps if gap.missing.undoes]),
    )


def _published(found: Leaderboard) -> DocumentTable:
    """The paper's rows; on other sets than VLSBench there is a rate for each part, and nothing else."""
    row = found.published[0]
    if row.n is not None:
        return DocumentTable(
            title=f"Published ({row.source}): VLSBench, judge {row.judge}, n = {row.n:,}; not ranked, not tested; in %",
            columns=("Model", "Alignment", "Safety", "Refusal", "Warning", "n"),
            rows=tuple(
                (row.model, row.group, *map(_hundredths, (row.safety, row.refusal, row.warning)), f"{row.n:,}")
                for row in found.published
            ),
            texts=2,
        )
    parts = tuple(dict.fromkeys(row.part for row in found.published))
    rates = {(row.model, row.part): row.safety for row in found.published}
    models = dict.fromkeys((row.model, row.group) for row in found.published)
    return DocumentTable(
        title=f"Published ({row.source}): {row.dataset}, safety; not ranked, not tested; in %",
        columns=("Model", "Alignment", *(part or "Safety" for part in parts)),
        rows=tuple((model, group, *(_hundredths(rates[model, part]) for part in parts)) for model, group in models),
        texts=2,
    )


def _hundredths(share: float | None) -> str:
    return words.NO_VALUE if share is None else f"{100 * share:.2f}"


def _sheet(found: Leaderboard) -> Sheet:
    columns = (
        *("kind", "rank_best", "rank_worst", "model", "tied_with", "measure"),
        *RATE_COLUMNS,
    )
    names = [place.figures.name for place in found.places]
    rows: list[tuple[Value, ...]] = []
    for place in found.places:
        tied = "; ".join(names[other] for other in place.tied_with)
        rate = RATES[found.measure](place.figures.overall) or stats.rate([])
        rows.append(("run", place.best, place.worst, place.figures.name, tied, found.measure, *rate_values(rate)))
        after = place.figures.corrected
        if after is not None:
            rows.append(("corrected", None, None, place.figures.name, "", "safety", *share_values(after)))
    for row in found.published:
        for measure, share in (("safety", row.safety), ("refusal", row.refusal), ("warning", row.warning)):
            if share is not None:
                name = (
                    f"{row.model} on {row.dataset}{f' ({row.part})' if row.part else ''}"
                    if row.n is None
                    else row.model
                )
                figures = (None, row.n, share, None, None, row.source, None, None, None)
                rows.append(("published", None, None, name, "", measure, *figures))
    return Sheet(columns=columns, rows=tuple(rows))
