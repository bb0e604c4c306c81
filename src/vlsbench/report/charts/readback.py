"""Figures read back from the JSON of audits, ablations and comparisons; whatever is no figure is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vlsbench.core import words
from vlsbench.core.types import Rate
from vlsbench.report.charts.kinds import Point


def number(found: object) -> float | None:
    """A number, or None."""
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def rate_of(found: object) -> Rate | None:
    """A rate from its JSON object; None where it is none, or a rate over nothing."""
    if not isinstance(found, dict) or (value := number(found.get("value"))) is None:
        return None
    return Rate(
        k=int(number(found.get("k")) or 0),
        n=int(number(found.get("n")) or 0),
        value=value,
        low=number(found.get("low")),
        high=number(found.get("high")),
        method=str(found.get("method", "")),
        clusters=None if (clusters := number(found.get("clusters"))) is None else int(clusters),
        effective=number(found.get("effective")),
    )


def paired_of(found: object) -> Point | None:
    """A paired difference with its adjusted p-value as a bar; None where it is none."""
    rate = rate_of(found)
    if rate is None or not isinstance(found, dict):
        return None
    p = number(found.get("p_holm"))
    said = f", {worth}" if (worth := words.worth(rate)) else ""
    said += "" if p is None else f", {words.p_is(p)}"
    said += ", open: missing verdicts could undo it" if found.get("open") is True else ""
    return Point(value=rate.value, low=rate.low, high=rate.high, of=f"n = {rate.n:,}{said}")


def objects(found: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The objects of an object, by name."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, dict):
            yield name, value
