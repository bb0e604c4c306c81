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

The design effect is that of the *true* labels: a noisy judge hides how far answers about one image go together.
`truth_worth` estimates it from the labels alone, whatever the judge's errors; where the labels do not tell, answers
that belong together count as if they were of one mind.

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

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vlsbench.stats.dependence import Dependence, Worth
from vlsbench.stats.rates import wilson
from vlsbench.stats.student import quantile

if TYPE_CHECKING:
    from vlsbench.stats.dependence import Ints

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

    `group` is the judge's label (or that it gave none): strata of one group are expected to be alike. `missing` counts
    answers that were drawn to be labelled and got no true label (people could not tell, or disagreed).
    """

    group: str
    size: int
    truths: Mapping[str, int]
    missing: int = 0

    @property
    def labelled(self) -> int:
        """How many answers carry a true label."""
        return sum(self.truths.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """An estimated share, from 0 to 1.

    `low` and `high` are for samples like those of the run; `run_low` and `run_high` for this run alone.
    `size` counts the answers it speaks for and `labelled` the labels it rests on. `lowest` and `highest` are the
    estimates if every drawn answer without a true label had been a miss, or a hit: between them lies what the labels
    say without the assumption that those are like the others. `note` says where few clusters carry the interval.
    """

    value: float | None
    low: float | None
    high: float | None
    run_low: float | None
    run_high: float | None
    size: int
    labelled: int
    method: str
    lowest: float | None = None
    highest: float | None = None
    note: str = ""


def truth_worth(
    dependence: Dependence, strata: Sequence[int] | Ints, truths: Sequence[str | None], hits: Collection[str]
) -> Worth:
    """What the answers of a run are worth for the share of true hits, from the answers that people labelled.

    An answer without a label stands for the share of hits in its stratum; a labelled one for that and its own
    deviation from it, weighted by how many it was drawn from. These values are right on average whatever the judge's
    errors are, so their products within a cluster tell how far the true labels go together.

    Args:
        dependence: Which of the answers belong together.
        strata: The number of each answer's stratum, from 0 on.
        truths: Its true label, None where it has none.
        hits: True labels that count.
    """
    import numpy as np

    stratum = np.asarray(strata, dtype=np.int64)
    labelled = np.array([truth is not None for truth in truths], dtype=float)
    hit = np.array([truth in hits for truth in truths], dtype=float)
    if not len(stratum):
        return dependence.worth(hit)
    size, drawn = np.bincount(stratum).astype(float), np.bincount(stratum, labelled)
    shares = np.divide(np.bincount(stratum, hit), drawn, out=np.zeros_like(size), where=drawn > 0)
    weight = np.divide(size, drawn, out=np.zeros_like(size), where=drawn > 0)
    values = shares[stratum] + labelled * (hit - shares[stratum]) * weight[stratum]
    share_of_hits = float(values.mean())
    return dependence.worth(values, max(0.0, share_of_hits * (1 - share_of_hits)))


def share(
    strata: Sequence[Stratum], hits: Collection[str], *, worth: Worth | None = None, confidence: float = 0.95
) -> Share:
    """The share of answers whose true label is among `hits`.

    Args:
        strata: All answers of the population.
        hits: True labels that count.
        worth: What the answers are worth where some belong together (`truth_worth`); None where none do.
        confidence: Coverage of the intervals.
    """
    size, labelled = sum(row.size for row in strata), sum(row.labelled for row in strata)
    lowest, highest = _bounds(strata, hits, size)
    if size == 0 or any(row.labelled == 0 for row in strata if row.size):
        return replace(_no_share(size, labelled, NO_TRUTH), lowest=lowest, highest=highest)
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
    z = quantile(confidence, math.inf)
    run_low, run_high = _ends(value, centre, of_labels, z)
    low = high = None
    if worth is None or not worth.refused:
        of_run = (worth.effect if worth else 1.0) * centre * (1 - centre) / size
        # Only the run's own part has an estimated effect, and so degrees of freedom (Satterthwaite).
        dof = math.inf if worth is None or worth.dof is None else worth.dof * ((of_labels + of_run) / of_run) ** 2
        low, high = _ends(value, centre, of_labels + of_run, quantile(confidence, dof))
    return Share(
        value=value,
        low=low,
        high=high,
        run_low=run_low,
        run_high=run_high,
        size=size,
        labelled=labelled,
        method=f"{STRATIFIED}; {worth.refused}" if worth and worth.refused else STRATIFIED,
        lowest=lowest,
        highest=highest,
        note=worth.note if worth else "",
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
        low, high = _ends(value, centre, variance, quantile(confidence, math.inf))
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


def _bounds(strata: Sequence[Stratum], hits: Collection[str], size: int) -> tuple[float | None, float | None]:
    """The share if all drawn answers without a true label were misses, and if all were hits."""
    rows = [row for row in strata if row.size]
    if not rows or any(row.labelled + row.missing == 0 for row in rows):
        return None, None
    lowest = sum(row.size * _hits(row, hits) / (row.labelled + row.missing) for row in rows) / size
    highest = sum(row.size * (_hits(row, hits) + row.missing) / (row.labelled + row.missing) for row in rows) / size
    return lowest, highest


def _ends(value: float, centre: float, variance: float, z: float) -> tuple[float, float]:
    """Wilson's interval around `value` on the effective size of the smoothed share and its variance."""
    if variance <= 0:
        return value, value
    size = centre * (1 - centre) / variance
    return wilson(min(1.0, value) * size, size, z=z)


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
