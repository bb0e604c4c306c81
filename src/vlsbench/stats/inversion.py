"""A rate corrected by inverting the judge's misclassification matrix, for a judge whose errors were estimated.

If the judge gives label j to answers of true label t with the chance M[j, t], the shares of its labels are
M times the true shares; so the true shares are the inverse of M times those of its labels. With two labels that is
Rogan and Gladen's estimator.

Where the matrix was estimated, with its design weights, from labels of the same run, inversion gives
exactly the stratified share of `correction` back. What it adds is the reach: the matrix of all
categories together also corrects one category, which has too few labels of its own, as long as the judge errs
there as it does elsewhere.

References:
    Rogan and Gladen (1978), Estimating prevalence from the results of a screening test. American Journal of
        Epidemiology 107.
    Efron (1979), Bootstrap methods: another look at the jackknife. Annals of Statistics 7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlsbench.stats.correction import NO_TRUTH, Stratum, confusion, smoothed

if TYPE_CHECKING:
    import numpy as np

INVERTED = "inverted-matrix, bootstrap"
ROGAN_GLADEN = "rogan-gladen, bootstrap"
NOT_INVERTIBLE = "none: the judge's labels do not tell the true ones apart"
UNSEEN = "none: a label that the judge may give is that of no labelled answer"
NO_ANSWERS = "none: no answers"

_SINGULAR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverted:
    """A share from the inverted matrix; `clipped` where it, or an end of its interval, left [0, 1].

    `value` is None where the matrix cannot be inverted; `method` then says why. `size` counts the answers it
    speaks for.
    """

    value: float | None
    low: float | None
    high: float | None
    clipped: bool
    size: int
    method: str


def rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float:
    """The true share behind an apparent one (Rogan and Gladen, 1978), not clipped: it may leave [0, 1].

    Args:
        apparent: The share of hits by the judge.
        sensitivity: The share of true hits that the judge calls hits.
        specificity: The share of true misses that the judge calls misses.

    Raises:
        ValueError: The judge is no better than chance (sensitivity + specificity is 1 or less).
    """
    if sensitivity + specificity <= 1 + _SINGULAR:
        raise ValueError("a judge that is no better than chance cannot be corrected for")
    return (apparent + specificity - 1) / (sensitivity + specificity - 1)


def invert(
    strata: Sequence[Stratum],
    labels: Sequence[str],
    hits: Collection[str],
    parts: Mapping[str, Mapping[str, int]],
    *,
    effect: float = 1.0,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[Inverted, dict[str, Inverted]]:
    """Correct the shares of the judge's labels by one matrix, for all answers and for each part of them.

    The interval is a percentile bootstrap that draws the labels of each stratum anew (from shares drawn a
    little away from 0 and 1, so that a stratum of one mind still varies) and the judge's labels as well.

    Args:
        strata: The answers whose labels give the matrix, grouped by the judge's label.
        labels: The labels that judge and people share.
        hits: The true labels that count.
        parts: For each part of the answers (a category), how many of them the judge gave each label.
        effect: The design effect of samples that share an image, at least 1.
        confidence: Coverage of the intervals.
        resamples: How many bootstrap samples.
        seed: Of the bootstrap.

    Returns:
        The corrected share of hits over all parts, and in each.
    """
    import numpy as np

    counts = {name: np.array([part.get(label, 0) for label in labels], dtype=float) for name, part in parts.items()}
    whole = np.sum(list(counts.values()), axis=0) if counts else np.zeros(len(labels))
    rows = [row for row in strata if row.size]
    matrix = _matrix(rows, labels)
    if isinstance(matrix, str):
        return _none(int(whole.sum()), matrix), {name: _none(int(row.sum()), matrix) for name, row in counts.items()}
    rng = np.random.default_rng(seed)
    drawn = {name: _draw(row, effect, resamples, rng) for name, row in counts.items()}
    everything = np.sum(list(drawn.values()), axis=0)
    counted = np.array([label in hits for label in labels], dtype=float)
    # A resample may lack a true label, which leaves its matrix singular: the pseudo-inverse gives that label no share.
    inverses = np.linalg.pinv(_matrices(rows, labels, everything, rng))
    weights = (counted @ np.linalg.inv(matrix), np.einsum("t,btj->bj", counted, inverses))
    method = ROGAN_GLADEN if len(labels) == 2 else INVERTED

    def corrected(row: np.ndarray, draws: np.ndarray) -> Inverted:
        size = row.sum()
        if not size:
            return _none(0, NO_ANSWERS)
        values = (weights[1] * draws).sum(axis=1) / draws.sum(axis=1)
        low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
        return _clipped(float(weights[0] @ row / size), float(low), float(high), int(size), method)

    return corrected(whole, everything), {name: corrected(row, drawn[name]) for name, row in counts.items()}


def _matrix(rows: Sequence[Stratum], labels: Sequence[str]) -> np.ndarray | str:
    """The chance of each of the judge's labels (rows) given the true one (columns), or why there is none."""
    import numpy as np

    if not rows or any(row.labelled == 0 for row in rows):
        return NO_TRUTH
    table = confusion(rows)
    joint = np.array([[table.get(group, {}).get(label, 0.0) for label in labels] for group in labels])
    columns = joint.sum(axis=0)
    if (columns == 0).any():
        return UNSEEN
    if abs(np.linalg.det(joint / columns)) < _SINGULAR:
        return NOT_INVERTIBLE
    matrix: np.ndarray = joint / columns
    return matrix


def _draw(counts: np.ndarray, effect: float, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Other samples like these: how many of them the judge would give each label, (resamples, labels)."""
    import numpy as np

    size = counts.sum()
    if not size:
        return np.zeros((resamples, len(counts)))
    worth = max(1, round(size / effect))
    drawn: np.ndarray = rng.multinomial(worth, counts / size, size=resamples) * (size / worth)
    return drawn


def _matrices(
    rows: Sequence[Stratum], labels: Sequence[str], judged: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Bootstrap samples of the matrix, (resamples, judge's labels, true labels); columns sum to 1, or are 0.

    Args:
        rows: Strata with labels.
        labels: The labels of judge and people.
        judged: How many answers the judge gave each label, (resamples, labels).
        rng: Draws the true labels.
    """
    import numpy as np

    chances = np.array([smoothed(rows, [label]) for label in labels]).T
    chances /= chances.sum(axis=1, keepdims=True)
    sizes = [sum(row.size for row in rows if row.group == label) for label in labels]
    joint = np.zeros((len(judged), len(labels), len(labels)))
    for row, chance in zip(rows, chances, strict=True):
        group = labels.index(row.group)
        drawn = rng.multinomial(row.labelled, chance, size=len(judged)) / row.labelled
        joint[:, group] += drawn * row.size / sizes[group]
    joint *= judged[:, :, None]
    columns = joint.sum(axis=1, keepdims=True)
    matrices: np.ndarray = np.divide(joint, columns, out=np.zeros_like(joint), where=columns > 0)
    return matrices


def _clipped(value: float, low: float, high: float, size: int, method: str) -> Inverted:
    outside = min(value, low) < -_SINGULAR or max(value, high) > 1 + _SINGULAR
    value, low, high = (min(1.0, max(0.0, end)) for end in (value, low, high))
    return Inverted(
        value=value,
        low=min(low, value),
        high=max(high, value),
        clipped=outside,
        size=size,
        method=method,
    )


def _none(size: int, why: str) -> Inverted:
    return Inverted(value=None, low=None, high=None, clipped=False, size=size, method=why)
