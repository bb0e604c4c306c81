"""Area under the ROC curve with an interval that knows of folds and clusters.

The area is the share of (harmful, benign) pairs of records that the scores put in the right order, a tie being
half right: 0.5 is chance, 1 perfect. Scores of different folds come from different models and are not compared;
only pairs within a fold count.

References:
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44: the variance from structural components.
    Obuchowski (1997), Nonparametric analysis of clustered ROC curve data. Biometrics 53: the same for clusters.
    Nadeau and Bengio (2003), Inference for the generalization error. Machine Learning 52: cross-validation's variance.
    Newcombe (2006), Statistics in Medicine 25: an interval that stays honest at 0 and 1 (his method 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Truths = NDArray[np.bool_]
    Whole = NDArray[np.int64]

DELONG = "delong"
CLUSTERED = "delong-clustered"
CROSS_VALIDATED = ", widened for shared training data"
NEWCOMBE = "newcombe"
ONE_CLUSTER = "none: fewer than 2 clusters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auc:
    """An area under the ROC curve; `low` and `high` are None where nothing can be said of its error.

    `se` is the standard error; `method` names how the interval was made.
    """

    value: float
    low: float | None
    high: float | None
    se: float | None
    n_harmful: int
    n_benign: int
    clusters: int
    method: str


def area(
    harmful: ArrayLike,
    scores: ArrayLike,
    clusters: ArrayLike | None = None,
    folds: ArrayLike | None = None,
    *,
    cross_validated: bool = False,
    confidence: float = 0.95,
) -> Auc | None:
    """The area for scored records.

    Args:
        harmful: True for each harmful record, (n,).
        scores: Higher means more likely harmful, (n,).
        clusters: A whole number per record; records of one cluster are not independent. None: all are.
        folds: A whole number per record; only records of one fold are compared. Clusters lie within folds.
            None: one fold.
        cross_validated: Each fold's scores come from a model that was trained on the other folds. Such models share
            most of their training data, so that their errors go together; the variance is multiplied by
            1 + k / (k - 1) for k folds (Nadeau and Bengio, 2003).
        confidence: Coverage of the interval, which takes Student's t with (clusters - 1) degrees of freedom.

    Returns:
        The area; None where no fold holds both kinds of record.
    """
    import numpy as np

    y = np.asarray(harmful, dtype=bool)
    x = np.asarray(scores, dtype=float)
    fold = np.zeros(len(y), dtype=int) if folds is None else np.asarray(folds)
    parts = np.zeros(len(y))
    pairs = 0.0
    use = np.zeros(len(y), dtype=bool)
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        m, n = int(y[rows].sum()), int((~y[rows]).sum())
        if m and n:
            use[rows] = True
            pairs += m * n
            parts[rows] = _won(y[rows], x[rows])
    if not pairs:
        return None
    value = float(parts[y].sum() / pairs)
    # What each record wins beyond its share: the pairs it is part of, times the area.
    extra = np.where(use, parts - value * _met(y, fold), 0.0) / pairs
    one_each = clusters is None
    ids = np.arange(len(y)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    k = len(np.unique(fold))
    widen = 1 + k / (k - 1) if cross_validated and k > 1 else 1.0
    return _with_interval(value, extra, y, use, ids, confidence=confidence, one_each=one_each, widen=widen)


def _won(y: Truths, x: Floats) -> Floats:
    """For each record, how many records of the other kind it is on the right side of."""
    import numpy as np
    from scipy.stats import rankdata

    together = rankdata(x)
    below = np.empty(len(x))
    for kind in (True, False):
        below[y == kind] = together[y == kind] - rankdata(x[y == kind])
    return np.where(y, below, y.sum() - below)


def _met(y: Truths, fold: Whole) -> Whole:
    """For each record, how many records of the other kind its fold holds."""
    import numpy as np

    _, index = np.unique(fold, return_inverse=True)
    m, n = np.bincount(index, weights=y), np.bincount(index, weights=~y)
    return np.where(y, n[index], m[index])


def _with_interval(
    value: float,
    extra: Floats,
    y: Truths,
    use: Truths,
    ids: Whole,
    *,
    confidence: float,
    one_each: bool,
    widen: float,
) -> Auc:
    import numpy as np
    from scipy.stats import t

    counts = {kind: np.bincount(ids[use & (y == kind)], minlength=ids.max() + 1) for kind in (True, False)}
    sums = {kind: np.bincount(ids, weights=np.where(y == kind, extra, 0.0)) for kind in (True, False)}
    n_clusters = int(((counts[True] + counts[False]) > 0).sum())
    of_kind = {kind: int((counts[kind] > 0).sum()) for kind in (True, False)}
    variance = 2 * _factor(n_clusters) * float((sums[True] * sums[False]).sum())
    variance += sum(_factor(of_kind[kind]) * float((sums[kind] ** 2).sum()) for kind in (True, False))
    low = high = se = None
    single = one_each or int((counts[True] + counts[False]).max()) == 1
    method = (DELONG if single else CLUSTERED) + (CROSS_VALIDATED if widen > 1 else "")
    if n_clusters < 2:
        method = ONE_CLUSTER
    elif value in (0.0, 1.0):
        low, high = newcombe(value, of_kind[True], of_kind[False], confidence)
        method = NEWCOMBE
    else:
        se = math.sqrt(max(0.0, widen * variance))
        half = float(t.ppf((1 + confidence) / 2, n_clusters - 1)) * se
        low, high = max(0.0, value - half), min(1.0, value + half)
    return Auc(
        value=value,
        low=low,
        high=high,
        se=se,
        n_harmful=int((use & y).sum()),
        n_benign=int((use & ~y).sum()),
        clusters=n_clusters,
        method=method,
    )


def _factor(count: int) -> float:
    return count / (count - 1) if count > 1 else 1.0


def newcombe(value: float, m: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The areas whose own standard error reaches as far as `value` (Newcombe, 2006, method 5).

    Args:
        value: The area found, 0 to 1.
        m: Independent harmful records, or clusters that hold any.
        n: The same for benign ones.
        confidence: Coverage.
    """
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (m + n) / 2 - 1

    def reach(area: float) -> float:
        spread = 1 + middle * (1 - area) / (2 - area) + middle * area / (1 + area)
        return z * math.sqrt(area * (1 - area) * spread / (m * n))

    low = _root(lambda area: area + reach(area) - value, 0.0, value) if value > 0 else 0.0
    high = _root(lambda area: area - reach(area) - value, value, 1.0) if value < 1 else 1.0
    return low, high


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function crosses 0, by halving."""
    for _ in range(60):
        middle = (low + high) / 2
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
