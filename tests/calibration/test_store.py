"""The corrected rate of a calibrated judge travels along, beside the raw one."""

import dataclasses

import pytest

import vlsbench
from builders import vlsbench as command
from made import judged_run, labelled
from vlsbench import calibration
from vlsbench.comparison.table import table


@pytest.fixture
def runs(tmp_path):
    """Two runs of one model, the first with a calibrated judge."""
    truth = judged_run(tmp_path / "a", right=0.8)
    judged_run(tmp_path / "b", right=0.6)
    assert command("calibrate", "sample", tmp_path / "a", "--n", 80, "--out", tmp_path / "labels") == 0
    labels = labelled(tmp_path / "a", tmp_path / "ann.csv", truth)
    assert command("calibrate", "score", tmp_path / "a", "--labels", labels) == 0
    return [tmp_path / "a", tmp_path / "b"]


def test_a_calibrated_run_has_its_corrected_rate_beside_the_raw_one(runs, capsys):
    first, second = vlsbench.compare(runs).runs
    found = calibration.corrected(runs[0], next((runs[0] / "verdicts").glob("*.jsonl")).stem)
    assert first.corrected == found.corrected
    assert second.corrected is None
    assert vlsbench.compare(runs).to_json()["runs"][0]["corrected"] == dataclasses.asdict(found.corrected)
    assert table(runs[:1]).cells[0][0].corrected == found.corrected
    capsys.readouterr()
    for name in ("compare", "leaderboard", "table"):
        words = runs[:1] if name == "table" else runs
        for form in ((), ("--markdown",), ("--latex",), ("--csv",)):
            assert command(name, *words, *form, "--max-unscored", "1") == 0
            assert "orrected" in capsys.readouterr().out


def test_a_calibration_of_earlier_figures_is_left_out_and_said(runs):
    (file,) = (runs[0] / "verdicts").glob("*.jsonl")
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[20:]))
    found = vlsbench.compare(runs)
    assert found.runs[0].corrected is None
    assert any("earlier figures" in note for note in found.notes)
