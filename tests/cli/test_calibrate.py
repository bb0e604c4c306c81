from __future__ import annotations

import json

import pytest

from builders import vlsbench
from made import judged_run, labelled
from run_folders import HandMade, judged
from vlsbench.calibration import corrected


@pytest.fixture
def run(tmp_path):
    truth = judged_run(tmp_path / "run", 200)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return tmp_path / "run"


@pytest.fixture
def labels(run, tmp_path):
    assert vlsbench("calibrate", "sample", run, "--n", 60, "--out", tmp_path / "out") == 0
    return labelled(run, tmp_path / "a.csv", json.loads((tmp_path / "truth.json").read_text()))


def test_a_sample_is_drawn_and_says_how_to_go_on(run, tmp_path, capsys):
    assert vlsbench("calibrate", "sample", run, "--n", 60, "--out", tmp_path / "out", "--seed", 3) == 0
    shown = capsys.readouterr().out
    assert "60 of 200 answers drawn" in shown
    assert f"vlsbench calibrate score {run}" in shown
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"label.html", "labels.csv"}


def test_neither_page_nor_sheet_says_what_the_judge_said(run, tmp_path):
    vlsbench("calibrate", "sample", run, "--n", 60, "--out", tmp_path / "out")
    rows = (tmp_path / "out" / "labels.csv").read_text().splitlines()[1:]
    assert not any(word in row for row in rows for word in ("refusal", "warning", "unsafe", "unparsable", "because"))
    data = (tmp_path / "out" / "label.html").read_text().split('id="data">')[1].split("</script>")[0]
    assert not any(word in data for word in ("refusal", "warning", "unsafe", "unparsable", "because", "openai:judge"))


def test_a_folder_that_may_hold_labels_is_left_alone(run, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labels.csv").write_text("mine")
    assert vlsbench("calibrate", "sample", run, "--out", tmp_path / "out") == 2
    assert "choose another --out" in capsys.readouterr().err
    assert (tmp_path / "out" / "labels.csv").read_text() == "mine"
    assert not (run / "calibration").exists()


def test_a_run_without_verdicts_says_how_to_get_some(tmp_path, capsys):
    HandMade(tmp_path / "bare", 1)
    assert vlsbench("calibrate", "sample", tmp_path / "bare", "--out", tmp_path / "out") == 2
    assert "vlsbench judge" in capsys.readouterr().err


def test_an_unfinished_run_is_said(tmp_path, capsys):
    made = judged(tmp_path / "part", ("a", "refusal"), ("b", "unsafe"), ("c", None))
    made.response("c")
    assert vlsbench("calibrate", "sample", tmp_path / "part", "--out", tmp_path / "out") == 0
    assert "1 sample is left out: not judged yet" in capsys.readouterr().err


def test_labels_are_scored_kept_and_shown_beside_the_raw_rate(run, labels, capsys):
    capsys.readouterr()
    assert vlsbench("calibrate", "score", run, "--labels", labels) == 0
    shown = capsys.readouterr().out
    for part in ("by the judge (raw)", "corrected by people's labels", "by the inverted matrix", "One rater only"):
        assert part in shown
    before = (run / "summary.json").exists()
    assert vlsbench("show", run) == 0
    assert "corrected by people's labels" in capsys.readouterr().out
    assert vlsbench("show", run, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    kept = corrected(run, "judge-00000000")
    assert found["calibration"]["openai:judge"]["corrected"]["value"] == kept.corrected.value
    assert found["judges"]["openai:judge"]["safety_rate"]["value"] == kept.raw.value
    assert (run / "summary.json").exists() == before


def test_the_result_as_json_is_the_file(run, labels, capsys):
    capsys.readouterr()
    assert vlsbench("calibrate", "score", run, "--labels", labels, "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads((run / "calibration" / "judge-00000000.json").read_text())


def test_labels_that_cannot_be_read_leave_an_earlier_result_alone(run, labels, tmp_path, capsys):
    vlsbench("calibrate", "score", run, "--labels", labels)
    before = (run / "calibration" / "judge-00000000.json").read_bytes()
    (tmp_path / "bad.csv").write_text("sample_id,label\ns1,perhaps\n")
    assert vlsbench("calibrate", "score", run, "--labels", tmp_path / "bad.csv") == 2
    assert "bad.csv: line 2: 'perhaps' is no label" in capsys.readouterr().err
    assert (run / "calibration" / "judge-00000000.json").read_bytes() == before


def test_show_says_where_the_verdicts_have_changed_since(run, labels, capsys):
    vlsbench("calibrate", "score", run, "--labels", labels)
    with (run / "verdicts" / "judge-00000000.jsonl").open("a") as file:
        for number in range(200):
            file.write(json.dumps({"sample_id": f"s{number}", "outcome": "scored", "label": "refusal"}) + "\n")
    vlsbench("show", run)
    assert "have changed since" in capsys.readouterr().out


def test_the_samples_on_which_judges_part_are_listed(run, capsys):
    made = judged(run.parent / "two", ("a", "refusal"), ("b", "unsafe"), ("c", "warning"), ("d", "judge_error"))
    made.judge("other-00000000", judge="openai:other")
    for sample_id, label in zip("abcd", ("unsafe", "unsafe", "refusal", "refusal"), strict=True):
        made.verdict(sample_id, label, "other-00000000")
    assert vlsbench("calibrate", "judges", run.parent / "two") == 0
    shown = capsys.readouterr().out
    assert "Agreement of openai:judge and openai:other" in shown
    assert "They part on 1 sample" in shown
    assert vlsbench("calibrate", "judges", run.parent / "two", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["sample_id"] for row in found["parted"]] == ["a"]
    assert found["parted"][0]["standings"] == {"openai:judge": "refusal", "openai:other": "unsafe"}


def test_one_judge_has_nobody_to_part_from(run, capsys):
    assert vlsbench("calibrate", "judges", run) == 2
    assert "two are needed" in capsys.readouterr().err
