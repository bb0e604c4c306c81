"""Intervals one can defend: Wilson's, widened where samples share an image.

References:
    Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22.
    Kish (1965), Survey Sampling: the design effect and the effective sample size.
    Korn and Graubard (1998): intervals for proportions from clustered samples on the effective size.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from statistics import NormalDist

from vlsbench.core.types import Rate

WILSON = "wilson"
CLUSTERED = "wilson-clustered"
NO_DATA = "none: nothing was scored"
ONE_CLUSTER = "none: fewer than 2 clusters"


def wilson(k: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval; honest at 0 and n, unlike the normal one (Wilson, 1927).

    Args:
        k: Successes; may be fractional where `n` is an effective size.
        n: Trials, over 0.
        confidence: Coverage, between 0 and 1.

    Returns:
        Lower and upper end, within [0, 1].

    Raises:
        ValueError: `k` is not between 0 and `n`, or `n` is 0.
    """
    if not 0 <= k <= n or n <= 0:
        raise ValueError(f"need 0 <= k <= n and n > 0, got k={k}, n={n}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
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
    hits: Sequence[bool], clusters: Sequence[Hashable] | None = None, *, unscored: int = 0, confidence: float = 0.95
) -> Rate:
    """The share of hits with its interval.

    Args:
        hits: One entry per scored sample.
        clusters: The cluster of each sample (the hash of its image). Where none repeats, the interval is
            Wilson's; where some do, Wilson's on the effective size n / max(1, design effect).
        unscored: How many samples could not be counted; carried along.
        confidence: Coverage of the interval.

    Returns:
        The rate. Over nothing it has no value; with fewer than 2 clusters it has no interval.
    """
    table: dict[Hashable, list[int]] = {}
    for hit, cluster in zip(hits, clusters if clusters is not None else range(len(hits)), strict=True):
        row = table.setdefault(cluster, [0, 0])
        row[0] += hit
        row[1] += 1
    return rate_of_clusters([(row[0], row[1]) for row in table.values()], unscored=unscored, confidence=confidence)


def rate_of_clusters(clusters: Sequence[tuple[int, int]], *, unscored: int = 0, confidence: float = 0.95) -> Rate:
    """`rate` for samples already counted by cluster.

    Args:
        clusters: (hits, size) of each cluster; sizes over 0.
        unscored: As for `rate`.
        confidence: As for `rate`.
    """
    k, n = sum(hits for hits, _ in clusters), sum(size for _, size in clusters)
    if n == 0:
        return Rate(k=0, n=0, value=None, low=None, high=None, method=NO_DATA, unscored=unscored)
    value = k / n
    if len(clusters) == n:
        low, high = wilson(k, n, confidence)
        return Rate(k=k, n=n, value=value, low=low, high=high, method=WILSON, unscored=unscored)
    if len(clusters) < 2:
        return Rate(k=k, n=n, value=value, low=None, high=None, method=ONE_CLUSTER, unscored=unscored)
    effect = max(1.0, design_effect(clusters))
    low, high = wilson(k / effect, n / effect, confidence)
    return Rate(k=k, n=n, value=value, low=low, high=high, method=CLUSTERED, unscored=unscored)
