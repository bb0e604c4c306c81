"""How far raters agree beyond chance, with intervals.

References:
    Cohen (1960), A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20.
    Fleiss, Cohen and Everitt (1969), Large sample standard errors of kappa and weighted kappa. Psychological
        Bulletin 72.
    Krippendorff (2011), Computing Krippendorff's alpha-reliability. University of Pennsylvania.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from vlsbench.stats.rates import wilson

KAPPA = "cohen-kappa"
ALPHA = "krippendorff-alpha"

BY_FORMULA = "fleiss-cohen-everitt"
BY_RESAMPLING = "bootstrap over samples, percentile"
BY_WILSON = "wilson, on the observed agreement"

_NOTHING = 1e-12
"""A variance so small is one of rounding."""

NOTHING = "none: no sample was labelled by two"
ALL_ALIKE = "none: every label is the same, so chance explains all of the agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """An agreement coefficient: 1 is perfect, 0 is what chance gives; None where it is undefined.

    `name` says which, `n` counts the samples labelled by two or more, `observed` is the share on which a
    pair of raters agrees, and `method` says how the interval was made or why there is none.
    """

    name: str
    n: int
    observed: float | None
    value: float | None
    low: float | None
    high: float | None
    method: str


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Agreement of two raters beyond chance (Cohen, 1960).

    Args:
        pairs: What each of the two said of each item.

    Returns:
        1 for perfect agreement, 0 for chance; None without items, or where both always say the same one
        thing, so that chance explains everything.
    """
    return kappa(pairs).value


def kappa(pairs: Sequence[tuple[Hashable, Hashable]], confidence: float = 0.95) -> Coefficient:
    """Cohen's kappa with its large-sample interval (Fleiss, Cohen and Everitt, 1969).

    Where two raters never part, or always do in the same way, that interval would have no width; its ends then come
    from Wilson's interval of the observed agreement.

    Args:
        pairs: What each of the two said of each item.
        confidence: Coverage of the interval.
    """
    n = len(pairs)
    if n == 0:
        return _undefined(KAPPA, 0, None, NOTHING)
    cells = Counter(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    agreed = sum(count for (one, other), count in cells.items() if one == other)
    observed = agreed / n
    by_chance = sum(first[label] * second[label] for label in first)
    if by_chance == n * n:
        return _undefined(KAPPA, n, observed, ALL_ALIKE)
    expected = by_chance / n**2
    value = (observed - expected) / (1 - expected)
    if agreed == n:
        return _never_parted(KAPPA, n, expected, confidence)
    error = 0.0
    for (one, other), count in cells.items():
        if one == other:
            error += count / n * (1 - (first[one] + second[one]) / n * (1 - value)) ** 2
        else:
            error += (1 - value) ** 2 * count / n * ((second[one] + first[other]) / n) ** 2
    error -= (value - expected * (1 - value)) ** 2
    if error < _NOTHING:
        low, high = ((end - expected) / (1 - expected) for end in wilson(agreed, n, confidence))
        return Coefficient(
            name=KAPPA, n=n, observed=observed, value=value, low=max(-1.0, low), high=min(1.0, high), method=BY_WILSON
        )
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(max(0.0, error) / n) / (1 - expected)
    return Coefficient(
        name=KAPPA,
        n=n,
        observed=observed,
        value=value,
        low=max(-1.0, value - half),
        high=min(1.0, value + half),
        method=BY_FORMULA,
    )


def alpha(
    units: Sequence[Sequence[Hashable]], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Coefficient:
    """Krippendorff's alpha for nominal labels; any number of raters, and gaps (Krippendorff, 2011).

    The interval is the percentile bootstrap over samples; where raters never part it comes from Wilson's
    interval, as for `kappa`.

    Args:
        units: For each sample, the labels it got. Samples with fewer than two take no part.
        confidence: Coverage of the interval.
        resamples: How many bootstrap samples.
        seed: Of the bootstrap.
    """
    import numpy as np

    counted = [Counter(unit) for unit in units if len(unit) >= 2]
    n = len(counted)
    if n == 0:
        return _undefined(ALPHA, 0, None, NOTHING)
    labels = list(dict.fromkeys(label for unit in counted for label in unit))
    table = np.array([[unit[label] for label in labels] for unit in counted], dtype=float)
    sizes = table.sum(axis=1)
    # Ordered pairs within a sample that part, each sample weighing as many values as it has.
    parted = (sizes**2 - (table**2).sum(axis=1)) / (sizes - 1)
    observed = 1 - float((parted / sizes).mean())
    if len(labels) == 1:
        return _undefined(ALPHA, n, observed, ALL_ALIKE)

    def coefficients(weights: np.ndarray) -> np.ndarray:
        values = weights @ table
        total = values.sum(axis=1)
        chance = total**2 - (values**2).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(1 - (total - 1) * (weights @ parted) / chance)

    value = float(coefficients(np.ones((1, n)))[0])
    if not parted.any():
        total, values = sizes.sum(), table.sum(axis=0)
        expected = 1 - float((total**2 - (values**2).sum()) / (total * (total - 1)))
        return _never_parted(ALPHA, n, expected, confidence)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    found = coefficients(drawn)
    tail = (1 - confidence) / 2
    low, high = np.quantile(found[np.isfinite(found)], [tail, 1 - tail])
    return Coefficient(
        name=ALPHA, n=n, observed=observed, value=value, low=float(low), high=float(high), method=BY_RESAMPLING
    )


def _undefined(name: str, n: int, observed: float | None, why: str) -> Coefficient:
    return Coefficient(name=name, n=n, observed=observed, value=None, low=None, high=None, method=why)


def _never_parted(name: str, n: int, expected: float, confidence: float) -> Coefficient:
    low = 1 - (1 - wilson(n, n, confidence)[0]) / (1 - expected)
    return Coefficient(name=name, n=n, observed=1.0, value=1.0, low=max(-1.0, low), high=1.0, method=BY_WILSON)
