from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from builders import (
    LabellingJudge,
    TalkingModel,
    call_it_unsafe,
    hurry,
    say_yes,
    summary,
    texts,
    vlsbench,
)
from vlsbench import ablate, evaluate, miniworld
from vlsbench.core.types import Reply, ResponseOutcome
from vlsbench.demo import demonstrate
from vlsbench.store.run_folder import Run


class Agreeing:
    """A model that answers every query alike."""

    name = "agreeing"

    async def generate(self, prompt):
        return Reply(outcome=ResponseOutcome.OK, text="Yes.")


@pytest.fixture
def run(tmp_path, monkeypatch):
    hurry(monkeypatch)
    model, judge = TalkingModel(say_yes), LabellingJudge(call_it_unsafe)
    evaluate(model=model, dataset=texts(4), judge=judge, out=tmp_path / "run")
    return tmp_path / "run"


def test_the_summary_of_a_run_is_shown(run, capsys):
    assert vlsbench("show", run) == 0
    shown = capsys.readouterr()
    assert "talking on listed" in shown.out
    assert "4 samples: 4 ok" in shown.out
    assert re.search(r"safety \(refusal \+ warning\) +0\.0 % \[0\.0, \d+\.\d\] +0 / 4", shown.out)
    assert f"Run folder: {run}" in shown.out
    assert shown.err == ""


def test_the_summary_as_json_is_the_summary_file(run, capsys):
    assert vlsbench("show", run, "--json") == 0
    assert json.loads(capsys.readouterr().out) == summary(run)


def test_the_figures_come_from_the_records_and_not_from_the_summary_file(run, capsys):
    before = summary(run)
    (run / "summary.json").unlink()
    assert vlsbench("show", run, "--json") == 0
    assert json.loads(capsys.readouterr().out) == before


def test_a_run_at_work_can_be_shown(run, capsys):
    working = Run(run)
    working.lock()
    for path in (run / "responses.jsonl", *(run / "verdicts").iterdir()):
        path.write_bytes(path.read_bytes()[:-10])
    before = (run / "responses.jsonl").read_bytes()
    assert vlsbench("show", run) == 0
    shown = capsys.readouterr().out
    assert "3 ok, 1 pending" in shown
    assert "Unscored: 1 of 4 (1 pending). They are in no rate" in shown
    assert "lies between 0.0 % (all of them unsafe) and 25.0 % (all safe)" in shown
    assert (run / "responses.jsonl").read_bytes() == before
    working.unlock()


def test_a_run_that_has_hardly_begun_can_be_shown(run, capsys):
    for name in ("samples.jsonl", "responses.jsonl", "summary.json"):
        (run / name).unlink()
    for path in (run / "verdicts").iterdir():
        path.unlink()
    assert vlsbench("show", run) == 0
    assert "4 samples: 4 pending" in capsys.readouterr().out


def test_unscored_samples_do_not_change_the_exit_code(run, capsys):
    for path in (run / "verdicts").iterdir():
        path.write_text("")
    assert vlsbench("show", run) == 0
    assert "Unscored: 4 of 4" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_folder_that_is_no_run_is_named(tmp_path, capsys, place):
    assert vlsbench("show", tmp_path / place) == 2
    assert re.search(r"does not exist|is not a run folder", capsys.readouterr().err)


def test_a_newer_format_is_named(run, capsys):
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"version": 2}))
    assert vlsbench("show", run) == 2
    assert "has format 2; this version of vlsbench reads format 1" in capsys.readouterr().err


@pytest.mark.parametrize("option", [(), ("--json",)], ids=["table", "json"])
def test_an_audit_is_shown_as_its_command_showed_it(tmp_path, capsys, option):
    words = ("--dataset", "mini:leaky:4", "--guard", "guard:world", "--out", tmp_path / "a", "--no-ocr", *option)
    assert vlsbench("audit", *words) == 0
    before = capsys.readouterr().out
    assert vlsbench("show", tmp_path / "a", *option) == 0
    shown = capsys.readouterr().out
    assert shown in before if not option else json.loads(shown) == json.loads(before)


@pytest.mark.parametrize("option", [(), ("--json",)], ids=["table", "json"])
def test_an_ablation_is_shown_as_its_command_showed_it(tmp_path, capsys, monkeypatch, option):
    hurry(monkeypatch)
    found = ablate(
        model=Agreeing(),
        dataset="mini:leakless:4",
        judge=LabellingJudge(call_it_unsafe),
        conditions=("full", "text", "blank"),
        out=tmp_path / "a",
    )
    assert vlsbench("show", tmp_path / "a", *option) == 0
    shown = capsys.readouterr().out
    if option:
        assert json.loads(shown) == json.loads((tmp_path / "a" / "ablation.json").read_text())
    else:
        assert f"4 samples with an image, {found.n_harmful} harmful" in shown


def test_a_demonstration_is_shown(tmp_path, capsys, monkeypatch):
    hurry(monkeypatch)
    for variant in miniworld.VARIANTS:
        for split in demonstrate.SPLITS:
            judge = LabellingJudge(call_it_unsafe)
            evaluate(model=Agreeing(), dataset=f"mini:{split}:2", judge=judge, out=tmp_path / f"{variant}-{split}")
    assert vlsbench("show", tmp_path) == 0
    shown = capsys.readouterr().out
    assert "The miniature world, 2 samples per cell" in shown
    assert all(variant in shown for variant in miniworld.VARIANTS)


def test_a_folder_of_runs_says_which_there_are(run, capsys):
    assert vlsbench("show", run.parent) == 2
    assert f"It holds 1 run: {run}. Name one of them." in capsys.readouterr().err


def test_the_run_of_an_audits_guard_is_told_from_an_evaluation(tmp_path, capsys):
    assert vlsbench("audit", "--dataset", "mini:leaky:2", "--guard", "guard:world", "--out", tmp_path / "a") == 0
    assert vlsbench("show", tmp_path / "a" / "guard") == 2
    assert "audit.json" in capsys.readouterr().err


def test_the_run_folder_is_opened_once(run, monkeypatch, capsys):
    opened = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or read_bytes(path))
    assert vlsbench("show", run) == 0
    assert opened.count("manifest.json") == 1
    assert "Run folder" in capsys.readouterr().out
