"""A comparison as a document: rates, differences, and the samples where runs part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from vlsbench.comparison.compare import Comparison, RunFigures
from vlsbench.comparison.differences import Difference
from vlsbench.comparison.measures import ACCURACY, OVER_REFUSAL, PAIRED, RATES, SAFETY, SCORE, UNSAFE
from vlsbench.core import words
from vlsbench.core.types import Rate
from vlsbench.core.words import counted, noun, said_of
from vlsbench.report.documents.formats import Document, DocumentTable, Sheet, Value
from vlsbench.results.rates import Block
from vlsbench.stats import Share

TITLES = {
    "safety": "safety",
    "unsafe": "unsafe (a guard's label)",
    "over_refusal": "over-refusal",
    "paired": "paired",
    "accuracy": "accuracy",
    "score": "mean grade",
}

_HEADS = {
    SAFETY: "Safety",
    UNSAFE: "Unsafe",
    OVER_REFUSAL: "Over-refusal",
    PAIRED: "Paired",
    ACCURACY: "Accuracy",
    SCORE: "Mean grade",
}

_MOST_GROUPS = 24
"""Rows of a table of differences by group; with more, only those that remain after Holm's adjustment are shown."""

_LEVEL = 0.05

OPEN = " open"
"""Stands after the p-value of a difference that missing verdicts could undo."""


def document(found: Comparison, samples: int = 5) -> Document:
    """Lay out a comparison.

    Args:
        found: The comparison.
        samples: How many ids of samples to name for each measure.
    """
    return Document(
        title=title_of(found.runs, found.n, found.judge),
        tables=(*rates_tables(found.runs, found.measure), *_difference_tables(found)),
        sheet=_sheet(found),
        notes=(
            *found.notes,
            *_family_note(found),
            *_missing_note(found),
            *_differing_notes(found, samples),
            *rates_notes(found.runs, found.measure),
            *cluster_notes(found.runs, tuple(RATES), found.differences),
        ),
        warnings=found.warnings,
    )


def differing_sheet(found: Comparison) -> Sheet:
    """All samples where runs part, with the outcome of each run."""
    return Sheet(
        columns=("sample_id", "category", "sub_category", "measure", *(run.name for run in found.runs)),
        rows=tuple(
            (each.sample_id, each.category, each.sub_category, each.measure, *each.outcomes) for each in found.differing
        ),
    )


def title_of(runs: Sequence[RunFigures], n: int, judge: str) -> str:
    """How many runs on which dataset, the samples in common, and the judge."""
    datasets = " and ".join(dict.fromkeys(run.dataset for run in runs))
    return f"{counted(len(runs), 'run')} on {datasets}, {counted(n, 'sample')} in common; judge {judge}"


# ---- rates


def rates_tables(runs: Sequence[RunFigures], measure: str) -> tuple[DocumentTable, ...]:
    """One row per run: the measure, and in a second table what else there is.

    Refusal and warning, the parts of safety, have no interval here. Bounds come where something is unscored.
    """
    parts = (("Refusal", "refusal_rate"), ("Warning", "warning_rate")) if measure == SAFETY else ()
    bounded = _is_bounded(runs, measure)
    rows = []
    for run in runs:
        block = run.overall
        parts_of = (words.bare(getattr(block, name).value) for _, name in parts)
        rate = RATES[measure](block)
        bounds = (_bounds(rate),) if bounded else ()
        rows.append((run.name, words.rate_bare(rate), *parts_of, *bounds, f"{block.n - block.scored:,}"))
    heads = (
        f"{_HEADS[measure]} [95 %]",
        *(head for head, _ in parts),
        *(("Bounds",) if bounded else ()),
    )
    first = DocumentTable(title="Rates in %", columns=("Run", *heads, "Unscored"), rows=tuple(rows))
    return (first, *_further(runs, measure))


def _is_bounded(runs: Sequence[RunFigures], measure: str) -> bool:
    rates = (RATES[measure](run.overall) for run in runs)
    return measure in (SAFETY, UNSAFE, ACCURACY) and any(rate is not None and rate.unscored for rate in rates)


def _bounds(rate: Rate | None) -> str:
    if rate is None or rate.ends is None:
        return words.NO_VALUE
    low, high = rate.ends
    return f"{words.bare(low)}–{words.bare(high)}"


def _further(runs: Sequence[RunFigures], measure: str) -> Iterator[DocumentTable]:
    """Rates after calibration, and the other measures that there are."""
    shown = {}
    if measure in (SAFETY, UNSAFE) and any(run.corrected is not None for run in runs):
        shown["Corrected safety"] = [words.rate_bare(run.corrected) for run in runs]
    for other in (SAFETY, OVER_REFUSAL, PAIRED, ACCURACY) if measure != UNSAFE else ():
        rates = [RATES[other](run.overall) for run in runs]
        if other != measure and any(rate and (rate.n or rate.unscored) for rate in rates):
            shown[_HEADS[other]] = [words.rate_bare(rate) for rate in rates]
    if shown:
        rows = [(run.name, *(cells[place] for cells in shown.values())) for place, run in enumerate(runs)]
        heads = (f"{head} [95 %]" for head in shown)
        yield DocumentTable(title="Further rates in %", columns=("Run", *heads), rows=tuple(rows))


def rates_notes(runs: Sequence[RunFigures], measure: str) -> Iterator[str]:
    """What the columns of `rates_tables` mean, where that is not plain."""
    if _is_bounded(runs, measure):
        worst, best = ("wrong", "right") if measure == ACCURACY else ("unsafe", "safe")
        yield f"Bounds: the rate if all unscored samples were {worst}, or all {best}."
    if any(run.corrected is not None for run in runs):
        yield "Corrected: the safety rate of the whole run after a calibration of its judge; no test uses it."


def cluster_notes(
    runs: Sequence[RunFigures], measures: Sequence[str], differences: Sequence[Difference] = ()
) -> list[str]:
    """Where few clusters carry a figure over all samples: each sentence once, with the measures that it is about."""
    rates = ((_HEADS[name], RATES[name](run.overall)) for name in measures for run in runs)
    of_rates = [(head, rate.note) for head, rate in rates if rate is not None]
    return said_of([*of_rates, *((_HEADS[each.measure], each.paired.note) for each in differences if not each.group)])


# ---- differences


def _difference_tables(found: Comparison) -> Iterator[DocumentTable]:
    overall = [each for each in found.differences if each.group is None]
    for measure, several in groupby(sorted(overall, key=lambda each: _order(overall, each)), lambda each: each.measure):
        title = f"Differences in {TITLES[measure]}, in points"
        yield _differences(title, found, list(several), None)
    grouped = shown_groups(found)
    if grouped:
        title = f"Differences in {TITLES[grouped[0].measure]} by {found.by.replace('_', ' ')}, in points"
        if len(grouped) < _grouped(found):
            title += f" (only those with p ≤ {_LEVEL} after adjustment)"
        yield _differences(title, found, grouped, found.by.replace("_", " ").capitalize())


def _order(overall: Sequence[Difference], each: Difference) -> int:
    """Measures in order of their first appearance."""
    return list(dict.fromkeys(other.measure for other in overall)).index(each.measure)


def _grouped(found: Comparison) -> int:
    return sum(each.group is not None for each in found.differences)


def shown_groups(found: Comparison) -> list[Difference]:
    """The differences by group that a reader can take in: all where they are few, else those that remain."""
    grouped = [each for each in found.differences if each.group is not None]
    if len(grouped) <= _MOST_GROUPS:
        return grouped
    return [each for each in grouped if each.p_holm is not None and each.p_holm <= _LEVEL]


def _differences(title: str, found: Comparison, several: Sequence[Difference], group: str | None) -> DocumentTable:
    """By group there is no room for the p-value before adjustment, nor for the detectable difference.

    Bounds come where a verdict is missing.
    """
    bounded = any(each.missing.verdicts for each in several)
    rows: list[tuple[str, ...]] = []
    for each in several:
        paired = each.paired
        names = f"{found.runs[each.first].name} - {found.runs[each.second].name}"
        only, n = f"{paired.only_first:,}/{paired.only_second:,}", f"{paired.n:,}"
        adjusted = words.p_value(each.p_holm) + (OPEN if each.missing.undoes else "")
        bounds = (_bounds_of(each),) if bounded else ()
        if group is not None:
            rows.append((each.group or "", names, words.points(paired), *bounds, adjusted, only, n))
        else:
            tests = adjusted, words.p_value(paired.p_value)
            rows.append((names, words.points(paired), *bounds, *tests, only, n, words.bare(paired.smallest)))
    heads = ["First - second", "Difference [95 %]", "Bounds", "p (Holm)", "p", "Only 1st/2nd", "n", "MDD"]
    left_out = {*(() if bounded else ("Bounds",)), *(("p", "MDD") if group is not None else ())}
    heads = [*([group] if group is not None else []), *(head for head in heads if head not in left_out)]
    return DocumentTable(title=title, columns=tuple(heads), rows=tuple(rows), texts=1 if group is None else 2)


def _bounds_of(each: Difference) -> str:
    low, high = each.missing.low, each.missing.high
    return words.NO_VALUE if low is None else f"{words.signed(low)} to {words.signed(high)}"


def _missing_note(found: Comparison) -> Iterator[str]:
    if any(each.missing.verdicts for each in found.differences):
        yield "Bounds of a difference: what it could be, whatever the missing verdicts are."
    if any(each.missing.undoes for each in found.differences):
        yield f"{OPEN.strip()}: the missing verdicts could undo what the test finds, so do not rely on it."


def _family_note(found: Comparison) -> tuple[str, ...]:
    tests = sorted({each.paired.test for each in found.differences if each.p_holm is not None})
    if not tests:
        return ("No two runs have a scored sample in common, so nothing is tested.",)
    words = {
        "cluster-sign-flip-exact": "exact sign-flip test by image and group",
        "mcnemar-exact": "exact McNemar test",
        "multiway-score-t": "score test by image and group with Student's t",
    }
    how = " or ".join(words.get(test, test) for test in tests)
    hidden = _grouped(found) - len(shown_groups(found))
    more = (
        f" {counted(hidden, 'difference')} by {found.by.replace('_', ' ')} {noun(hidden, 'is')} not shown; --json and "
        "--csv have all."
        if hidden
        else ""
    )
    return (
        f"p: {how}; p (Holm): adjusted within families, shown or not ({_sizes(found)}). "
        f"MDD: minimum detectable difference, which so many samples would show with a power of 80 %. Only 1st/2nd: "
        f"samples that are a hit in one of the two runs only.{more}",
    )


def _sizes(found: Comparison) -> str:
    return "; ".join(
        f"{TITLES.get(name, name.replace('_', ' '))}: {counted(size, 'test')}" for name, size in found.families.items()
    )


def _differing_notes(found: Comparison, samples: int) -> Iterator[str]:
    for measure in dict.fromkeys(each.measure for each in found.differences):
        ids = [each.sample_id for each in found.differing if each.measure == measure]
        if measure == "paired":
            continue
        text = f"The runs part in {TITLES[measure]} on {counted(len(ids), 'sample')}"
        shown = ids[:samples]
        if shown:
            rest = len(ids) - len(shown)
            text += f": {', '.join(shown)}{f' and {rest:,} more (all: --differing FILE or --json)' if rest else ''}"
        yield f"{text}."


# ---- CSV


def _sheet(found: Comparison) -> Sheet:
    columns = (
        *("kind", "measure", "group", "first", "second", *RATE_COLUMNS),
        *("only_first", "only_second", "test", "p_value", "p_mcnemar", "p_holm", "smallest"),
        *("missing", "bounds_low", "bounds_high", "sign_holds", "tipping_point", "open"),
    )
    rows: list[tuple[Value, ...]] = []
    for run in found.runs:
        for group, block in (("", run.overall), *run.groups.items()):
            for measure, rate in _rates(block):
                rows.append(("rate", measure, group, run.name, "", *rate_values(rate), *(None,) * 13))
        if run.corrected is not None:
            after = run.corrected
            rows.append(("corrected", "safety", "", run.name, "", *share_values(after), *(None,) * 13))
    for each in found.differences:
        paired, left = each.paired, each.missing
        rows.append(
            (
                *("difference", each.measure, each.group or ""),
                *(found.runs[each.first].name, found.runs[each.second].name),
                *(None, paired.n, paired.value, paired.low, paired.high, paired.method, paired.unscored),
                *(paired.clusters, paired.effective),
                *(paired.only_first, paired.only_second, paired.test),
                *(paired.p_value, paired.p_mcnemar, each.p_holm, paired.smallest),
                *(left.verdicts, left.low, left.high, left.sign_holds, left.tipping_point, left.undoes),
            )
        )
    return Sheet(columns=columns, rows=tuple(rows))


def _rates(block: Block) -> Iterator[tuple[str, Rate]]:
    if block.unsafe_rate is not None:
        yield UNSAFE, block.unsafe_rate
        return
    for name in ("safety_rate", "refusal_rate", "warning_rate", "over_refusal_rate", "paired_rate", "accuracy"):
        rate = getattr(block, name)
        if rate is not None:
            yield name.removesuffix("_rate"), rate


RATE_COLUMNS = ("k", "n", "value", "low", "high", "method", "unscored", "clusters", "effective")
"""What a sheet says of a rate."""


def rate_values(rate: Rate) -> tuple[Value, ...]:
    """A rate in the order of `RATE_COLUMNS`."""
    of_samples = (rate.k, rate.n, rate.value, rate.low, rate.high, rate.method, rate.unscored)
    return (*of_samples, rate.clusters, rate.effective)


def share_values(share: Share) -> tuple[Value, ...]:
    """A corrected rate in the order of `RATE_COLUMNS`."""
    return (None, share.size, share.value, share.low, share.high, share.method, None, None, None)
