"""How often the scripted models are wrong: assumptions, chosen and not measured; a build shows them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Errs:
    """Shares of wrong answers, each between 0 and 1."""

    rewriter_names_the_item: float = 0.15
    rewriter_hints_at_danger: float = 0.10
    rewriter_loses_the_meaning: float = 0.08
    screen_misses: float = 0.30
    screen_false_alarms: float = 0.05
    painter_paints_another_item: float = 0.25
    painter_is_blocked: float = 0.04
    inspector_misses: float = 0.10
    categoriser_errs: float = 0.05
    guard_misses: float = 0.20
    guard_false_alarms: float = 0.03
    check_guard_misses: float = 0.05
    check_guard_false_alarms: float = 0.01


ERRS = Errs()
"""The rates of the miniature."""


def chance(*parts: object) -> Random:
    """A source of chance that depends on these alone, so that a continued build is the same build."""
    return Random(hashlib.sha256("/".join(map(str, parts)).encode()).digest())
