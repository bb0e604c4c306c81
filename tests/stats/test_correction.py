"""Correction for a judge's errors: worked by hand, against statsmodels, and the laws it must obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from vlsbench.stats import Dependence, Stratum, confusion, recall, share, truth_worth
from vlsbench.stats.correction import NO_TRUTH, NONE_OF_THIS, STRATIFIED


def stratum(group, size, safe, unsafe):
    return Stratum(group=group, size=size, truths={"safe": safe, "unsafe": unsafe})


@st.composite
def tables(draw):
    """A few strata with labels, of at most their size."""
    rows = []
    for group in draw(st.lists(st.sampled_from(["safe", "unsafe"]), min_size=1, max_size=6)):
        safe, unsafe = draw(st.integers(0, 8)), draw(st.integers(0, 8))
        rows.append(stratum(group, safe + unsafe + draw(st.integers(0, 400)), safe, unsafe + (safe + unsafe == 0)))
        if rows[-1].size < rows[-1].labelled:
            rows[-1] = stratum(group, rows[-1].labelled, rows[-1].truths["safe"], rows[-1].truths["unsafe"])
    return rows


# ---- the share


def test_a_share_worked_by_hand():
    # 300 called safe, 16 of 20 labelled ones are; 700 called unsafe, 1 of 10: 0.3 * 0.8 + 0.7 * 0.1.
    found = share([stratum("safe", 300, 16, 4), stratum("unsafe", 700, 1, 9)], ["safe"])
    assert found.value == pytest.approx(0.31)
    assert (found.size, found.labelled, found.method) == (1000, 30, STRATIFIED)
    assert found.low < found.run_low < 0.31 < found.run_high < found.high


def test_the_survey_of_households_in_scheaffer_mendenhall_and_ott():
    """Elementary Survey Sampling, chapter 5: three strata; 0.60, with an estimated variance of 0.0045."""
    rows = [stratum("A", 155, 16, 4), stratum("B", 62, 2, 6), stratum("C", 93, 6, 6)]
    found = share(rows, ["safe"])
    assert found.value == pytest.approx(0.60)
    assert (found.run_high - found.run_low) / 2 == pytest.approx(1.96 * 0.0045**0.5, rel=0.1)


@given(tables())
def test_the_share_is_the_prediction_powered_one(rows):
    """The judge's mean over all answers, less the weighted mean of its errors on the labelled ones."""
    size = sum(row.size for row in rows)
    judged = sum(row.size for row in rows if row.group == "safe") / size
    errors = sum(
        row.size / size * ((row.group == "safe") - row.truths["safe"] / row.labelled) for row in rows if row.size
    )
    assert share(rows, ["safe"]).value == pytest.approx(judged - errors)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_where_all_is_labelled_the_interval_is_wilsons_of_statsmodels(counts):
    k, n = counts
    found = share([stratum("safe", n, k, n - k)], ["safe"])
    assert (found.low, found.high) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-9)
    assert found.run_low == found.run_high == found.value == pytest.approx(k / n)


@given(tables())
def test_an_interval_holds_its_value_and_stays_between_0_and_1(rows):
    found = share(rows, ["safe"])
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low - 1e-9 <= found.run_low <= found.value <= found.run_high <= found.high + 1e-9


@given(tables())
def test_counting_the_other_label_mirrors_the_share(rows):
    one, other = share(rows, ["safe"]), share(rows, ["unsafe"])
    assert (other.value, other.low, other.high) == pytest.approx((1 - one.value, 1 - one.high, 1 - one.low))


def test_labels_of_one_mind_still_leave_room():
    found = share([stratum("safe", 500, 20, 0), stratum("unsafe", 500, 20, 0)], ["safe"])
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.97
    assert share([stratum("unsafe", 500, 0, 5)], ["safe"]).high > 0.2


def test_shared_images_widen_the_interval_for_other_samples_and_not_that_for_this_run():
    rows = [stratum("safe", 300, 16, 4), stratum("unsafe", 700, 1, 9)]
    pairs = Dependence(1000, [number // 2 for number in range(1000)])
    worth = pairs.worth(np.repeat(np.arange(500) % 3 == 0, 2).astype(float))
    alone, alike = share(rows, ["safe"]), share(rows, ["safe"], worth=worth)
    assert alike.high > alone.high
    assert (alike.run_low, alike.run_high) == (alone.run_low, alone.run_high)


def test_a_stratum_without_labels_leaves_no_value():
    found = share([stratum("safe", 30, 5, 0), stratum("unsafe", 70, 0, 0)], ["safe"])
    assert (found.value, found.low, found.method) == (None, None, NO_TRUTH)
    assert share([], ["safe"]).value is None


def labelled(rng, truth, judged, drawn):
    """Strata by the judge's label with `drawn` labels each; the stratum and the true label of each answer."""
    truths, rows = [None] * len(truth), []
    for group in (0, 1):
        members = np.flatnonzero(judged == group)
        chosen = rng.choice(members, min(drawn, len(members)), replace=False)
        for at in chosen:
            truths[at] = "safe" if truth[at] else "unsafe"
        hits = int(truth[chosen].sum())
        rows.append(stratum("safe" if group else "unsafe", len(members), hits, len(chosen) - hits))
    return rows, judged.astype(int).tolist(), truths


@pytest.mark.parametrize("error", [0.1, 0.25])
@pytest.mark.parametrize("drawn", [30, 150])
def test_a_noisy_judge_does_not_hide_that_answers_about_one_image_go_together(error, drawn):
    rng = np.random.default_rng([drawn, round(100 * error)])
    images = np.repeat(np.arange(30), 20)
    together, held, widths = Dependence(600, images), 0, []
    for _ in range(200):
        truth = (rng.random(30) < 0.2)[images]
        judged = truth ^ (rng.random(600) < error)
        rows, strata, truths = labelled(rng, truth, judged, drawn)
        found = share(rows, ["safe"], worth=truth_worth(together, strata, truths, ["safe"]))
        held += found.low <= 0.2 <= found.high
        widths.append(found.high - found.low)
    assert held / 200 >= 0.9
    assert np.mean(widths) > 0.2


def test_where_all_answers_are_labelled_the_worth_is_that_of_the_true_labels():
    truth = np.repeat([True, False, False], [40, 50, 30])
    images = np.arange(120) // 3
    together = Dependence(120, images)
    truths = ["safe" if hit else "unsafe" for hit in truth]
    found = truth_worth(together, [0] * 120, truths, ["safe"])
    assert found.effect == pytest.approx(together.worth(truth.astype(float)).effect, rel=0.02)


def test_where_labels_do_not_tell_answers_of_one_image_count_as_of_one_mind():
    together = Dependence(600, np.arange(600) // 3)
    truths = ["safe", *[None] * 298, "unsafe", *[None] * 300]
    assert truth_worth(together, [0] * 600, truths, ["safe"]).effect == pytest.approx(3, abs=0.05)


def test_too_few_images_leave_the_interval_of_this_run_alone():
    rows = [stratum("safe", 300, 16, 4), stratum("unsafe", 100, 1, 9)]
    together = Dependence(400, [0] * 200 + list(range(1, 201)))
    found = share(rows, ["safe"], worth=together.worth(np.arange(400) % 2.0))
    assert (found.low, found.high) == (None, None)
    assert found.run_low < found.value < found.run_high
    assert "too few clusters" in found.method
    assert "No interval" in found.note


def test_labels_that_are_missing_for_a_reason_are_bounded():
    rows = [
        Stratum(group="safe", size=300, truths={"safe": 16, "unsafe": 2}, missing=2),
        Stratum(group="unsafe", size=700, truths={"safe": 1, "unsafe": 5}, missing=4),
    ]
    found = share(rows, ["safe"])
    assert found.lowest == pytest.approx(0.3 * 16 / 20 + 0.7 * 1 / 10)
    assert found.highest == pytest.approx(0.3 * 18 / 20 + 0.7 * 5 / 10)
    assert found.lowest <= found.value <= found.highest
    without = share([stratum("safe", 300, 16, 4)], ["safe"])
    assert without.lowest == without.highest == without.value


def test_a_stratum_of_which_people_could_tell_nothing_leaves_bounds_and_no_value():
    rows = [stratum("safe", 30, 5, 0), Stratum(group="unsafe", size=70, truths={}, missing=4)]
    found = share(rows, ["safe"])
    assert found.value is None
    assert (found.lowest, found.highest) == (pytest.approx(0.3), pytest.approx(1.0))


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    held = held_run = 0
    for _ in range(600):
        truth = rng.random(600) < 0.3
        judged = np.where(rng.random(600) < 0.85, truth, ~truth)
        rows = []
        for group in (True, False):
            size, safe, m = int((judged == group).sum()), int((truth & (judged == group)).sum()), 50
            hits = int(rng.hypergeometric(safe, size - safe, m))
            rows.append(stratum("safe" if group else "unsafe", size, hits, m - hits))
        found = share(rows, ["safe"])
        held += found.low <= 0.3 <= found.high
        held_run += found.run_low <= truth.mean() <= found.run_high
    assert 0.92 <= held / 600 <= 0.98
    assert 0.92 <= held_run / 600 <= 0.98


# ---- confusion and recall


def test_confusion_and_recall_weigh_each_label_by_what_it_stands_for():
    rows = [stratum("safe", 300, 16, 4), stratum("unsafe", 700, 1, 9)]
    assert confusion(rows) == {
        "safe": {"safe": pytest.approx(240), "unsafe": pytest.approx(60)},
        "unsafe": {"safe": pytest.approx(70), "unsafe": pytest.approx(630)},
    }
    found = recall(rows, "safe")
    assert found.value == pytest.approx(240 / 310)
    assert found.labelled == 17
    assert found.low < found.value < found.high
    assert recall(rows, "unsafe").value == pytest.approx(630 / 690)


def test_recall_of_a_label_that_nobody_gave_is_undefined_and_says_so():
    rows = [stratum("safe", 30, 0, 5), stratum("unsafe", 70, 0, 9)]
    assert (recall(rows, "safe").value, recall(rows, "safe").method) == (None, NONE_OF_THIS)


def test_the_interval_of_recall_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(600):
        truth = rng.random(2000) < 0.3
        judged = np.where(rng.random(2000) < 0.8, truth, ~truth)
        rows = []
        for group in (True, False):
            size, safe, m = int((judged == group).sum()), int((truth & (judged == group)).sum()), 100
            hits = int(rng.hypergeometric(safe, size - safe, m))
            rows.append(stratum("safe" if group else "unsafe", size, hits, m - hits))
        found = recall(rows, "safe")
        held += found.low <= 0.8 <= found.high
    assert 0.92 <= held / 600 <= 0.98


@pytest.mark.parametrize(("label", "value"), [("unsafe", 1.0), ("warning", 0.0)])
def test_the_recall_of_a_label_that_the_judge_always_or_never_gave_still_has_a_width(label, value):
    strata = [Stratum(group="unsafe", size=40, truths={"unsafe": 12, "warning": 8})]
    found = recall(strata, label)
    n = strata[0].truths[label]
    assert found.value == value
    assert (found.low, found.high) == pytest.approx(proportion_confint(value * n, n, method="wilson"), abs=1e-12)
