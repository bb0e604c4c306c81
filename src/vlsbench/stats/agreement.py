"""How far raters agree beyond chance, with intervals.

The interval of either coefficient is the middle of its posterior: the shares of all ways in which raters can label
a sample are drawn from a Dirichlet distribution, with one and a half pseudo-samples spread evenly over all pairs of
labels (Perks' prior has one). Where raters hardly ever part, formulas and resampling see no error where there is one
(68 to 89 % coverage at low prevalence); the pseudo-samples keep room for it. Samples are taken to be independent.

References:
    Cohen (1960), A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20.
    Krippendorff (2011), Computing Krippendorff's alpha-reliability. University of Pennsylvania.
    Perks (1947), Some observations on inverse probability. Journal of the Institute of Actuaries 73.
    Rubin (1981), The Bayesian bootstrap. Annals of Statistics 9.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

KAPPA = "cohen-kappa"
ALPHA = "krippendorff-alpha"

POSTERIOR = "dirichlet posterior"

_PSEUDO = 1.5
"""How many samples' worth of even disagreement and agreement is added to those seen."""

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
    n = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(first[label] * second[label] for label in first)
    if by_chance == n * n:
        return None
    return (n * sum(one == other for one, other in pairs) - by_chance) / (n * n - by_chance)


def kappa(
    pairs: Sequence[tuple[Hashable, Hashable]], confidence: float = 0.95, *, draws: int = 4000, seed: int = 0
) -> Coefficient:
    """Cohen's kappa with its interval.

    Args:
        pairs: What each of the two said of each item.
        confidence: Coverage of the interval.
        draws: From the posterior.
        seed: Of the draws.
    """
    import numpy as np

    n = len(pairs)
    if n == 0:
        return _undefined(KAPPA, 0, None, NOTHING)
    observed = sum(one == other for one, other in pairs) / n
    value = cohen_kappa(pairs)
    if value is None:
        return _undefined(KAPPA, n, observed, ALL_ALIKE)
    labels = list(dict.fromkeys(label for pair in pairs for label in pair))
    counts = Counter(pairs)
    cells = np.array([[counts[one, other] for other in labels] for one in labels], dtype=float)

    def coefficients(weights: Floats) -> Floats:
        table = weights.reshape(-1, len(labels), len(labels))
        agreed, by_chance = np.trace(table, axis1=1, axis2=2), (table.sum(axis=1) * table.sum(axis=2)).sum(axis=1)
        return np.asarray((agreed - by_chance) / (1 - by_chance))

    low, high = _posterior(coefficients, cells.ravel() + _PSEUDO / cells.size, confidence, draws, seed)
    return Coefficient(
        name=KAPPA, n=n, observed=observed, value=value, low=min(low, value), high=max(high, value), method=POSTERIOR
    )


def alpha(
    units: Sequence[Sequence[Hashable]], *, confidence: float = 0.95, draws: int = 4000, seed: int = 0
) -> Coefficient:
    """Krippendorff's alpha for nominal labels with its interval; any number of raters, and gaps (Krippendorff, 2011).

    Args:
        units: For each sample, the labels it got. Samples with fewer than two take no part.
        confidence: Coverage of the interval.
        draws: From the posterior.
        seed: Of the draws.
    """
    import numpy as np

    counted = Counter(tuple(unit) for unit in units if len(unit) >= 2)
    n = counted.total()
    if n == 0:
        return _undefined(ALPHA, 0, None, NOTHING)
    labels = list(dict.fromkeys(label for unit in counted for label in unit))
    found = Counter[tuple[int, ...]]()
    for unit, times in counted.items():
        found[tuple(map(unit.count, labels))] += times
    pairs = [tuple([one, other].count(label) for label in labels) for one, other in product(labels, repeat=2)]
    # One row per way in which a sample was labelled, then those of the pseudo-samples, with as many labels as usual.
    usual = sum(len(unit) * times for unit, times in counted.items()) / n / 2
    table = np.array([*found, *(tuple(usual * count for count in pair) for pair in pairs)], dtype=float)
    sizes = table.sum(axis=1)
    # Ordered pairs within a sample that part, each sample weighing as many values as it has.
    parted = (sizes**2 - (table**2).sum(axis=1)) / (sizes - 1)
    seen = np.array([*found.values(), *[0] * len(pairs)], dtype=float)
    observed = 1 - float(seen @ (parted / sizes)) / n
    if len(labels) == 1:
        return _undefined(ALPHA, n, observed, ALL_ALIKE)

    def coefficients(weights: Floats) -> Floats:
        values = n * weights @ table
        total = values.sum(axis=1)
        chance = total**2 - (values**2).sum(axis=1)
        return np.asarray(1 - (total - 1) * (n * weights @ parted) / chance)

    value = float(coefficients(seen[None] / n)[0])
    prior = np.array([*[0.0] * len(found), *[_PSEUDO / len(pairs)] * len(pairs)])
    low, high = _posterior(coefficients, seen + prior, confidence, draws, seed)
    return Coefficient(
        name=ALPHA, n=n, observed=observed, value=value, low=min(low, value), high=max(high, value), method=POSTERIOR
    )


def _posterior(
    coefficients: Callable[[Floats], Floats], cells: Floats, confidence: float, draws: int, seed: int
) -> tuple[float, float]:
    """The middle of a coefficient's distribution if the shares of the cells are Dirichlet-distributed."""
    import numpy as np

    found = coefficients(np.random.default_rng(seed).dirichlet(cells, size=draws))
    tail = (1 - confidence) / 2
    low, high = np.quantile(found[np.isfinite(found)], [tail, 1 - tail])
    return float(low), float(high)


def _undefined(name: str, n: int, observed: float | None, why: str) -> Coefficient:
    return Coefficient(name=name, n=n, observed=observed, value=None, low=None, high=None, method=why)
