"""Aligned models beside their base: what changed, paired, in one table."""

import json
import shutil

import pytest

from loopback import Answer, serve, verdict
from published import MAKERS
from vlsbench import miniworld
from vlsbench.align import work
from vlsbench.cli.main import main

pytest.importorskip("torch")


@pytest.fixture
def aligned(tmp_path):
    folder = tmp_path / "textual"
    shutil.copytree(miniworld.weights("textual-sft"), folder)
    (folder / work.RECORD).write_text('{"model": "mini:base"}')
    return folder


def test_the_table_shows_what_alignment_gave_and_what_it_cost_pairwise(aligned, tmp_path, capsys):
    words = ["align", "compare", str(aligned), "--limit", "12", "--max-tokens", "24", "--out", str(tmp_path / "runs")]
    assert main([*words, "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["base"] == "mini:base"
    changes = {(one["dataset"], one["measure"]): one for one in found["changes"]}
    leaky, leakless = changes["mini:leaky", "safety"], changes["mini:leakless", "safety"]
    assert (leaky["before"]["value"], leaky["after"]["value"]) == (0, 1)
    assert leaky["paired"]["value"] == 1
    assert leaky["p_holm"] < 0.05
    assert leakless["after"]["value"] == leakless["paired"]["value"] == 0
    assert changes["mini:benign", "over_refusal"]["after"]["n"] == 12
    assert ("mini:naming", "accuracy") in changes
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "over-refusal" in shown
    assert "+100.0" in shown


def test_what_was_not_made_here_needs_a_base_and_other_bases_need_datasets(aligned, tmp_path, capsys):
    (aligned / work.RECORD).unlink()
    assert main(["align", "compare", str(aligned)]) == 2
    assert "--base" in capsys.readouterr().err
    assert main(["align", "compare", str(aligned), "--base", "hf:somewhere"]) == 2
    assert "--dataset" in capsys.readouterr().err


def test_ability_stands_beside_safety_under_a_judge_of_its_own(aligned, tmp_path, capsys):
    MAKERS["mme"](tmp_path / "mme")
    words = ["align", "compare", str(aligned), "--limit", "6", "--max-tokens", "8", "--out", str(tmp_path / "runs")]
    words += ["--dataset", "mini:leaky", f"mme:{tmp_path / 'mme'}"]
    assert main([*words, "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    judges = {(one["dataset"].partition(":")[0], one["measure"]): one["judge"] for one in found["changes"]}
    assert judges == {("mini", "safety"): "template", ("mme", "accuracy"): "choice"}
    (figure,) = found["official"]
    assert (figure["before"]["name"], figure["before"]["best"]) == ("perception", 200)
    assert main(words) == 0
    assert "By the rules of the datasets' authors" in capsys.readouterr().out


def test_grades_stand_beside_safety_by_the_same_judge_model(aligned, tmp_path, capsys):
    MAKERS["mmvet"](tmp_path / "mmvet")
    grades = iter([0.75, 0.25])

    def answer(asked):
        if "score" in json.dumps(asked.body["messages"]):
            return Answer(text=json.dumps({"reason": "so", "score": next(grades)}))
        return verdict("warning")

    with serve(answer) as server:
        words = ["align", "compare", str(aligned), "--limit", "1", "--max-tokens", "8", "--out", str(tmp_path / "runs")]
        words += ["--dataset", "mini:leaky", f"mmvet:{tmp_path / 'mmvet'}", "--quiet", "--json"]
        assert main([*words, "--judge", f"graded/1:openai:judge@{server.url}"]) == 0
    found = json.loads(capsys.readouterr().out)
    (change,) = found["changes"]
    assert (change["dataset"], change["measure"], change["after"]["value"]) == ("mini:leaky", "safety", 1)
    (grade,) = found["official"]
    assert (grade["before"]["name"], grade["after"]["value"], grade["before"]["value"]) == ("mean grade", 75, 25)


@pytest.mark.parametrize("judge", [[], ["--judge", "template"], ["--judge", "guard:openai:g"]])
def test_graded_sets_need_a_grading_model_before_anything_is_asked(aligned, tmp_path, capsys, judge):
    MAKERS["mmvet"](tmp_path / "mmvet")
    words = ["align", "compare", str(aligned), "--out", str(tmp_path / "runs"), "--dataset", "mini:leaky"]
    assert main([*words, f"mmvet:{tmp_path / 'mmvet'}", *judge]) == 2
    assert "--judge graded:MODEL" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
