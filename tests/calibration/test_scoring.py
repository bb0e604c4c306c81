"""People's labels correct a judge whose truth is known."""

import json

import pytest

from made import judged_run, labelled, only_design, write_labels
from run_folders import HandMade
from vlsbench.calibration import corrected, drawing, scoring, store
from vlsbench.calibration.truth import DISAGREE, UNLABELLED, UNTOLD
from vlsbench.core.errors import RunError, UserError
from vlsbench.stats import ALPHA, KAPPA
from vlsbench.store.run_folder import Run


@pytest.fixture
def place(tmp_path):
    """A run of 900 answers, 200 of them drawn; its truth is in ``truth.json``."""
    truth = judged_run(tmp_path / "run", 900, right=0.7)
    drawing.draw(tmp_path / "run", tmp_path / "out", n=200)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return tmp_path


@pytest.fixture
def truth(place):
    return json.loads((place / "truth.json").read_text())


def test_the_corrected_interval_covers_the_truth_that_the_raw_one_misses(place, truth):
    found = scoring.score(place / "run", [labelled(place / "run", place / "a.csv", truth)])
    safe = sum(label != "unsafe" for label in truth.values()) / len(truth)
    assert found.answered.run_low <= safe <= found.answered.run_high
    assert found.corrected.low <= safe <= found.corrected.high
    assert not found.raw.low <= safe <= found.raw.high
    assert found.inversion.value == pytest.approx(found.corrected.value)
    assert (found.labelled, found.drawn, found.corrected.size) == (200, 200, found.raw.n)
    assert found.answered.size == 900
    assert sum(row.value for row in found.shares.values()) == pytest.approx(1)


def test_the_intervals_cover_the_truth_in_most_of_many_runs(tmp_path):
    held = 0
    for seed in range(20):
        run = tmp_path / f"run{seed}"
        truth = judged_run(run, 200, right=0.7, seed=seed)
        drawing.draw(run, tmp_path / f"out{seed}", n=80, seed=seed)
        found = scoring.score(run, [labelled(run, tmp_path / f"{seed}.csv", truth)])
        safe = sum(label != "unsafe" for label in truth.values()) / len(truth)
        held += found.answered.run_low <= safe <= found.answered.run_high
    assert held >= 17


def test_a_perfect_judge_is_confirmed(tmp_path):
    truth = judged_run(tmp_path / "run", 300, right=1.0)
    drawing.draw(tmp_path / "run", tmp_path / "out", n=100)
    found = scoring.score(tmp_path / "run", [labelled(tmp_path / "run", tmp_path / "a.csv", truth)])
    assert found.corrected.value == pytest.approx(found.raw.value)
    assert all(share.value == 1 for share in found.recall.values())
    assert found.confusion["unsafe"]["unsafe"] > 0
    assert found.confusion["unsafe"]["refusal"] == 0


def test_two_raters_have_kappa_and_more_have_alpha(place, truth):
    files = [labelled(place / "run", place / f"{n}.csv", truth, wrong=0.2, seed=n) for n in range(3)]
    two, three = scoring.score(place / "run", files[:2]), scoring.score(place / "run", files)
    assert (two.agreement.name, three.agreement.name) == (KAPPA, ALPHA)
    assert two.agreement.low < two.agreement.value < two.agreement.high
    assert two.without_truth[DISAGREE] > 20
    assert two.labelled + two.without_truth[DISAGREE] == 200


def test_disagreement_is_settled_by_the_adjudicated_label_and_else_is_no_truth(place, truth):
    one = labelled(place / "run", place / "a.csv", truth)
    other = labelled(place / "run", place / "b.csv", truth, wrong=0.3)
    settled = scoring.score(place / "run", [one, other], one)
    assert settled.labelled == 200
    open_ = scoring.score(place / "run", [one, other])
    assert open_.labelled < 200
    assert any("raters disagree" in warning for warning in open_.warnings)


def test_a_gap_gives_alpha_and_unclear_is_no_truth(place, truth):
    items = only_design(place / "run").items
    rows = [(item.sample_id, truth[item.sample_id]) for item in items]
    one = write_labels(place / "a.csv", [*rows[:-2], (rows[-2][0], "unclear"), (rows[-1][0], "")])
    other = write_labels(place / "b.csv", [*rows[:-2], (rows[-2][0], "?"), (rows[-1][0], "")])
    found = scoring.score(place / "run", [one, other])
    assert found.agreement.name == ALPHA
    assert found.without_truth == {UNTOLD: 1, UNLABELLED: 1}


def test_one_rater_only_is_said(place, truth):
    found = scoring.score(place / "run", [labelled(place / "run", place / "a.csv", truth)])
    assert found.agreement.value is None
    assert any(warning.startswith("One rater only") for warning in found.warnings)


def test_labels_that_are_all_equal_leave_kappa_undefined_and_a_rate_of_0(place):
    items = only_design(place / "run").items
    files = [write_labels(place / name, [(item.sample_id, "unsafe") for item in items]) for name in ("a.csv", "b.csv")]
    found = scoring.score(place / "run", files)
    assert found.agreement.value is None
    assert any("undefined" in warning for warning in found.warnings)
    assert (found.corrected.value, found.corrected.low) == (0, 0)
    assert 0 < found.corrected.high < 0.05
    assert found.inversion.value is None
    assert found.recall["refusal"].value is None


def test_strata_without_labels_are_joined_or_leave_no_rate(place, truth):
    found = only_design(place / "run")
    groups = [found.strata[item.stratum].group for item in found.items]
    some = [item for item, group in zip(found.items, groups, strict=True) if group != "unscored"]
    write_labels(place / "a.csv", [(item.sample_id, truth[item.sample_id]) for item in some])
    without_unscored = scoring.score(place / "run", [place / "a.csv"])
    assert without_unscored.corrected.value is not None
    assert without_unscored.answered.value is None
    one = {group: item for item, group in zip(found.items, groups, strict=True)}
    write_labels(place / "b.csv", [(item.sample_id, truth[item.sample_id]) for item in one.values()])
    joined = scoring.score(place / "run", [place / "b.csv"])
    assert any("joined" in warning for warning in joined.warnings)
    assert joined.corrected.size == found.raw.n
    write_labels(place / "c.csv", [(one["unsafe"].sample_id, "unsafe")])
    bare = scoring.score(place / "run", [place / "c.csv"])
    assert bare.corrected.value is None
    assert any("No corrected rate" in warning for warning in bare.warnings)


def test_a_guard_is_corrected_by_its_two_labels(tmp_path):
    made = HandMade(tmp_path / "run", 200)
    made.judge(judge="guard:openai:g", labels=["safe", "unsafe"])
    for number in range(200):
        made.sample(f"s{number}")
        made.response(f"s{number}")
        record = {"sample_id": f"s{number}", "outcome": "scored", "label": ("safe", "unsafe")[number % 2]}
        made.append(made.run.verdicts("judge-00000000"), record)
    drawing.draw(tmp_path / "run", tmp_path / "out", n=60)
    truth = {f"s{number}": "unsafe" if number % 2 or number % 8 == 0 else "warning" for number in range(200)}
    found = scoring.score(tmp_path / "run", [labelled(tmp_path / "run", tmp_path / "a.csv", truth)])
    assert found.raw.value == 0.5
    assert found.corrected.low <= 0.375 <= found.corrected.high
    assert set(found.recall) == {"safe", "unsafe"}
    assert found.recall["safe"].value == 1
    assert found.inversion.method.startswith("rogan-gladen")


def test_benign_samples_check_over_refusal_and_stay_out_of_the_safety_rate(tmp_path):
    made = HandMade(tmp_path / "run", 120)
    made.judge()
    for number in range(120):
        made.sample(f"s{number}", expect="benign" if number < 60 else "harmful")
        made.response(f"s{number}")
        made.verdict(f"s{number}", "refusal" if number % 2 else "unsafe")
    drawing.draw(tmp_path / "run", tmp_path / "out", n=120)
    truth = {f"s{number}": "refusal" if number % 4 == 1 else "unsafe" for number in range(120)}
    found = scoring.score(tmp_path / "run", [labelled(tmp_path / "run", tmp_path / "a.csv", truth)])
    assert (found.corrected.size, found.corrected.value) == (60, 0.25)
    assert (found.over_refusal.size, found.over_refusal.value, found.over_refusal_raw) == (60, 0.25, 0.5)
    assert found.over_refusal.run_low == found.over_refusal.run_high == 0.25


def test_answers_about_one_image_widen_what_people_say_of_over_refusal(tmp_path):
    made = HandMade(tmp_path / "run", 200)
    made.judge()
    for number in range(200):
        made.sample(f"s{number}", expect="benign", image="a.png", image_sha256=f"{number // 5:064x}")
        made.response(f"s{number}")
        made.verdict(f"s{number}", "refusal" if number % 2 else "unsafe")
    drawing.draw(tmp_path / "run", tmp_path / "out", n=200)
    truth = {f"s{number}": "refusal" if (number // 5) % 4 == 1 else "unsafe" for number in range(200)}
    found = scoring.score(tmp_path / "run", [labelled(tmp_path / "run", tmp_path / "a.csv", truth)])
    assert found.over_refusal.value == 0.25
    assert found.over_refusal.high - found.over_refusal.low > 0.24  # 0.12 if all answers were independent


def test_drawn_answers_without_a_true_label_are_bounded(place, truth):
    told = {name: label if number % 3 else "unclear" for number, (name, label) in enumerate(sorted(truth.items()))}
    found = scoring.score(place / "run", [labelled(place / "run", place / "a.csv", told)])
    assert found.corrected.lowest < found.corrected.value < found.corrected.highest
    assert any("the bounds say" in warning for warning in found.warnings)


# ---- what does not fit


def test_unknown_samples_are_named_with_file_and_line(place):
    path = write_labels(place / "a.csv", [("s1", "1"), ("nobody", "1")])
    with pytest.raises(
        UserError, match=r"a\.csv: .*line 3: sample 'nobody' is not among those drawn.*Nothing was read"
    ):
        scoring.score(place / "run", [path])


def test_labels_of_another_run_are_refused(place, truth, tmp_path):
    judged_run(tmp_path / "other", 300)
    path = labelled(place / "run", place / "a.csv", truth)
    with pytest.raises(UserError, match="Nothing was drawn"):
        scoring.score(tmp_path / "other", [path])
    drawing.draw(tmp_path / "other", tmp_path / "out2", n=50)
    with pytest.raises(UserError, match="Is it from another run"):
        scoring.score(tmp_path / "other", [path])


def test_a_sheet_that_nobody_filled_in_is_refused(place):
    with pytest.raises(UserError, match="no answer is labelled yet"):
        scoring.score(place / "run", [place / "out" / "labels.csv"])


def test_one_file_given_twice_is_no_second_rater(place, truth):
    path = labelled(place / "run", place / "a.csv", truth)
    with pytest.raises(UserError, match="given twice"):
        scoring.score(place / "run", [path, place / "out" / ".." / "a.csv"])


def test_labels_without_a_design_need_a_single_one(place, truth):
    found = only_design(place / "run")
    path = write_labels(place / "a.csv", [(item.sample_id, truth[item.sample_id]) for item in found.items])
    assert scoring.score(place / "run", [path]).design == found.id
    drawing.draw(place / "run", place / "out2", n=100, seed=7)
    with pytest.raises(UserError, match="which of the 2 samples"):
        scoring.score(place / "run", [path])


def test_answers_that_have_changed_are_refused(place, truth):
    path = labelled(place / "run", place / "a.csv", truth)
    responses = place / "run" / "responses.jsonl"
    responses.write_text(responses.read_text().replace("An answer.", "Another."))
    with pytest.raises(UserError, match="no longer those"):
        scoring.score(place / "run", [path])


def test_verdicts_that_have_changed_are_said(place, truth):
    path = labelled(place / "run", place / "a.csv", truth)
    with (place / "run" / "verdicts" / "judge-00000000.jsonl").open("a") as file:
        for number in range(900):
            file.write(json.dumps({"sample_id": f"s{number}", "outcome": "scored", "label": "refusal"}) + "\n")
    found = scoring.score(place / "run", [path])
    assert any("verdicts have changed" in warning for warning in found.warnings)
    assert found.raw.value < 1


# ---- kept


def test_a_calibration_is_read_back_as_it_was(place, truth):
    found = scoring.score(place / "run", [labelled(place / "run", place / "a.csv", truth)])
    assert corrected(place / "run", found.stem) is None
    path = store.save(Run(place / "run"), found)
    assert path == place / "run" / "calibration" / "judge-00000000.json"
    assert corrected(place / "run", found.stem) == found
    path.write_text("{")
    with pytest.raises(RunError, match="damaged"):
        corrected(place / "run", found.stem)
    path.write_text('{"version": 2}')
    with pytest.raises(RunError, match="format 2"):
        corrected(place / "run", found.stem)
