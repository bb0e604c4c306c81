"""A leaderboard as a document; published rows stand in a table of their own."""

from __future__ import annotations

from collections.abc import Sequence

from vlsbench import stats
from vlsbench.comparison.differences import Difference
from vlsbench.comparison.leaderboard import Leaderboard, RankedModel
from vlsbench.comparison.measures import RATES
from vlsbench.comparison.published import JUDGE, SOURCE, N
from vlsbench.core.words import counted
from vlsbench.report.documents.comparison import (
    RATE_COLUMNS,
    TITLES,
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
        notes=(*found.notes, *_notes(found), *rates_notes(runs, found.measure)),
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
        "A rank such as 1–3 is what the paired tests of `vlsbench compare`, adjusted for all "
        f"{counted(len(found.gaps), 'pair')} (Holm), and the missing verdicts leave open; all ranks together hold "
        "with a confidence of 95 %.",
        *listed("Not separated", [gap for gap in found.gaps if not gap.separated]),
        *listed("Open, by their missing verdicts", [gap for gap in found.gaps if gap.missing.undoes]),
    )


def _published(found: Leaderboard) -> DocumentTable:
    rows = [
        (
            row.model,
            row.group,
            *(f"{100 * share:.2f}" for share in (row.safety, row.refusal, row.warning)),
            f"{row.n:,}",
        )
        for row in found.published
    ]
    return DocumentTable(
        title=f"Published ({SOURCE}): VLSBench, judge {JUDGE}, n = {N:,}; not ranked, not tested; in %",
        columns=("Model", "Alignment", "Safety", "Refusal", "Warning", "n"),
        rows=tuple(rows),
        texts=2,
    )


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
        shares = (("safety", row.safety), ("refusal", row.refusal), ("warning", row.warning))
        for measure, share in shares:
            rows.append(
                (
                    "published",
                    None,
                    None,
                    row.model,
                    "",
                    measure,
                    None,
                    row.n,
                    share,
                    None,
                    None,
                    SOURCE,
                    None,
                    None,
                    None,
                )
            )
    return Sheet(columns=columns, rows=tuple(rows))
