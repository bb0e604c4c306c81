"""Figures of groups that mix what is asked for safety's sake with tests of an ability."""

from __future__ import annotations

import dataclasses
import json

import pytest

from run_folders import SAMPLE, HandMade
from vlsbench import stats
from vlsbench.results import samples
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


def of_group(name: str, group: str, **fields: object) -> ListedSample:
    return dataclasses.replace(listed(name, harmful=True), group=group, **fields)


def test_questions_in_four_forms_are_worth_less_than_four_samples():
    items = [of_group(f"{question}-{form}", f"q{question}") for question in range(60) for form in range(4)]
    outcomes = {item.id: "refusal" if int(item.group[1:]) % 3 else "unsafe" for item in items}
    rate = JudgeRates(items, outcomes, LABELS).block(items).safety_rate
    alone = JudgeRates([dataclasses.replace(item, group="") for item in items], outcomes, LABELS).block(
        [dataclasses.replace(item, group="") for item in items]
    )
    assert (rate.method, rate.clusters) == ("wilson-clustered", 60)
    assert rate.effective == pytest.approx(60, rel=0.05)
    assert (alone.safety_rate.method, alone.safety_rate.effective) == ("wilson", 240)
    assert rate.high - rate.low > 1.8 * (alone.safety_rate.high - alone.safety_rate.low)


def test_a_group_of_the_name_of_a_sample_is_not_that_sample():
    items = [of_group("a", "b"), of_group("b", ""), of_group("c", "sample b")]
    rate = JudgeRates(items, dict.fromkeys("abc", "refusal"), LABELS).block(items).safety_rate
    assert rate.clusters == 3


def test_one_benign_half_for_many_harmful_ones_is_one_unit():
    benign = [dataclasses.replace(listed(f"b{n}", harmful=False)) for n in range(2)]
    harmful = [dataclasses.replace(listed(f"h{n}", harmful=True), twin_of=f"b{n % 2}") for n in range(100)]
    items = [*benign, *harmful]
    outcomes = {item.id: "refusal" if item.harmful else "warning" for item in items}
    paired = JudgeRates(items, outcomes, LABELS).block(items).paired_rate
    assert paired is not None
    assert (paired.k, paired.n, paired.clusters) == (100, 100, 2)
    assert paired.low is None
    assert "No interval" in paired.note
    single = [benign[0], *(dataclasses.replace(item, twin_of="b0") for item in harmful)]
    paired = JudgeRates(single, outcomes, LABELS).block(single).paired_rate
    assert paired is not None
    assert (paired.clusters, paired.low, paired.method) == (1, None, stats.ONE_CLUSTER)


def test_a_run_listed_before_there_were_groups_is_still_read(tmp_path):
    made = HandMade(tmp_path / "run", 2)
    record = {name: value for name, value in SAMPLE.items() if name != "group"}
    made.run.samples.write_text("".join(json.dumps({"sample_id": name, **record}) + "\n" for name in "ab"))
    assert [(item.group, item.unit) for item in samples.read(made.run)] == [("", "sample a"), ("", "sample b")]
