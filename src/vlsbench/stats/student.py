"""Student's t, without scipy: its tail by the continued fraction of the incomplete beta function.

References:
    Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 26.5.8 and 26.7.1.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_LIKE_NORMAL = 1e6
"""So many degrees of freedom make no difference to the normal distribution."""

_CLOSE = 1e-14
_TINY = 1e-300
_STEPS = 500


def tail(t: float, dof: float) -> float:
    """The chance of a value beyond `t` on either side, for `dof` > 0 degrees of freedom."""
    if dof >= _LIKE_NORMAL:
        return math.erfc(abs(t) / math.sqrt(2))
    return _incomplete_beta(dof / 2, 0.5, dof / (dof + t * t))


@lru_cache(maxsize=4096)
def quantile(confidence: float, dof: float) -> float:
    """How far from 0 Student's t stays with the chance `confidence`; 1.96 for 0.95 and many degrees of freedom."""
    if dof >= _LIKE_NORMAL:
        return NormalDist().inv_cdf((1 + confidence) / 2)
    # The tail is convex and the normal quantile lies to the left, so Newton's steps only go right.
    t = NormalDist().inv_cdf((1 + confidence) / 2)
    while True:
        step = (tail(t, dof) - (1 - confidence)) / (2 * _density(t, dof))
        t += step
        if step <= 1e-12 * t:
            return t


def _density(t: float, dof: float) -> float:
    fixed = math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - math.log(math.pi * dof) / 2
    return math.exp(fixed - (dof + 1) / 2 * math.log1p(t * t / dof))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, for 0 <= x <= 1."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction, by Lentz's method."""
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _off_zero(1 + step * d), _off_zero(1 + step / c)
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
