"""Intervals one can defend: Wilson's, on what samples are worth that share an image or a group.

References:
    Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22.
    Kish (1965), Survey Sampling: the design effect and the effective sample size.
    Korn and Graubard (1998): intervals for proportions from clustered samples on the effective size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from vlsbench.core.types import Rate
from vlsbench.stats.dependence import INDEPENDENT, ONE_WAY, Dependence

if TYPE_CHECKING:
    from vlsbench.stats.dependence import Flags, Labels

WILSON = "wilson"
CLUSTERED = f"{WILSON}-{ONE_WAY}"
NO_DATA = "none: nothing was scored"


def wilson(k: float, n: float, confidence: float = 0.95, *, z: float | None = None) -> tuple[float, float]:
    """Wilson score interval; honest at 0 and n, unlike the normal one (Wilson, 1927).

    Args:
        k: Successes; may be fractional where `n` is an effective size.
        n: Trials, over 0.
        confidence: Coverage, between 0 and 1.
        z: How many standard errors the interval reaches, in place of the normal quantile of `confidence`.

    Returns:
        Lower and upper end, within [0, 1].

    Raises:
        ValueError: `k` is not between 0 and `n`, or `n` is 0.
    """
    if not 0 <= k <= n or n <= 0:
        raise ValueError(f"need 0 <= k <= n and n > 0, got k={k}, n={n}")
    z = NormalDist().inv_cdf((1 + confidence) / 2) if z is None else z
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if k == 0 else max(0.0, middle - half)
    high = 1.0 if k == n else min(1.0, middle + half)
    return low, high


def design_effect(clusters: Iterable[tuple[int, int]]) -> float:
    """How much wider clustering makes the variance of a proportion (Kish, 1965).

    The variance of the ratio estimator over clusters, divided by the binomial variance. Where every
    sample agrees (k = 0 or k = n) that ratio does not exist, and the mean cluster size stands for it: the
    most careful choice, as if clusters were of one mind.

    Args:
        clusters: (successes, size) of each cluster, at least 2 of them.

    Returns:
        The design effect; 1 means clustering changes nothing.

    Raises:
        ValueError: Fewer than 2 clusters.
    """
    table = list(clusters)
    count = len(table)
    if count < 2:
        raise ValueError("a design effect needs at least 2 clusters")
    k, n = sum(row[0] for row in table), sum(row[1] for row in table)
    if k in (0, n):
        return n / count
    p = k / n
    between = count / (count - 1) * sum((successes - p * size) ** 2 for successes, size in table) / n**2
    return between / (p * (1 - p) / n)


def rate(
    hits: Sequence[bool],
    clusters: Labels | None = None,
    groups: Labels | None = None,
    *more: Labels | None,
    unscored: int = 0,
    confidence: float = 0.95,
) -> Rate:
    """The share of hits with its interval.

    Args:
        hits: One entry per scored sample.
        clusters: The cluster of each sample (the hash of its image). Where none repeats, the interval is
            Wilson's; where some do, Wilson's on what the samples are worth (see `dependence`), with Student's t.
        groups: The group of each sample (the question that it is a form of).
        more: Further ways in which samples belong together, each with one entry per sample.
        unscored: How many samples could not be counted; carried along.
        confidence: Coverage of the interval.

    Returns:
        The rate. Over nothing it has no value; where too few clusters carry it, it has no interval.
    """
    if all(way is None for way in (clusters, groups, *more)):
        return _alone(sum(map(bool, hits)), len(hits), unscored, confidence)
    return rate_of(hits, Dependence(len(hits), clusters, groups, *more), unscored=unscored, confidence=confidence)


def rate_of(
    hits: Flags | Sequence[float], dependence: Dependence, *, unscored: int = 0, confidence: float = 0.95
) -> Rate:
    """`rate` for samples of which it is already known which belong together.

    Args:
        hits: One entry per scored sample; or grades between 0 and 1, whose mean is the value and whose sum, rounded,
            is `k`. Grades vary less than hits and misses of the same mean, so that their interval is rather too wide.
        dependence: Of the same samples.
        unscored: As for `rate`.
        confidence: As for `rate`.
    """
    k, n = float(sum(hits) if isinstance(hits, Sequence) else hits.sum()), len(hits)
    if n == 0 or dependence.kind == INDEPENDENT:
        return _alone(k, n, unscored, confidence)
    import numpy as np

    values = np.asarray(hits, dtype=float)
    worth = dependence.worth(values)
    low = high = None
    if not worth.refused:
        low, high = wilson(min(worth.size, k / worth.effect), worth.size, z=worth.z(confidence))
    return Rate(
        k=round(k),
        n=n,
        value=k / n,
        low=low,
        high=high,
        method=worth.refused or f"{WILSON}-{worth.kind}",
        unscored=unscored,
        clusters=worth.clusters,
        effective=None if worth.refused else worth.size,
        note=worth.note,
    )


def _alone(k: float, n: int, unscored: int, confidence: float) -> Rate:
    if n == 0:
        return Rate(k=0, n=0, value=None, low=None, high=None, method=NO_DATA, unscored=unscored)
    low, high = wilson(k, n, confidence)
    return Rate(
        k=round(k),
        n=n,
        value=k / n,
        low=low,
        high=high,
        method=WILSON,
        unscored=unscored,
        clusters=n,
        effective=float(n),
    )


def rate_of_clusters(clusters: Sequence[tuple[int, int]], *, unscored: int = 0, confidence: float = 0.95) -> Rate:
    """`rate` for samples already counted by cluster.

    Args:
        clusters: (hits, size) of each cluster; sizes over 0.
        unscored: As for `rate`.
        confidence: As for `rate`.
    """
    import numpy as np

    if all(size == 1 for _, size in clusters):
        return _alone(sum(hits for hits, _ in clusters), len(clusters), unscored, confidence)
    table = np.array(clusters, dtype=np.int64)
    codes = np.repeat(np.arange(len(table), dtype=np.int64), table[:, 1])
    first = np.repeat(np.cumsum(table[:, 1]) - table[:, 1], table[:, 1])
    hits = np.arange(len(codes)) - first < table[codes, 0]
    return rate_of(hits, Dependence(len(codes), codes), unscored=unscored, confidence=confidence)
