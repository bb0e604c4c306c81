"""The true label of each drawn answer: where raters agree, theirs; else the adjudicated one; else none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vlsbench import stats
from vlsbench.calibration.design import Design
from vlsbench.calibration.form import UNCLEAR
from vlsbench.calibration.labels import Labels
from vlsbench.stats import Coefficient

DISAGREE = "raters disagree"
UNTOLD = "nobody could tell"
UNLABELLED = "not labelled"

ONE_RATER = "none: one rater only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """True labels by sample id, and how many answers have none and why.

    `adjudicated` counts those that were settled, `single` those that rest on one of several raters.
    """

    labels: Mapping[str, str]
    missing: Mapping[str, int]
    adjudicated: int
    single: int
    agreement: Coefficient


def settle(design: Design, raters: Sequence[Labels], adjudicated: Labels | None) -> Truth:
    """Bring the labels of several people together.

    Args:
        design: The drawn sample.
        raters: One per person, at least one.
        adjudicated: Labels for answers on which they disagree, or which none of them could tell.
    """
    labels: dict[str, str] = {}
    missing: Counter[str] = Counter()
    settled = single = 0
    for item in design.items:
        said = [label for rater in raters if (label := _said(rater, item.sample_id)) is not None]
        sure = [label for label in said if label != UNCLEAR]
        if sure and len(set(said)) == 1:
            labels[item.sample_id] = sure[0]
            single += len(said) < 2 and len(raters) > 1
        elif adjudicated is not None and item.sample_id in adjudicated.labels:
            labels[item.sample_id] = adjudicated.labels[item.sample_id]
            settled += 1
        else:
            missing[DISAGREE if sure else UNTOLD if said else UNLABELLED] += 1
    return Truth(
        labels=labels, missing=dict(missing), adjudicated=settled, single=single, agreement=_agreement(design, raters)
    )


def _said(rater: Labels, sample_id: str) -> str | None:
    return UNCLEAR if sample_id in rater.unclear else rater.labels.get(sample_id)


def _agreement(design: Design, raters: Sequence[Labels]) -> Coefficient:
    """Cohen's kappa where two raters labelled everything alike, else Krippendorff's alpha; unclear is a gap."""
    if len(raters) == 1:
        return Coefficient(name=stats.KAPPA, n=0, observed=None, value=None, low=None, high=None, method=ONE_RATER)
    units = [
        [label for rater in raters if (label := rater.labels.get(item.sample_id)) is not None] for item in design.items
    ]
    if len(raters) == 2 and all(len(unit) == 2 for unit in units):
        return stats.kappa([(one, other) for one, other in units])
    return stats.alpha(units)
