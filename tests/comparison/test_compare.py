"""Rates on the samples in common, paired differences as one family, and the samples where runs part."""

import random

import pytest
from statsmodels.stats.multitest import multipletests

import vlsbench
from run_folders import judged
from vlsbench.comparison.differences import pair
from vlsbench.comparison.measures import measures
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.results import summary
from vlsbench.results.rates import JudgeRates
from vlsbench.results.samples import ListedSample
from vlsbench.stats import paired

BENIGN = {"expect": "benign"}
THREE, FIVE, GUARD = ("refusal", "warning", "unsafe"), ("refusal", "warning", "unsafe", "correct", "incorrect"), None
FIELDS = {
    "safety": "safety_rate",
    "unsafe": "unsafe_rate",
    "over_refusal": "over_refusal_rate",
    "paired": "paired_rate",
    "accuracy": "accuracy",
}


def two_runs(tmp_path, first, second, fields=None):
    """Two runs with a label for each of the samples s0, s1, …"""
    for name, labels in (("a", first), ("b", second)):
        rows = [(f"s{n}", label, (fields or {}).get(n, {})) for n, label in enumerate(labels)]
        judged(tmp_path / name, *rows, model=f"openai:{name}")
    return vlsbench.compare([tmp_path / "a", tmp_path / "b"])


def test_samples_of_one_group_are_one_unit_of_the_test(tmp_path):
    ours, theirs = ["refusal"] * 8 + ["unsafe"] * 12, ["unsafe"] * 20
    alone = two_runs(tmp_path / "alone", ours, theirs).differences[0].paired
    grouped = two_runs(tmp_path / "groups", ours, theirs, {n: {"group": f"g{n // 4}"} for n in range(20)})
    paired = grouped.differences[0].paired
    assert (alone.test, paired.test) == ("mcnemar-exact", "cluster-sign-flip-exact")
    assert alone.p_value == pytest.approx(2 / 2**8)
    assert paired.p_value == pytest.approx(2 / 2**2)
    assert (paired.clusters, paired.n) == (5, 20)


def test_a_group_that_only_one_run_knows_counts_for_both(tmp_path):
    for name, label in (("a", "refusal"), ("b", "unsafe")):
        rows = [(f"s{n}", label, {"group": f"g{n // 4}"} if name == "b" else {}) for n in range(20)]
        judged(tmp_path / name, *rows, model=f"openai:{name}")
    found = vlsbench.compare([tmp_path / "a", tmp_path / "b"])
    assert found.differences[0].paired.clusters == 5


def test_what_the_runs_cost_is_noted(tmp_path):
    for name, price in (("a", {"input": 1e6, "output": 0.0, "currency": "USD"}), ("b", None)):
        made = judged(tmp_path / name, ("s0", "refusal"), model=f"openai:{name}", price=price)
        made.response("s0", prompt_tokens=3, completion_tokens=1)
        made.verdict("s0", "refusal", requests=1, prompt_tokens=5, completion_tokens=1)
        summary.write(made.read)
    notes = vlsbench.compare([tmp_path / "a", tmp_path / "b"]).notes
    assert [note for note in notes if "Cost" in note] == [
        "Cost of whole runs: openai:a at least 3.00 USD; no price for openai:judge."
    ]


def test_a_difference_is_taken_sample_by_sample(tmp_path):
    found = two_runs(
        tmp_path, ["refusal", "warning", "unsafe", "judge_error"], ["unsafe", "warning", "unsafe", "refusal"]
    )
    (difference,) = found.differences
    assert difference.paired == paired([True, True, False], [False, True, False], unscored=1)
    assert difference.p_holm == difference.paired.p_value
    assert [run.overall.safety_rate.k for run in found.runs] == [2, 2]
    assert found.n == 4


def test_images_that_repeat_are_clusters(tmp_path):
    picture = {"image": "p.png", "image_sha256": "a" * 64}
    labels = ["refusal"] * 6, ["unsafe"] * 4 + ["refusal"] * 2
    found = two_runs(tmp_path, *labels, fields={0: picture, 1: picture, 2: picture})
    safe = [[label == "refusal" for label in column] for column in labels]
    assert found.differences[0].paired == paired(*safe, clusters=[0, 0, 0, 3, 4, 5])
    assert found.differences[0].paired.test == "cluster-sign-flip-exact"
    assert found.differences[0].paired.p_mcnemar == 0.125


def test_each_measure_over_all_samples_is_a_family_and_all_groups_are_one(tmp_path):
    chance = random.Random(1)
    for name in "abc":
        rows = []
        for n in range(60):
            fields = {"category": f"c{n % 3}", "expect": "benign" if n % 4 == 0 else "harmful"}
            rows.append((f"s{n}", chance.choices(THREE, (1, 1, "abc".index(name) + 1))[0], fields))
        judged(tmp_path / name, *rows, model=f"openai:{name}")
    found = vlsbench.compare([tmp_path / name for name in "abc"])
    kinds = [(each.measure, each.group) for each in found.differences]
    assert kinds == [("safety", None), ("over_refusal", None)] * 3 + [("safety", f"c{n}") for n in range(3)] * 3
    assert found.family == 15
    assert found.families == {"safety": 3, "over_refusal": 3, "by category": 9}
    for chosen in ([0, 2, 4], [1, 3, 5], range(6, 15)):
        family = [found.differences[number] for number in chosen]
        expected = multipletests([each.paired.p_value for each in family], method="holm")[1]
        assert [each.p_holm for each in family] == pytest.approx(list(expected))
    alone = vlsbench.compare([tmp_path / name for name in "abc"], by="none")
    assert alone.family == 6
    assert alone.differences == found.differences[:6]


def test_a_single_category_is_not_tested_twice(tmp_path):
    found = two_runs(tmp_path, ["refusal"] * 3, ["unsafe"] * 3)
    assert found.family == len(found.differences) == 1


@pytest.mark.parametrize(("first", "second"), [("refusal", "refusal"), ("unsafe", "unsafe"), ("refusal", "unsafe")])
def test_shares_of_none_and_all_still_have_intervals(tmp_path, first, second):
    (difference,) = two_runs(tmp_path, [first] * 30, [second] * 30).differences
    assert difference.paired.low < difference.paired.high
    assert 0 < difference.paired.p_value <= 1
    assert (difference.paired.p_value == 1) is (first == second)


def test_without_a_sample_that_both_scored_nothing_is_tested(tmp_path):
    found = two_runs(tmp_path, ["refusal", "judge_error"], ["judge_error", "refusal"])
    assert found.family == 0
    assert found.differences[0].p_holm is None
    assert found.differences[0].paired.unscored == 2


def test_samples_where_runs_part_are_listed_with_both_labels(tmp_path):
    labels = ["refusal", "warning", "unsafe", "refusal", "warning"], ["warning", "unsafe", "unsafe", "warning", None]
    found = two_runs(tmp_path, *labels, fields={3: BENIGN})
    parted = [(each.sample_id, each.measure, each.outcomes) for each in found.differing]
    assert parted == [("s1", "safety", ("warning", "unsafe")), ("s3", "over_refusal", ("refusal", "warning"))]


def test_guards_are_compared_by_their_own_label(tmp_path):
    for name, labels in (("a", ["safe", "unsafe", "unsafe"]), ("b", ["safe", "safe", "safe"])):
        made = judged(tmp_path / name, *((f"s{n}", label) for n, label in enumerate(labels)), model=f"openai:{name}")
        made.judge(judge="guard:g", labels=["safe", "unsafe"])
    found = vlsbench.compare([tmp_path / "a", tmp_path / "b"])
    assert found.measure == found.differences[0].measure == "unsafe"
    assert found.differences[0].paired.value == pytest.approx(2 / 3)
    assert "safety_rate" not in found.to_json()["runs"][0]


def test_too_few_runs_and_unknown_groupings_are_refused(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"))
    with pytest.raises(UserError, match=r"two runs or more.*vlsbench show"):
        vlsbench.compare([tmp_path / "a"])
    with pytest.raises(UnknownName, match="category"):
        vlsbench.compare([tmp_path / "a", tmp_path / "b"], by="categories")


@pytest.mark.parametrize("labels", [THREE, FIVE, ("safe", "unsafe")], ids=["three", "with-ability", "guard"])
@pytest.mark.parametrize("seed", range(8))
def test_measures_count_what_the_figures_of_a_run_count(labels, seed):
    """The one law that ties both readings of labels: a run compared with itself has its own rates."""
    chance = random.Random(seed)
    items = []
    for n in range(80):
        harmful = chance.random() < 0.6
        twin = f"s{chance.randrange(n)}" if n and chance.random() < 0.3 else None
        items.append(
            ListedSample(
                id=f"s{n}",
                category="c",
                sub_category="s",
                source="",
                harmful=harmful,
                cluster=f"i{n // 2}",
                twin_of=twin,
            )
        )
    outcomes = {item.id: chance.choice([*labels, "judge_error", "pending"]) for item in items}
    block = JudgeRates(items, outcomes, labels).block(items)
    found = measures(items, [outcomes], labels)
    assert found[0].name == ("unsafe" if labels == ("safe", "unsafe") else "safety")
    for measure in found:
        rate, itself = getattr(block, FIELDS[measure.name]), pair(measure, 0, 0)
        assert (int((measure.hits[0] == 1).sum()), itself.n, itself.unscored) == (rate.k, rate.n, rate.unscored)
