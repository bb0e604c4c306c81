"""What a build would ask and give: before anybody is asked from the miniature's yields, after a pilot from its own."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import NormalDist, fmean, stdev

from vlsbench.construct import lines
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.gate.gate import element_of
from vlsbench.construct.recipe import Recipe
from vlsbench.construct.summary import ROLE_OF

_SCREENED = 0.73
_PAINTED = 1.35
_KEPT = 0.4
"""Yields of the miniature (its queries that pass the screen, its pictures painted for one that fits, its queries kept):
of a rewriter who leaks in a quarter of the queries, and a painter who errs in a quarter of the pictures."""

MINIATURE, PILOT = "the yields of the miniature", "the pilot in this folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A number to expect, with a 95 % interval where there is data to say."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Requests by role for `elements` elements, and the pairs to be kept; `basis` says what it rests on."""

    elements: int
    basis: str
    measured: int
    requests: Mapping[str, Expected]
    kept: Expected

    def to_json(self) -> dict[str, object]:
        """As ``--dry-run --json`` prints it."""
        return asdict(self)


def before(recipe: Recipe, elements: int) -> Forecast:
    """From the miniature's yields.

    Args:
        recipe: What is to be built.
        elements: How many elements.
    """
    queries = recipe.queries * elements
    pairs = _SCREENED * queries
    pictures = 0.0 if recipe.images is not None else _PAINTED * elements
    twins = _PAINTED * elements if recipe.paints_twins else 0.0
    benign = pairs * (recipe.paints_twins + recipe.twin_queries)
    by_role = {
        "author": elements * (1 + recipe.paints_twins) + (pairs if recipe.twin_queries else 0),
        "rewriter": queries,
        "screen": queries,
        "painter": pictures + twins,
        "inspector": pictures + twins,
        # Twins share their pair's text, and the pairs of an element its picture.
        "guard": 2 * pairs + benign + elements * (1 + recipe.paints_twins),
        "categoriser": _KEPT * queries,
    }
    if recipe.check_guard is not None:
        by_role["check_guard"] = by_role["guard"] * _KEPT / _SCREENED
    return Forecast(
        elements=elements,
        basis=MINIATURE,
        measured=0,
        requests={role: Expected(value=round(count)) for role, count in by_role.items()},
        kept=Expected(value=round(_KEPT * queries)),
    )


def after_pilot(folder: BuildFolder, done: int) -> Forecast:
    """From what the first elements of a build took and gave, extrapolated to all of them.

    Args:
        folder: The build.
        done: How many elements were taken up.
    """
    names = [element.id for element in folder.elements(done)]
    total = folder.manifest.elements
    asked: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for step, role in ROLE_OF.items():
        for row in lines.read(folder.steps / f"{step}.jsonl"):
            asked[role][element_of(str(row["sample_id"]).split("#", 1)[0])] += int(row.get("requests") or 0)
    kept = Counter(row["group"] for row in lines.read(folder.kept) if row["twin_of"] is None)
    return Forecast(
        elements=total,
        basis=PILOT,
        measured=len(names),
        requests={role: _extrapolated([counts[name] for name in names], total) for role, counts in asked.items()},
        kept=_extrapolated([kept[name] for name in names], total),
    )


def _extrapolated(counts: Iterable[float], total: int) -> Expected:
    """The sum to expect over all elements, from counts of some; elements are taken for independent."""
    row = [float(count) for count in counts]
    mean = fmean(row)
    if len(row) < 2:
        return Expected(value=round(total * mean))
    # Student's t by the Cornish-Fisher expansion: exact enough from 3 elements on, and no library.
    z, freedom = NormalDist().inv_cdf(0.975), len(row) - 1
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    # What was measured is known, so only the rest is uncertain.
    error = t * stdev(row) * math.sqrt(1 / len(row) + 1 / max(1, total - len(row))) * (total - len(row))
    return Expected(
        value=round(total * mean), low=round(max(sum(row), total * mean - error)), high=round(total * mean + error)
    )
