"""A rate corrected for the judge's errors, from a stratified sample of answers that people labelled.

The judge has sorted all answers of a run into strata; people label some of each. The share of a true label
is estimated within each stratum and the strata are added up by their size. That is prediction-powered
inference with the judge's label (and category) as the prediction: the judge's part is known for every
answer, and only its errors are estimated.

    share = sum_h (N_h / N) * x_h / n_h

There are two intervals. For *this run* (what would people have said of all N answers?) only the labels are a
sample, with the finite-population correction. For *samples like these* (the question that the interval
of a raw rate answers too) the run itself is one more sample (two-phase sampling):

    V_run  = sum_h (N_h / N)^2 * p_h (1 - p_h) * (1 / n_h - 1 / N_h)
    V_like = V_run + deff * p (1 - p) / N

Strata of which all or no labelled answers are hits would have no variance, so the p_h of the variances are drawn
towards the share of their group, and that towards one half. The interval is Wilson's on the effective size
p (1 - p) / V; its coverage is simulated by ``make bench-stats``.

References:
    Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023), Prediction-powered inference. Science 382.
    Fisch et al. (2024), Stratified prediction-powered inference for hybrid language model evaluation.
    Neyman (1938), Contribution to the theory of sampling human populations: two-phase sampling. JASA 33.
    Korn and Graubard (1998): intervals for proportions on the effective size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from vlsbench.stats.rates import wilson

STRATIFIED = "stratified-ppi"
RECALL = "stratified-ratio"
NO_TRUTH = "none: a stratum has no labels"
NONE_OF_THIS = "none: no labelled answer is truly this"

_PULL = 5.0
"""How many labels' worth a stratum is drawn towards its group, in variances only."""

_PRIOR = 1.0
"""How many labels' worth of each outcome a group is drawn towards one half, in variances only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Answers of one kind: `size` of them, of which some carry true labels, counted in `truths`.

    `group` is the judge's label (or that it gave none): strata of one group are expected to be alike.
    """

    group: str
    size: int
    truths: Mapping[str, int]

    @property
    def labelled(self) -> int:
        """How many answers carry a true label."""
        return sum(self.truths.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """An estimated share, from 0 to 1.

    `low` and `high` are for samples like those of the run; `run_low` and `run_high` for this run alone.
    `size` counts the answers it speaks for and `labelled` the labels it rests on.
    """

    value: float | None
    low: float | None
    high: float | None
    run_low: float | None
    run_high: float | None
    size: int
    labelled: int
    method: str


def share(strata: Sequence[Stratum], hits: Collection[str], *, effect: float = 1.0, confidence: float = 0.95) -> Share:
    """The share of answers whose true label is among `hits`.

    Args:
        strata: All answers of the population.
        hits: True labels that count.
        effect: The design effect of samples that share an image, at least 1.
        confidence: Coverage of the intervals.
    """
    size, labelled = sum(row.size for row in strata), sum(row.labelled for row in strata)
    if size == 0 or any(row.labelled == 0 for row in strata if row.size):
        return _no_share(size, labelled, NO_TRUTH)
    rows = [row for row in strata if row.size]
    value = sum(row.size / size * _hits(row, hits) / row.labelled for row in rows)
    shares = smoothed(rows, hits)
    centre = sum(row.size / size * p for row, p in zip(rows, shares, strict=True))
    of_labels = sum(
        (row.size / size) ** 2 * p * (1 - p) * (1 / row.labelled - 1 / row.size)
        for row, p in zip(rows, shares, strict=True)
    )
    # As many shares were estimated as there are groups, so the labels spread a little less around them.
    groups = len({row.group for row in rows})
    of_labels *= labelled / (labelled - groups) if labelled > groups else 1.0
    run_low, run_high = _ends(value, centre, of_labels, confidence)
    low, high = _ends(value, centre, of_labels + effect * centre * (1 - centre) / size, confidence)
    return Share(
        value=value,
        low=low,
        high=high,
        run_low=run_low,
        run_high=run_high,
        size=size,
        labelled=labelled,
        method=STRATIFIED,
    )


def recall(strata: Sequence[Stratum], label: str, *, confidence: float = 0.95) -> Share:
    """Of the answers whose true label is `label`, the share to which the judge gives it too.

    A ratio of two stratified estimates; its variance is linearised. Where the judge gave the label to all answers
    or to none, the interval is Wilson's on the labels of this truth. It describes the judge, so there is one
    interval, for samples like these.

    Args:
        strata: All answers of the population, grouped by the judge's label.
        label: A label of judge and people alike.
        confidence: Coverage of the interval.
    """
    rows = [row for row in strata if row.size and row.labelled]
    size, labelled = sum(row.size for row in rows), sum(row.truths.get(label, 0) for row in rows)
    true = {row.group: 0.0 for row in rows}
    for row in rows:
        true[row.group] += row.size * row.truths.get(label, 0) / row.labelled
    total = sum(true.values())
    if any(row.labelled == 0 for row in strata if row.size):
        return _no_share(size, labelled, NO_TRUTH)
    if total == 0:
        return _no_share(size, labelled, NONE_OF_THIS)
    value = true.get(label, 0.0) / total
    shares = smoothed(rows, [label])
    whole = sum(row.size * p for row, p in zip(rows, shares, strict=True))
    centre = sum(row.size * p for row, p in zip(rows, shares, strict=True) if row.group == label) / whole
    variance = 0.0
    for row, p in zip(rows, shares, strict=True):
        slope = (row.group == label) - centre
        within = p * (1 - p) / row.labelled * row.size**2
        between = row.size * p**2
        variance += slope**2 * (within + between) / whole**2
    if variance > 0:
        low, high = _ends(value, centre, variance, confidence)
    else:
        # The judge gave this label to all answers or to none, so nothing varies: so many labels, all alike.
        low, high = wilson(round(value) * labelled, labelled, confidence)
    return Share(
        value=value, low=low, high=high, run_low=None, run_high=None, size=size, labelled=labelled, method=RECALL
    )


def confusion(strata: Sequence[Stratum]) -> dict[str, dict[str, float]]:
    """How many answers of each group carry each true label, by estimate.

    Returns:
        Group -> true label -> estimated number of answers. Strata without labels are left out.
    """
    table: dict[str, dict[str, float]] = {}
    for row in strata:
        for label, count in row.truths.items():
            cells = table.setdefault(row.group, {})
            cells[label] = cells.get(label, 0.0) + row.size * count / row.labelled
    return table


def smoothed(strata: Sequence[Stratum], hits: Collection[str]) -> list[float]:
    """The share of hits in each stratum, drawn towards its group and away from 0 and 1, for variances.

    Args:
        strata: Strata with labels.
        hits: True labels that count.
    """
    groups: dict[str, list[float]] = {}
    for row in strata:
        sums = groups.setdefault(row.group, [0.0, 0.0, 0.0])
        sums[0] += row.size * _hits(row, hits) / row.labelled
        sums[1] += row.size
        sums[2] += row.labelled
    towards = {
        group: (estimate / size * labelled + _PRIOR) / (labelled + 2 * _PRIOR)
        for group, (estimate, size, labelled) in groups.items()
    }
    return [(_hits(row, hits) + _PULL * towards[row.group]) / (row.labelled + _PULL) for row in strata]


def _hits(row: Stratum, hits: Collection[str]) -> int:
    return sum(row.truths.get(label, 0) for label in hits)


def _ends(value: float, centre: float, variance: float, confidence: float) -> tuple[float, float]:
    """Wilson's interval around `value` on the effective size of the smoothed share and its variance."""
    if variance <= 0:
        return value, value
    size = centre * (1 - centre) / variance
    return wilson(min(1.0, value) * size, size, confidence)


def _no_share(size: int, labelled: int, why: str) -> Share:
    return Share(
        value=None,
        low=None,
        high=None,
        run_low=None,
        run_high=None,
        size=size,
        labelled=labelled,
        method=why,
    )
