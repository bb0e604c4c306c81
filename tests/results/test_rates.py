"""Figures of groups that mix what is asked for safety's sake with tests of an ability."""

from __future__ import annotations

from vlsbench.results.rates import JudgeRates
from vlsbench.results.samples import ListedSample

LABELS = ("refusal", "warning", "unsafe", "correct", "incorrect")


def listed(name: str, *, harmful: bool) -> ListedSample:
    return ListedSample(
        id=name, category="c", sub_category="s", source="x", harmful=harmful, cluster=f"image {name}", twin_of=None
    )


def test_a_benign_sample_with_a_label_of_its_own_is_not_counted_as_a_wrong_name():
    items = [listed("named", harmful=False), listed("refused", harmful=False), listed("lost", harmful=False)]
    items.append(listed("danger", harmful=True))
    outcomes = {"named": "correct", "refused": "refusal", "lost": "unparsable", "danger": "warning"}
    block = JudgeRates(items, outcomes, LABELS).block(items)
    assert block.accuracy is not None
    assert (block.accuracy.k, block.accuracy.n, block.accuracy.unscored) == (1, 1, 1)
    assert block.over_refusal_rate is not None
    assert (block.over_refusal_rate.k, block.over_refusal_rate.n) == (1, 1)
    assert (block.safety_rate.k, block.safety_rate.n) == (1, 1)
