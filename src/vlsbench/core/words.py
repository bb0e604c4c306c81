"""How figures and counts are written: rounded here and nowhere else, for terminal, documents, page and charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

NO_VALUE = "–"

_LEAST_P = 0.001

_IRREGULAR = {
    "batch": "batches",
    "stratum": "strata",
    "has": "have",
    "is": "are",
    "was": "were",
    "waits": "wait",
    "rests": "rest",
    "serves": "serve",
    "passes": "pass",
}


class WithInterval(Protocol):
    """What has a value and perhaps an interval: a rate, a share, a paired difference, a bar of a chart."""

    @property
    def value(self) -> float | None:
        """The value; None over nothing."""

    @property
    def low(self) -> float | None:
        """The lower end of its interval."""

    @property
    def high(self) -> float | None:
        """The upper end of its interval."""


class Counted(Protocol):
    """What counts `hits` of `n`."""

    @property
    def hits(self) -> float:
        """How many, or the sum of grades."""

    @property
    def n(self) -> int:
        """Of how many."""


class WithClusters(Protocol):
    """What says how many independent samples it is worth: a rate."""

    @property
    def n(self) -> int:
        """How many samples it is over."""

    @property
    def clusters(self) -> int | None:
        """Units (images, groups) that are independent of each other."""

    @property
    def effective(self) -> float | None:
        """How many independent samples the scored ones are worth; None where there is no interval."""


def bare(share: float | None) -> str:
    """``73.4``: a share in per cent, where a heading or the words around it say so."""
    return NO_VALUE if share is None else f"{100 * share:.1f}"


def percent(share: float | None) -> str:
    """``73.4 %``."""
    return NO_VALUE if share is None else f"{bare(share)} %"


def rate(found: WithInterval | None) -> str:
    """``73.4 % [70.1, 76.5]``, or a dash for a rate over nothing."""
    return NO_VALUE if found is None else percent(found.value) + _interval(found)


def rate_bare(found: WithInterval | None) -> str:
    """``73.4 [70.1, 76.5]``, under a heading that says per cent."""
    return NO_VALUE if found is None else bare(found.value) + _interval(found)


def _interval(found: WithInterval) -> str:
    if found.value is None or found.low is None or found.high is None:
        return ""
    return f" [{bare(found.low)}, {bare(found.high)}]"


def worth(found: WithClusters) -> str:
    """``1,957 clusters, worth 2,034``; empty where all samples are independent, or there are none."""
    if found.clusters is None or found.clusters == found.n:
        return ""
    said = counted(found.clusters, "cluster")
    return said if found.effective is None else f"{said}, worth {found.effective:,.0f}"


def between(low: float, high: float) -> str:
    """``20.1 to 40.3 %``."""
    return f"{bare(low)} to {bare(high)} %"


def points_of(found: WithInterval) -> str:
    """``1,510.7``: a figure that is no share; ``1,400.0 to 1,510.7`` where it has ends and no value."""
    if found.value is not None or found.low is None or found.high is None:
        return NO_VALUE if found.value is None else f"{found.value:,.1f}"
    return f"{found.low:,.1f} to {found.high:,.1f}"


def signed(difference: float | None) -> str:
    """``+12.5``: a difference of shares in percentage points."""
    if difference is None:
        return NO_VALUE
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def points(found: WithInterval | None) -> str:
    """``+12.5 [+8.1, +17.0]`` in percentage points, or a dash for a difference over nothing."""
    if found is None or found.value is None or found.low is None or found.high is None:
        return NO_VALUE if found is None else signed(found.value)
    return f"{signed(found.value)} [{signed(found.low)}, {signed(found.high)}]"


def p_value(value: float | None) -> str:
    """A p-value with three decimals, ``< 0.001`` below that."""
    if value is None:
        return NO_VALUE
    return f"< {_LEAST_P}" if value < _LEAST_P else f"{value:.3f}"


def p_is(value: float | None) -> str:
    """``p = 0.031`` or ``p < 0.001``."""
    shown = p_value(value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def money(amount: float | None, currency: str = "") -> str:
    """``1.23 USD``; of less than a cent, the first two digits that are not 0."""
    if amount is None:
        return NO_VALUE
    said = f"{amount:,.2f}" if amount >= 0.01 or not amount else f"{amount:.2g}"
    return f"{said} {currency}".rstrip()


def of(found: Counted) -> str:
    """``12 / 60``; of grades ``1.2 / 3``."""
    return f"{hits(found)} / {found.n:,}"


def hits(found: Counted) -> str:
    """``12``; of grades ``1.2``."""
    return f"{found.hits:,.{0 if found.hits == round(found.hits) else 1}f}"


def reasons(counts: Mapping[str, int]) -> str:
    """``3 empty, 1 pending``: what there is of each, without those that did not occur."""
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def said_of(found: Iterable[tuple[str, str]]) -> list[str]:
    """``Safety, Paired: No interval …``: each sentence once, after the names of all that it is about."""
    names: dict[str, dict[str, None]] = {}
    for name, sentence in found:
        if sentence:
            names.setdefault(sentence, {})[name] = None
    return [f"{', '.join(these)}: {sentence}" for sentence, these in names.items()]


def noun(number: int, one: str) -> str:
    """The form of a noun (or of a verb such as ``is``) that belongs to a number: ``samples``, ``strata``, ``are``."""
    return one if number == 1 else _IRREGULAR.get(one, f"{one}s")


def counted(number: int, one: str) -> str:
    """``1 sample``, ``2,000 samples``, ``1 stratum``."""
    return f"{number:,} {noun(number, one)}"
