"""The figures of audits, ablations and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from vlsbench.core import words
from vlsbench.core.names import brief_model_name
from vlsbench.core.types import Rate
from vlsbench.leakage.recorded import RecordedGroup
from vlsbench.report.charts.kinds import Bars, Point, TitledTable, point
from vlsbench.report.inputs import AblationPart, AuditPart, ComparisonPart
from vlsbench.report.terminal.ablation import CONDITIONS
from vlsbench.stats.recorded import RecordedPair

_PROTOCOL: Mapping[str, Callable[[RecordedGroup], Rate | None]] = {
    "R1: pair harmful": lambda group: group.r1,
    "R2: pair and text alone harmful": lambda group: group.r2,
    "R1 - R2: harmful only as a pair": lambda group: group.r1_minus_r2,
}
_MODALITY: Mapping[str, str] = {
    "text_alone": "text alone",
    "image_alone": "image alone",
    "either_alone": "either alone",
    "only_jointly": "only jointly",
    "not_at_all": "not at all",
}


def leakage(audits: Sequence[AuditPart]) -> Bars | None:
    """R1, R2 and their difference for each audit (paper, Table 1 and Figure 2)."""
    return _bars(
        "leakage",
        "Leakage",
        "A guard judged each pair, and its text by itself. A small R1 - R2 means that the harm is already in the text.",
        groups=[audit.name for audit in audits],
        series=list(_PROTOCOL),
        found=[[point(rate(audit.figures)) for audit in audits] for rate in _PROTOCOL.values()],
    )


def modality(audits: Sequence[AuditPart]) -> Bars | None:
    """Where the guard sees the harm: in the text, in the image, or in both together alone."""
    return _bars(
        "modality",
        "Where the harm is",
        "The share of pairs that the guard calls harmful by a part alone, only as a pair, or not at all.",
        groups=list(_MODALITY.values()),
        series=[audit.name for audit in audits],
        found=[[point(audit.figures.modality.get(key)) for key in _MODALITY] for audit in audits],
    )


def leakage_table(audits: Sequence[AuditPart]) -> TitledTable | None:
    """The paper's Table 1, with intervals, and by category."""
    rows = []
    for audit in audits:
        for place, (name, group) in enumerate([(audit.name, audit.figures), *audit.figures.by_category.items()]):
            rates = (*(rate(group) for rate in _PROTOCOL.values()), group.r2_both_alone)
            shown = f"\u2003{name}" if place else name
            rows.append((shown, f"{group.n:,}", *map(words.rate, rates), words.p_value(group.mcnemar.p_value)))
    if not rows:
        return None
    about = (
        "R2 counts pairs that are harmful both as a pair and by their text alone; the last rate counts those whose "
        "text and image are each harmful alone. McNemar's test compares pair and text. Indented: categories."
    )
    head = ("", "n", "R1", "R2", "R1 - R2", "text and image each alone", "p (McNemar)")
    return TitledTable(title="Leakage, with 95 % intervals", about=about, head=head, rows=tuple(rows))


def ladder(ablations: Sequence[AblationPart]) -> Bars | None:
    """The safety rate under each condition of an ablation."""
    names = _distinct(name for part in ablations for name in part.figures.conditions)
    return _bars(
        "ladder",
        "With and without the image",
        "The safety rate of the same model on the same samples; the judge always sees the true image.",
        groups=[CONDITIONS.get(name, name) for name in names],
        series=[part.name for part in ablations],
        found=[
            [point(found.safety_rate) if (found := part.figures.conditions.get(name)) else None for name in names]
            for part in ablations
        ],
    )


def gains(ablations: Sequence[AblationPart]) -> Bars | None:
    """What the image adds: safe under full minus safe under each other condition, paired."""
    names = _distinct(name for part in ablations for name in part.figures.gains)
    return _bars(
        "gains",
        "Visual gain",
        "The safety rate with image and text less the one under the condition, on the same samples, in points.",
        groups=[f"full less {CONDITIONS.get(name, name)}" for name in names],
        series=[part.name for part in ablations],
        found=[[_paired(part.figures.gains.get(name)) for name in names] for part in ablations],
        unit="points",
    )


def differences(comparisons: Sequence[ComparisonPart]) -> Bars | None:
    """The difference of each pair of runs, on the samples that they share."""
    several = len(comparisons) > 1
    groups, points = [], []
    for part in comparisons:
        for found in part.figures.differences:
            if found.group is None:
                name = " less ".join(brief_model_name(name) for name in (found.first, found.second))
                groups.append(f"{name} ({part.name})" if several else name)
                points.append(_paired(found))
    return _bars(
        "differences",
        "Differences between runs",
        "In points, on the samples that both have, with 95 % intervals; p adjusted for the number of tests (Holm).",
        groups=groups,
        series=["difference"],
        found=[points],
        unit="points",
    )


def _bars(
    name: str,
    title: str,
    about: str,
    *,
    groups: Sequence[str],
    series: Sequence[str],
    found: Iterable[Sequence[Point | None]],
    unit: str = "share",
) -> Bars | None:
    points = tuple(tuple(row) for row in found)
    if not any(point is not None for row in points for point in row):
        return None
    return Bars(id=name, title=title, about=about, groups=tuple(groups), series=tuple(series), points=points, unit=unit)


def _paired(found: RecordedPair | None) -> Point | None:
    """A paired difference with its adjusted p-value as a bar; None for one over nothing."""
    if found is None or found.value is None:
        return None
    said = f", {worth}" if (worth := words.worth(found)) else ""
    said += "" if found.p_holm is None else f", {words.p_is(found.p_holm)}"
    said += ", open: missing verdicts could undo it" if found.open else ""
    return Point(value=found.value, low=found.low, high=found.high, of=f"n = {found.n:,}{said}")


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
