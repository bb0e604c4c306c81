"""Several tests at once: Holm's adjustment, and the p-value up to which it still finds a difference.

References:
    Holm (1979), A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

LEVEL = 0.05
"""How often a family of tests may find a difference where there is none."""

Key = TypeVar("Key", bound=Hashable)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Adjust p-values of one family of tests so that all of them together err in at most 5 % (Holm, 1979).

    Returns:
        The adjusted p-values, in the order given.
    """
    adjusted: dict[Key, float] = {}
    highest = 0.0
    for rank, (key, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_value))
        adjusted[key] = highest
    return {key: adjusted[key] for key in p_values}


def holm_level(others: Mapping[Key, float], key: Key) -> float:
    """The largest p-value of one test that Holm's adjustment still lets pass, the others being what they are.

    Args:
        others: The p-values of the family, with or without that of the test itself.
        key: The test.
    """
    tests = len(others.keys() | {key})
    rejected = 0
    for p_value in sorted(value for other, value in others.items() if other != key):
        if (tests - rejected) * p_value > LEVEL:
            break
        rejected += 1
    return LEVEL / (tests - rejected)
