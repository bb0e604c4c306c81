"""Two conditions on the same samples: the difference of their shares, and whether it is more than chance.

References:
    McNemar (1947), Note on the sampling error of the difference between correlated proportions. Psychometrika 12.
    Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
        paired-sample design. Statistics in Medicine 17.
    Fisher (1935), The Design of Experiments, section 21: the randomisation test by flipping signs.
    Connor (1987), Sample size for testing differences in proportions for the paired-sample design. Biometrics 43.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from vlsbench.stats.dependence import MULTIWAY, Dependence, Worth
from vlsbench.stats.student import tail

if TYPE_CHECKING:
    from vlsbench.stats.dependence import Flags, Floats, Ints, Labels

TANGO = "tango"
NO_PAIRS = "none: no sample has both"

MCNEMAR = "mcnemar-exact"
SIGN_FLIP = "cluster-sign-flip-exact"
SCORE_T = "multiway-score-t"

_Condition = Callable[[float], bool]

_CLOSE = 1e-9
"""Where the search for the end of an interval stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """The first condition minus the second, on the samples that have both.

    `value` is the difference of the two shares, from -1 to 1, with its interval; `only_first` and `only_second` count
    the samples where only one of the two is a hit. `p_value` comes from `test`: the exact sign-flip test over clusters
    where clusters repeat (where two ways of belonging together leave nothing to flip, a score test with Student's t),
    else McNemar's exact test, which is `p_mcnemar` in either case. `smallest` is the smallest true difference that so
    many samples would show with a power of 80 %, given how many of them differ. `unscored` counts samples that lack
    one of the two. `clusters`, `effective` and `note` are those of a `Rate`.
    """

    n: int
    value: float | None
    low: float | None
    high: float | None
    method: str
    only_first: int
    only_second: int
    p_value: float | None
    test: str
    p_mcnemar: float | None
    smallest: float | None
    unscored: int = 0
    clusters: int | None = None
    effective: float | None = None
    note: str = ""


def paired(
    first: Flags,
    second: Flags,
    clusters: Labels | None = None,
    groups: Labels | None = None,
    *more: Labels | None,
    unscored: int = 0,
    confidence: float = 0.95,
) -> Paired:
    """Compare two conditions on the same samples.

    The interval is Tango's score interval; where samples belong together its cells are divided by the design effect
    of the differences and it takes Student's t, as `rates.rate` does for a share.

    Args:
        first: Whether each sample is a hit under the first condition.
        second: The same samples under the second.
        clusters: The cluster of each sample (the hash of its image); None where none repeats.
        groups: The group of each sample (the question that it is a form of).
        more: Further ways in which samples belong together, each with one entry per sample.
        unscored: How many samples lack one of the two; carried along.
        confidence: Coverage of the interval.
    """
    if len(first) != len(second):
        raise ValueError(f"need the same samples twice, got {len(first)} and {len(second)}")
    return paired_of(
        first, second, Dependence(len(first), clusters, groups, *more), unscored=unscored, confidence=confidence
    )


def paired_of(
    first: Flags,
    second: Flags,
    dependence: Dependence,
    *,
    unscored: int = 0,
    confidence: float = 0.95,
) -> Paired:
    """`paired` for samples of which it is already known which belong together.

    Args:
        first: As for `paired`.
        second: As for `paired`.
        dependence: Of the same samples.
        unscored: As for `paired`.
        confidence: As for `paired`.
    """
    import numpy as np

    if not len(first):
        return _no_pairs(unscored)
    differences = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    only_first, only_second = int((differences > 0).sum()), int((differences < 0).sum())
    n = len(differences)
    worth = dependence.worth(differences)
    low = high = None
    if not worth.refused:
        cells = only_first / worth.effect, only_second / worth.effect
        low, high = tango(*cells, worth.size, z=worth.z(confidence))
    p_value, test = paired_test(differences, dependence, worth)
    return Paired(
        n=n,
        value=(only_first - only_second) / n,
        low=low,
        high=high,
        method=worth.refused or "-".join(filter(None, (TANGO, worth.kind))),
        only_first=only_first,
        only_second=only_second,
        p_value=p_value,
        test=test,
        p_mcnemar=p_value if test == MCNEMAR else mcnemar(only_first, only_second),
        smallest=smallest_difference(worth.size, (only_first + only_second) / n),
        unscored=unscored,
        clusters=worth.clusters,
        effective=None if worth.refused else worth.size,
        note=worth.note,
    )


def paired_test(differences: Floats, dependence: Dependence, worth: Worth | None = None) -> tuple[float, str]:
    """The test that fits how the samples belong together: its p-value and its name.

    Signs are flipped for whole components. Where two ways cross so that one component swallows the set there is
    nothing left to flip; the score test at 0 on the effective number of pairs, with Student's t, takes its place.

    Args:
        differences: -1, 0 or 1 for each sample.
        dependence: Of the same samples.
        worth: What the dependence makes of the differences, where that is known already.
    """
    import numpy as np

    units = dependence.components
    if units is None:
        return mcnemar(int((differences > 0).sum()), int((differences < 0).sum())), MCNEMAR
    if dependence.kind == MULTIWAY:
        worth = dependence.worth(differences) if worth is None else worth
        if not worth.refused:
            return _score_t(differences, worth), SCORE_T
    return sign_flip(np.bincount(units, differences).round().astype(np.int64)), SIGN_FLIP


def _score_t(differences: Floats, worth: Worth) -> float:
    squares = float(differences @ differences)
    if squares == 0 or worth.dof is None:
        return 1.0
    return tail(float(differences.sum()) / math.sqrt(squares * worth.effect), worth.dof)


def _no_pairs(unscored: int) -> Paired:
    return Paired(
        n=0,
        value=None,
        low=None,
        high=None,
        method=NO_PAIRS,
        only_first=0,
        only_second=0,
        p_value=None,
        test=MCNEMAR,
        p_mcnemar=None,
        smallest=None,
        unscored=unscored,
    )


def tango(
    only_first: float, only_second: float, n: float, confidence: float = 0.95, *, z: float | None = None
) -> tuple[float, float]:
    """Tango's score interval for the difference of two paired shares (Tango, 1998).

    Args:
        only_first: Pairs where only the first is a hit; may be fractional where `n` is an effective size.
        only_second: Pairs where only the second is a hit.
        n: All pairs, over 0.
        confidence: Coverage, between 0 and 1.
        z: How many standard errors the interval reaches, in place of the normal quantile of `confidence`.

    Returns:
        Lower and upper end, within [-1, 1].

    Raises:
        ValueError: The counts do not fit into `n`, or `n` is 0.
    """
    if n <= 0 or min(only_first, only_second) < 0 or only_first + only_second > n * (1 + _CLOSE):
        raise ValueError(f"need counts within n > 0, got {only_first}, {only_second}, {n}")
    reach = NormalDist().inv_cdf((1 + confidence) / 2) if z is None else z
    value = (only_first - only_second) / n

    def score(delta: float) -> float:
        a = 2 * n
        b = -only_first - only_second + (2 * n - only_first + only_second) * delta
        c = -only_second * delta * (1 - delta)
        share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        variance = n * (2 * share + delta * (1 - delta))
        distance = only_first - only_second - n * delta
        if variance <= 0:
            return 0.0 if distance == 0 else math.copysign(math.inf, distance)
        return distance / math.sqrt(variance)

    # The score falls as delta grows: it passes +z below the estimate and -z above it.
    low = _where(lambda delta: score(delta) <= reach, -1.0, value)
    high = _where(lambda delta: score(delta) <= -reach, value, 1.0)
    return low, high


def _where(holds: _Condition, left: float, right: float) -> float:
    """The place between `left` and `right` from which on a condition holds, by bisection."""
    if holds(left):
        return left
    while right - left > _CLOSE:
        middle = (left + right) / 2
        left, right = (left, middle) if holds(middle) else (middle, right)
    return right


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact two-sided test of no difference (a binomial test of the pairs that differ).

    Returns:
        The p-value, over 0 and at most 1; 1 where no pair differs.
    """
    import numpy as np

    return sign_flip(np.repeat([1, -1], [only_first, only_second]))


def sign_flip(totals: Sequence[int] | Ints) -> float:
    """The exact two-sided sign-flip test of no difference, for differences added up by cluster.

    If the two conditions do not differ, each cluster's total is as likely with the other sign. The sum over
    all 2^C signs is distributed as a convolution of binomials, one per size of total, so no resampling is
    needed.

    Args:
        totals: The sum of the differences (-1, 0 or 1 per sample) of each cluster.

    Returns:
        The p-value, over 0 and at most 1.
    """
    import numpy as np

    values = np.asarray(totals, dtype=np.int64)
    observed = int(values.sum())
    if observed == 0:
        return 1.0
    sizes, counts = np.unique(np.abs(values[values != 0]), return_counts=True)
    # Chances of the number of positive totals, spread out in steps of the totals' size.
    chances = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        spread = np.zeros(size * count + 1)
        spread[::size] = _coin_flips(count)
        chances = np.convolve(chances, spread)
    # Entry i stands for a sum of 2 i - reach.
    reach = len(chances) - 1
    tail = float(chances[: (reach - abs(observed)) // 2 + 1].sum())
    return min(1.0, max(2 * tail, math.ulp(0.0)))


def _coin_flips(count: int) -> Floats:
    """The chances of 0 to `count` heads."""
    import numpy as np

    factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, count + 1)))))
    return np.asarray(np.exp(factorials[-1] - count * math.log(2) - factorials - factorials[::-1]))


def smallest_difference(n: float, discordant: float, *, power: float = 0.8, confidence: float = 0.95) -> float | None:
    """The smallest true difference of paired shares that `n` pairs would show with this power (Connor, 1987).

    Args:
        n: Pairs, or the effective number of pairs.
        discordant: The share of pairs that differ, from 0 to 1. A difference cannot be larger than that, so
            the share is taken to be at least as large as the difference itself.
        power: The chance to find the difference significant.
        confidence: 1 minus the significance level, two-sided.

    Returns:
        A difference between 0 and 1; None where even the largest would not show.
    """
    z_level, z_power = NormalDist().inv_cdf((1 + confidence) / 2), NormalDist().inv_cdf(power)

    def shows(delta: float) -> bool:
        share = max(discordant, delta)
        needed = (z_level * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - delta**2))) ** 2 / delta**2
        return needed <= n

    if n <= 0 or not shows(1.0):
        return None
    return _where(shows, _CLOSE, 1.0)
