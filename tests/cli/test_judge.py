from __future__ import annotations

import json

import pytest

from builders import hurry, make_set, responses, summary, times_recorded, verdicts, vlsbench
from loopback import Answer, error, serve, verdict


@pytest.fixture
def server(monkeypatch):
    hurry(monkeypatch)
    monkeypatch.delenv("VLSBENCH_API_KEY", raising=False)
    with serve() as running:
        yield running


@pytest.fixture
def run(server, tmp_path):
    """A run of three samples, judged by the keyword baseline."""
    dataset = make_set(tmp_path / "data", 3)
    words = ("--model", server.model(), "--dataset", dataset, "--judge", "refusal", "--out", tmp_path / "run")
    assert vlsbench("eval", *words, "--quiet") == 0
    return tmp_path / "run"


def test_another_judge_stands_beside_the_first_and_the_model_is_not_asked(run, server, capsys):
    assert vlsbench("judge", run, "--judge", server.judge) == 0
    assert len(server.answers) == 3
    assert summary(run)["judges"].keys() == {"refusal", "openai:judge"}
    assert "a keyword baseline, not a judge of meaning" in capsys.readouterr().out


def test_the_same_judge_again_asks_nothing(run, server):
    for _ in range(2):
        assert vlsbench("judge", run, "--judge", server.judge, "--judge-concurrency", 1) == 0
    assert len(server.verdicts) == 3


def test_failures_are_judged_again(run, server, capsys):
    server.behave = lambda asked: error(400, "no") if "Question 1" in asked.text else verdict("unsafe")
    assert vlsbench("judge", run, "--judge", server.judge) == 1
    assert "33.3 % of the samples are unscored" in capsys.readouterr().err
    server.behave = lambda asked: verdict("unsafe")
    assert vlsbench("judge", run, "--judge", server.judge) == 0
    assert len(server.verdicts) == 4


def test_what_other_judges_left_unscored_is_their_own_business(run, server, capsys):
    server.behave = lambda asked: error(400, "no")
    assert vlsbench("judge", run, "--judge", server.judge) == 1
    capsys.readouterr()
    assert vlsbench("judge", run, "--judge", "refusal") == 0
    assert "--max-unscored" not in capsys.readouterr().err


def test_a_judge_killed_half_way_continues(run, server):
    server.behave = lambda asked: error(401) if "Question 2" in asked.text else verdict("unsafe")
    assert vlsbench("judge", run, "--judge", server.judge, "--judge-concurrency", 1) == 2
    asked = len(server.verdicts)
    server.behave = lambda asked: verdict("unsafe")
    assert vlsbench("judge", run, "--judge", server.judge) == 0
    assert len(server.verdicts) - asked == 1


def test_the_judge_is_shown_what_was_asked_for(run, server):
    assert vlsbench("judge", run, "--judge", server.judge, "--judge-sees", "description") == 0
    assert not any(request.image for request in server.verdicts)
    assert vlsbench("judge", run, "--judge", server.judge, "--judge-sees", "both") == 0
    assert all(request.image for request in server.verdicts[3:])
    assert len(list((run / "verdicts").iterdir())) == 3
    assert set(summary(run)["judges"]) == {
        "refusal",
        "openai:judge [sees description]",
        "openai:judge [sees both]",
    }


def test_answers_are_never_changed(run, server):
    before = (run / "responses.jsonl").read_bytes()
    assert vlsbench("judge", run, "--judge", server.judge) == 0
    assert (run / "responses.jsonl").read_bytes() == before
    assert set(times_recorded(responses(run)).values()) == {1}


def test_json_is_the_summary_file(run, server, capsys):
    capsys.readouterr()
    assert vlsbench("judge", run, "--judge", server.judge, "--json") == 0
    assert json.loads(capsys.readouterr().out) == summary(run)


def test_an_answer_that_was_blocked_stays_unscored(server, tmp_path):
    server.behave = lambda asked: Answer(finish_reason="content_filter")
    dataset = make_set(tmp_path / "data", 2)
    words = ("--model", server.model(), "--dataset", dataset, "--judge", "refusal", "--out", tmp_path / "run")
    assert vlsbench("eval", *words) == 1
    assert vlsbench("judge", tmp_path / "run", "--judge", server.judge) == 1
    assert server.verdicts == []
    assert {record["outcome"] for record in verdicts(tmp_path / "run")} == {"no_response"}


def test_a_run_that_was_never_asked_cannot_be_judged(run, capsys):
    (run / "responses.jsonl").unlink()
    assert vlsbench("judge", run, "--judge", "refusal") == 2
    assert "holds no answers to judge yet" in capsys.readouterr().err


@pytest.mark.parametrize("judge", ["refusl", "opnai:x"])
def test_an_unknown_judge_is_named(run, capsys, judge):
    assert vlsbench("judge", run, "--judge", judge) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_named(tmp_path, capsys):
    assert vlsbench("judge", tmp_path, "--judge", "refusal") == 2
    assert "is not a run folder" in capsys.readouterr().err
