"""How far raters agree beyond chance.

References:
    Cohen (1960), A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20.
"""

from __future__ import annotations

from collections.abc import Sequence


def cohen_kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement of two raters beyond chance (Cohen, 1960).

    Args:
        pairs: What each of the two said of each item.

    Returns:
        1 for perfect agreement, 0 for chance; None without items, or where both always say the same one
        thing, so that chance explains everything.
    """
    n = len(pairs)
    if n == 0:
        return None
    observed = sum(one == other for one, other in pairs) / n
    first, second = sum(one for one, _ in pairs) / n, sum(other for _, other in pairs) / n
    expected = first * second + (1 - first) * (1 - second)
    return None if expected == 1 else (observed - expected) / (1 - expected)
