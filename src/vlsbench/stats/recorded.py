"""Figures as files hold them, for those who read them back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPair:
    """A paired difference as files hold it, beside its adjusted p-value and whether missing verdicts could undo it."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    p_holm: float | None = None
    open: bool = False
    clusters: int | None = None
    effective: float | None = None
    note: str = ""
