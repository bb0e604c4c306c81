"""Answers are drawn from strata, with a seed, and nothing gives the strata away."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made import judged_run
from run_folders import HandMade, judged
from vlsbench.calibration import design, drawing, population, sampling
from vlsbench.calibration.population import ABILITY, NO_ANSWER, NOT_JUDGED
from vlsbench.core.errors import RunError, UserError
from vlsbench.results import judged_run as reading


def drawn(path, n=60, seed=0):
    return sampling.draw(population.read(reading.read(path)), n, seed)


@given(
    st.lists(st.tuples(st.integers(1, 500), st.sampled_from(["refusal", "warning", "unscored", "safe"])), min_size=1),
    st.integers(1, 600),
)
def test_every_label_is_given_out_and_no_stratum_goes_without(strata, n):
    sizes = [size for size, _ in strata]
    taken = sampling.allocate(sizes, [group for _, group in strata], n)
    least = [min(2, size) for size in sizes]
    assert all(few <= count <= size for few, count, size in zip(least, taken, sizes, strict=True))
    assert sum(taken) == max(sum(least), min(n, sum(sizes)))


def test_large_and_doubtful_strata_get_more_labels():
    small, large, doubtful = sampling.allocate([100, 300, 300], ["refusal", "refusal", "warning"], 100)
    assert small < large < doubtful


def test_strata_are_the_judges_label_by_category_with_the_unscored_by_themselves(tmp_path):
    judged_run(tmp_path / "run", 300)
    found = drawn(tmp_path / "run", 80)
    assert {plan.group for plan in found.strata} == {"refusal", "warning", "unsafe", "unscored"}
    assert sum(plan.size for plan in found.strata) == 300
    assert sum(plan.drawn for plan in found.strata) == len(found.items) == 80
    assert min(plan.size for plan in found.strata) >= 5
    assert len({item.sample_id for item in found.items}) == 80
    outcome = reading.read(tmp_path / "run").outcome
    for item in found.items:
        plan = found.strata[item.stratum]
        assert outcome(item.sample_id) == plan.group or plan.group == "unscored"


def test_the_same_seed_draws_the_same_answers_and_another_others(tmp_path):
    judged_run(tmp_path / "run", 200)
    one, again, other = drawn(tmp_path / "run"), drawn(tmp_path / "run"), drawn(tmp_path / "run", seed=1)
    assert one == again
    assert one.id != other.id
    assert [item.sample_id for item in one.items] != [item.sample_id for item in other.items]


def test_the_order_gives_no_stratum_away(tmp_path):
    judged_run(tmp_path / "run", 300)
    order = [item.stratum for item in drawn(tmp_path / "run", 100).items]
    changes = sum(one != other for one, other in itertools.pairwise(order))
    assert changes > 60


def test_where_n_is_small_categories_are_merged_and_labels_never(tmp_path):
    judged_run(tmp_path / "run", 300)
    found = drawn(tmp_path / "run", 8)
    assert Counter(plan.group for plan in found.strata) == Counter(["refusal", "warning", "unsafe", "unscored"])
    assert {plan.categories for plan in found.strata if plan.group == "unsafe"} == {("Attic", "Garden", "Kitchen")}
    with pytest.raises(UserError, match="--n 7 is too small: 8 labels"):
        drawn(tmp_path / "run", 7)


def test_more_than_there_is_draws_everything(tmp_path):
    judged_run(tmp_path / "run", 40)
    assert len(drawn(tmp_path / "run", 1000).items) == 40


def test_what_cannot_be_labelled_is_counted(tmp_path):
    judged(
        tmp_path / "run",
        ("a", "refusal"),
        ("b", "unsafe"),
        ("c", "no_response"),
        ("d", None),
        ("e", "judge_error"),
    )
    found = population.read(reading.read(tmp_path / "run"))
    assert [member.sample_id for member in found.members] == ["a", "b", "e"]
    assert found.left_out == {NO_ANSWER: 2}


def test_an_answer_that_was_not_judged_yet_is_left_out(tmp_path):
    made = judged(tmp_path / "run", ("a", "refusal"), ("b", None))
    made.response("b")
    assert population.read(reading.read(tmp_path / "run")).left_out == {NOT_JUDGED: 1}


def test_samples_that_test_an_ability_are_left_out(tmp_path):
    made = HandMade(tmp_path / "run", 3)
    made.judge(labels=["refusal", "warning", "unsafe", "correct", "incorrect"])
    for sample_id, label, expect in (
        ("a", "unsafe", "harmful"),
        ("b", "correct", "benign"),
        ("c", "refusal", "benign"),
    ):
        made.sample(sample_id, expect=expect)
        made.response(sample_id)
        record = {"sample_id": sample_id, "outcome": "scored", "label": label}
        made.append(made.run.verdicts("judge-00000000"), record)
    found = population.read(reading.read(tmp_path / "run"))
    assert [member.sample_id for member in found.members] == ["a", "c"]
    assert found.left_out == {ABILITY: 1}


def test_a_run_of_which_nothing_is_judged_gives_nothing_to_draw(tmp_path):
    judged(tmp_path / "run", ("a", None))
    with pytest.raises(UserError, match="no answer can be labelled"):
        drawn(tmp_path / "run")


def test_a_design_is_read_back_as_it_was_and_a_damaged_one_is_named(tmp_path):
    judged_run(tmp_path / "run", 60)
    found = drawn(tmp_path / "run", 20)
    path = design.save(reading.read(tmp_path / "run").run, found)
    assert design.read(path) == found
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunError, match="damaged"):
        design.read(path)
    path.write_text('{"version": 99}')
    with pytest.raises(RunError, match="format 99"):
        design.read(path)


def test_drawing_goes_on_where_a_kill_left_the_sheet_alone(tmp_path, monkeypatch):
    run = tmp_path / "run"
    judged_run(run)
    whole = drawing.draw(run, tmp_path / "whole", n=10)
    half = tmp_path / "half"
    half.mkdir()
    (half / drawing.SHEET).write_bytes(whole.sheet.read_bytes())
    (half / f".{drawing.PAGE}.part").write_bytes(b"<html>")
    again = drawing.draw(run, half, n=10)
    assert again.sheet.read_bytes() == whole.sheet.read_bytes()
    assert again.page.read_bytes() == whole.page.read_bytes()


@pytest.mark.parametrize("change", ["labelled", "finished"])
def test_a_folder_that_may_hold_labels_is_left_alone(tmp_path, change):
    run = tmp_path / "run"
    judged_run(run)
    drawn = drawing.draw(run, tmp_path / "out", n=10)
    if change == "labelled":
        drawn.page.unlink()
        drawn.sheet.write_bytes(drawn.sheet.read_bytes() + b"\n")
    with pytest.raises(UserError, match="may hold labels"):
        drawing.draw(run, tmp_path / "out", n=10)
