"""One sample, two samples: a number with its noun."""

from __future__ import annotations

_IRREGULAR = {
    "stratum": "strata",
    "has": "have",
    "is": "are",
    "was": "were",
    "rests": "rest",
    "serves": "serve",
    "passes": "pass",
}


def noun(number: int, one: str) -> str:
    """The form of a noun (or of a verb such as ``is``) that belongs to a number: ``samples``, ``strata``, ``are``."""
    return one if number == 1 else _IRREGULAR.get(one, f"{one}s")


def counted(number: int, one: str) -> str:
    """``1 sample``, ``2,000 samples``, ``1 stratum``."""
    return f"{number:,} {noun(number, one)}"
