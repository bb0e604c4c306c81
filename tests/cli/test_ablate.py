"""`vlsbench ablate` as a user meets it."""

from __future__ import annotations

import json

import pytest

from builders import hurry, make_set, vlsbench
from loopback import Answer, serve, verdict
from vlsbench import stats
from vlsbench.core.words import points


@pytest.fixture(autouse=True)
def _quick_and_without_keys(monkeypatch):
    hurry(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def careful_with_pictures(asked):
    if asked.is_judging:
        return verdict("warning" if "Careful" in asked.text else "unsafe")
    return Answer(text="Careful." if asked.image else "Go ahead.")


@pytest.fixture
def words(tmp_path):
    """The command, on three samples."""
    with serve(careful_with_pictures) as server:
        dataset = make_set(tmp_path / "data", 3)

        def command(*more, dataset=dataset):
            given = ["ablate", "--model", server.model(), "--judge", server.judge, "--dataset", dataset]
            return [*given, "--out", tmp_path / "out", *more]

        command.server = server
        yield command


def test_the_tables_say_what_the_image_adds(words, capsys):
    assert vlsbench(*words()) == 0
    shown = capsys.readouterr()
    assert "3 samples with an image, 3 harmful" in shown.out
    assert "which sees the true image under every condition" in shown.out
    for line in ("full (image and text)", "blank (text and a blank image)", "text         +100.0 ["):
        assert line in shown.out
    assert "Of the safe answers under full, 0.0 % [0.0, 56.1] (0 / 3) are safe with the text alone too." in shown.out
    assert "condition mismatched (5 of 5)" in shown.err


def test_json_is_the_file_and_nothing_else(words, tmp_path, capsys):
    assert vlsbench(*words("--json", "--conditions", "full,text")) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == json.loads((tmp_path / "out" / "ablation.json").read_text())
    assert list(json.loads(shown.out)["gains"]) == ["text"]


def test_quiet_is_quiet(words, capsys):
    assert vlsbench(*words("--quiet", "--json", "--conditions", "full,text")) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--conditions", "full,captoin"), "No condition named 'captoin'. Did you mean 'caption'?"),
        (("--conditions", "text,blank"), "write --conditions full,text,blank"),
        (("--conditions", ""), "No condition named ''"),
        (("--limit", "0"), "should be a whole number"),
        (("--max-tokens", "0"), "should be a whole number"),
        (("--judge-sees", "description"), None),
        (("--timeout", "0"), "--timeout must be over 0 seconds"),
    ],
)
def test_mistakes_are_named_before_anything_is_asked(words, tmp_path, capsys, more, said):
    code = vlsbench(*words(*more))
    if said is None:
        assert code == 0
        return
    assert code == 2
    assert said in capsys.readouterr().err
    assert not words.server.asked
    assert not (tmp_path / "out").exists()


def test_a_skipped_condition_is_named_at_the_end_too(words, tmp_path, capsys):
    assert vlsbench(*words(dataset=make_set(tmp_path / "bare", 3, description=""))) == 0
    shown = capsys.readouterr()
    assert "caption was skipped: no sample has an image description." in shown.out
    assert "caption is skipped" in shown.err


def test_too_much_unscored_under_one_condition_is_exit_code_1(words, capsys):
    words.server.behave = lambda asked: (
        Answer(text="") if not asked.is_judging and asked.image is None else careful_with_pictures(asked)
    )
    assert vlsbench(*words("--conditions", "full,text")) == 1
    assert "under one condition 100.0 % of the samples are unscored" in capsys.readouterr().err
    assert vlsbench(*words("--conditions", "full,text", "--max-unscored", "1")) == 0


def test_without_a_judge_something_must_be_named(capsys, tmp_path):
    assert vlsbench("ablate", "--model", "openai:m@http://127.0.0.1:9/v1", "--dataset", make_set(tmp_path / "d")) == 2
    assert "--judge must be named too" in capsys.readouterr().err


def test_hostile_categories_do_not_reach_the_terminal(words, tmp_path, capsys):
    ref = make_set(tmp_path / "odd", 3)
    file = tmp_path / "odd" / "set.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[0]["category"] = "\x1b[31mRed\u202e[/bold]"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert vlsbench(*words(dataset=ref)) == 0
    shown = capsys.readouterr().out
    assert "[31mRed[/bold]" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize("columns", ["60", "80", "100", "200"])
def test_narrow_terminals_break_no_number(words, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert vlsbench(*words()) == 0
    shown = capsys.readouterr().out
    interval = points(stats.paired([True] * 3, [False] * 3)).partition(" ")[2]
    # Of three pairs that differ in one direction: McNemar's p, and Holm's of four tests.
    for part in (interval, "0.250", "1.000", "mismatched", "Left", "Garden", "Kitchen"):
        assert part in shown
