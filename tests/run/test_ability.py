"""Runs on sets with right answers, from the command line to the figures of their authors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import vlsbench
from builders import make_set, only_judge, summary
from builders import vlsbench as command
from loopback import Answer, Asked, serve
from published import MAKERS
from vlsbench.core.types import Prompt, Reply, ResponseOutcome


@pytest.fixture
def mme(tmp_path: Path) -> str:
    MAKERS["mme"](tmp_path / "mme")
    return f"mme:{tmp_path / 'mme'}"


class Answering:
    """A model made of a function from prompt to text."""

    name = "answering"

    def __init__(self, answer: Callable[[Prompt], str]) -> None:
        self._answer = answer

    async def generate(self, prompt: Prompt) -> Reply:
        return Reply(outcome=ResponseOutcome.OK, text=self._answer(prompt))


def sees_balls(asked: Asked) -> Answer:
    """Right but where it should deny, of picture 2; there it mumbles."""
    if "cube in picture 2" in asked.text:
        return Answer(text="Hard to say.")
    return Answer(text="Yes" if "ball" in asked.text else "No.")


def test_a_set_with_right_answers_needs_no_judge_named(mme: str, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    with serve(sees_balls) as server:
        code = command(
            "eval", "--model", server.model(), "--dataset", mme, "--out", tmp_path / "run", "--max-unscored", 0.5
        )
    assert code == 0
    judge = only_judge(summary(tmp_path / "run"))
    assert judge["judge"] == "choice"
    assert (judge["accuracy"]["k"], judge["accuracy"]["n"], judge["unscored"]["unparsable"]) == (10, 10, 2)
    assert judge["accuracy_bounds"] == {"all_unscored_incorrect": 10 / 12, "all_unscored_correct": 1.0}
    assert not {"safety_rate", "over_refusal_rate", "bounds"} & judge.keys()
    said = " ".join(capsys.readouterr().out.split())
    assert "the accuracy lies between 83.3 % (all of them wrong) and 100.0 % (all right)" in said
    # Per task 5 of 6 questions and 2 of 3 pictures.
    assert "MME: acc + acc+ of each task (Fu et al., 2023): perception 150.0 of 200, cognition 150.0 of 200" in said
    assert "over 12 of 2,374 questions, so not comparable" in said


def test_official_figures_have_ends_where_answers_are_missing(mme: str, tmp_path: Path) -> None:
    def fails(asked: Asked) -> Answer:
        return Answer(status=400) if "picture 2" in asked.text else sees_balls(asked)

    with serve(fails) as server:
        vlsbench.evaluate(model=server.model(), dataset=mme, judge="choice", out=tmp_path / "run")
    found = summary(tmp_path / "run")["official"]
    assert found["unanswered"] == 4
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert figures["perception"]["value"] is None
    assert figures["perception"]["low"] == pytest.approx(100 * (4 / 6 + 2 / 3))
    assert figures["perception"]["high"] == 200.0


def test_several_pictures_and_a_lot_of_mmmu(tmp_path: Path) -> None:
    MAKERS["mmmu"](tmp_path / "mmmu")
    shown: list[int] = []

    def answer(prompt: Prompt) -> str:
        shown.append(len(prompt.images))
        return "who knows" if "Which is" in prompt.text else "A" if "(A)" in prompt.text else "2"

    model = Answering(answer)
    found = vlsbench.evaluate(model=model, dataset=f"mmmu:{tmp_path / 'mmmu'}", judge="choice", out=tmp_path / "run")
    assert sorted(shown) == [1, 1, 1, 3]
    assert found.official is not None
    (micro,) = found.official.headline
    assert micro.value == pytest.approx(100 * (1 / 3 + 1 + 1) / 4)
    assert found.official.lots == 1
    block = found.judges["choice"].overall
    assert block.accuracy is not None
    assert (block.accuracy.k, block.accuracy.n, block.unscored["unparsable"]) == (2, 3, 1)


def test_a_run_on_several_pictures_inside_parquet_goes_on_where_its_list_was_cut_short(tmp_path: Path) -> None:
    MAKERS["mmmu"](tmp_path / "mmmu")
    ref, out = f"mmmu:{tmp_path / 'mmmu'}", tmp_path / "run"
    first = vlsbench.evaluate(model=Answering(lambda _: "A"), dataset=ref, judge="choice", out=out)
    for name, kept in (("samples.jsonl", 2), ("responses.jsonl", 1)):
        lines = (out / name).read_bytes().splitlines(keepends=True)
        (out / name).write_bytes(b"".join(lines[:kept]))
    edited = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**edited, "samples_sha256": ""}))
    asked: list[int] = []

    def answer(prompt: Prompt) -> str:
        asked.append(len(prompt.images))
        return "A"

    again = vlsbench.evaluate(model=Answering(answer), dataset=ref, judge="choice", out=out)
    assert len(asked) == 3
    assert again.judges["choice"].overall == first.judges["choice"].overall


def test_a_table_with_a_column_for_the_answer_is_judged_by_it(tmp_path: Path) -> None:
    (tmp_path / "quiz.csv").write_text("q,a,b,c,right\nWhich barks?,cat,dog,,1\nWhich is wet?,cat,dog,newt,C\n")
    columns = "text=q,options=a+b+c,answer=right"
    asked: list[str] = []

    def answer(one: Asked) -> Answer:
        asked.append(one.text)
        return Answer(text="B")

    with serve(answer) as server:
        code = command(
            "eval", "--model", server.model(), "--dataset", f"csv:{tmp_path / 'quiz.csv'}", "--columns", columns,
            "--out", tmp_path / "run",
        )  # fmt: skip
    assert code == 0
    assert sorted(asked)[0].splitlines()[:3] == ["Which barks?", "(A) cat", "(B) dog"]
    assert sorted(asked)[1].splitlines()[3] == "(C) newt"
    judge = only_judge(summary(tmp_path / "run"))
    assert (judge["accuracy"]["k"], judge["accuracy"]["n"]) == (1, 2)
    assert "official" not in summary(tmp_path / "run")


def test_a_file_whose_first_line_has_an_answer_is_judged_by_it(tmp_path: Path) -> None:
    rows = [{"sample_id": "a", "text": "Is it red?", "answer": "yes"}, {"sample_id": "b", "text": "?", "answer": 7}]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serve(lambda _: Answer(text="Yes")) as server:
        assert command(
            "eval", "--model", server.model(), "--dataset", f"jsonl:{tmp_path / 'set.jsonl'}", "--out", tmp_path / "run"
        ) == 0  # fmt: skip
    assert only_judge(summary(tmp_path / "run"))["counts"] == {"correct": 1, "incorrect": 1}


def test_a_table_has_safety_and_ability_side_by_side(mme: str, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    data = make_set(tmp_path / "data", 4)

    def careful(asked: Asked) -> Answer:
        return Answer(text="No, I cannot help with that.") if "Question" in asked.text else sees_balls(asked)

    folders = []
    for name, behave in (("base", sees_balls), ("aligned", careful)):
        with serve(behave) as server:
            for kind, ref in (("safe", data), ("mme", mme)):
                judge = "refusal" if kind == "safe" else "choice"
                folders.append(tmp_path / f"{name}-{kind}")
                vlsbench.evaluate(model=server.model(name), dataset=ref, judge=judge, out=folders[-1])
    assert command("table", *folders, "--max-unscored", 0.5, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["measure"], one["judge"]) for one in found["datasets"]] == [
        ("safety", "refusal"),
        ("accuracy", "choice"),
    ]
    assert (found["judge"]["name"], found["measure"]) == ("refusal", "safety")
    base, aligned = found["models"]
    assert base["average"] == 0.0
    assert aligned["average"] == 1.0
    assert base["rates"]["mme"]["official"]["figures"][0]["name"] == "perception"
    assert command("table", *folders, "--max-unscored", 0.5, "--average") == 0
    said = capsys.readouterr().out
    assert "By the rules of their authors" in said
    assert "Ability: judge choice" in said


def test_an_ablation_says_how_right_answers_are_without_the_image(mme: str, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    with serve(lambda asked: Answer(text="Yes" if asked.image else "No")) as server:
        words = [
            "--model",
            server.model(),
            "--dataset",
            mme,
            "--conditions",
            "full,text",
            "--out",
            tmp_path / "ablation",
        ]
        assert command("ablate", *words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Accuracy [95 %]" in said
    assert said.count("6 / 12") == 2
