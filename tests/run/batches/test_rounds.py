"""``vlsbench eval --batch`` against a provider on the loopback: rounds, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_anthropic import AnthropicWire
from batch_gemini import GeminiWire
from batch_openai import OpenAIWire
from batch_server import (
    CANCELLED,
    EXPIRED,
    KEY,
    REFUSED,
    BatchServer,
    Question,
    Wire,
    helpful,
    hurry_batches,
    serve_batches,
)
from builders import lines, make_set, manifest, number_of, responses, summary, times_recorded, verdicts, vlsbench
from vlsbench.store import batches


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry_batches(monkeypatch)


WIRES: dict[str, Wire] = {"openai": OpenAIWire(), "anthropic": AnthropicWire(), "gemini": GeminiWire()}
NAMES = {"openai": "OpenAI", "anthropic": "Anthropic", "gemini": "Google"}


@pytest.fixture(params=["openai"])
def provider(request: pytest.FixtureRequest) -> Iterator[BatchServer]:
    with serve_batches(WIRES[request.param]) as server:
        server.scheme = request.param
        yield server


each_provider = pytest.mark.parametrize("provider", WIRES, indirect=True)


def evaluate(server: BatchServer, folder: Path, *more: object, judge: str = "refusal", n: int = 6) -> int:
    dataset = make_set(folder / "set", n)
    words = ("--model", server.model(), "--judge", judge, "--dataset", dataset, "--out", folder / "run", "--quiet")
    return vlsbench("eval", *words, *more)


@each_provider
def test_answers_and_verdicts_come_in_batches_and_each_is_paid_once(provider: BatchServer, tmp_path: Path) -> None:
    assert evaluate(provider, tmp_path, "--batch", judge=provider.model("judge")) == 0
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}
    assert set(times_recorded(verdicts(tmp_path / "run")).values()) == {1}
    assert [each["label"] for each in verdicts(tmp_path / "run")] == ["unsafe"] * 6
    assert responses(tmp_path / "run")[0]["prompt_tokens"] == 11
    assert manifest(tmp_path / "run")["model_served"] == ["target-2026"]
    usage = summary(tmp_path / "run")["usage"]
    assert usage["target"]["requests"] == 6
    assert usage["target"]["completion"] == 18
    assert usage["target"]["batched"] == usage["judge"]["batched"] == 5
    assert set(provider.paid.values()) == {1}
    assert len(provider.paid) == 12
    assert provider.direct == 2  # the first of each stage, which shows whether the server takes such requests
    stages = [entry.stage for entry in batches.read(tmp_path / "run").values()]
    assert stages == ["answers", "verdicts"]


@each_provider
def test_while_a_batch_is_out_the_command_says_so_and_continues_later(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.working = False
    assert evaluate(provider, tmp_path, "--batch") == 3
    said = capsys.readouterr().err
    assert f"waiting for 1 batch with 5 requests for answers at {NAMES[provider.scheme]}" in said
    assert said.rstrip().endswith("The same command continues.")
    assert evaluate(provider, tmp_path, "--batch") == 3
    assert len(provider.jobs) == 1
    provider.working = True
    assert evaluate(provider, tmp_path, "--batch") == 0
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}
    assert set(provider.paid.values()) == {1}


def test_results_in_any_order_reach_their_samples(tmp_path: Path) -> None:
    with serve_batches(answer=lambda asked: f"This is about {number_of(asked.text)}.") as provider:
        assert evaluate(provider, tmp_path, "--batch", n=30) == 0
    for record in responses(tmp_path / "run"):
        assert record["text"] == f"This is about {record['sample_id'][1:]}."


@each_provider
def test_half_a_character_in_an_answer_costs_neither_it_nor_its_verdict_twice(
    provider: BatchServer, tmp_path: Path
) -> None:
    def hold_up(*_: str) -> None:
        provider.working = provider.opened < 2  # the batch of answers comes back, that of verdicts is out

    provider.answer = lambda asked: helpful(asked) if asked.is_judging else "Half \ud800 a character."
    provider.before = hold_up
    assert evaluate(provider, tmp_path, "--batch", judge=provider.model("judge")) == 3
    assert provider.opened == 2
    provider.before = lambda *_: None
    provider.working = True
    assert evaluate(provider, tmp_path, "--batch", judge=provider.model("judge")) == 0
    assert provider.opened == 2
    assert set(provider.paid.values()) == {1}
    assert {record["text"] for record in responses(tmp_path / "run")} == {"Half ? a character."}


@each_provider
def test_a_line_that_failed_is_a_failure_and_is_tried_again_by_the_next_run_only(
    provider: BatchServer, tmp_path: Path
) -> None:
    provider.fate = lambda asked: REFUSED if number_of(asked.text) == 4 else "answered"
    assert evaluate(provider, tmp_path, "--batch") == 1
    failed = [record for record in responses(tmp_path / "run") if record["outcome"] == "error"]
    assert [record["sample_id"] for record in failed] == ["s4"]
    assert "this request is refused" in failed[0]["error"]
    provider.fate = lambda _: "answered"
    assert evaluate(provider, tmp_path, "--batch") == 0
    assert summary(tmp_path / "run")["responses"]["ok"] == 6
    assert set(provider.paid.values()) == {1}


@pytest.mark.parametrize(
    ("provider", "how"),
    [
        ("openai", "expired"),
        ("openai", "cancelled"),
        ("openai", "failed"),
        ("anthropic", "expired"),
        ("anthropic", "cancelled"),
        ("gemini", "expired"),
        ("gemini", "failed"),
    ],
    indirect=["provider"],
)
def test_what_a_batch_leaves_unanswered_stays_pending_until_the_next_run(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    provider.end_as = how
    assert evaluate(provider, tmp_path, "--batch") == 3
    said = capsys.readouterr().err
    assert f"is {how}" in said
    assert "5 of 5 requests for answers were not answered" in said
    assert ("Enqueued token limit" in said) == (how == "failed")
    assert provider.opened == 1  # not tried again by itself
    assert summary(tmp_path / "run")["responses"] == {
        "ok": 1, "truncated": 0, "empty": 0, "blocked": 0, "error": 0, "pending": 5,
    }  # fmt: skip
    provider.end_as = "completed"
    assert evaluate(provider, tmp_path, "--batch") == 0
    assert set(provider.paid.values()) == {1}


def test_answers_of_a_batch_that_was_cancelled_half_way_are_kept(provider: BatchServer, tmp_path: Path) -> None:
    late = {3, 5}
    provider.fate = lambda asked: CANCELLED if number_of(asked.text) in late else "answered"
    assert evaluate(provider, tmp_path, "--batch") == 3
    assert summary(tmp_path / "run")["responses"]["pending"] == 2
    provider.fate = lambda _: "answered"
    assert evaluate(provider, tmp_path, "--batch") == 0
    assert set(provider.paid.values()) == {1}


def test_a_verdict_that_cannot_be_read_is_asked_for_again_in_a_batch(tmp_path: Path) -> None:
    def answer(asked: Question) -> str:
        if not asked.is_judging:
            return "A plain answer."
        asked_again = "Hm." in asked.text
        return json.dumps({"reason": "so", "label": "warning"}) if asked_again else "Hm."

    with serve_batches(answer=answer) as provider:
        assert evaluate(provider, tmp_path, "--batch", judge=provider.model("judge"), n=4) == 0
        assert [each["label"] for each in verdicts(tmp_path / "run")] == ["warning"] * 4
        assert set(provider.paid.values()) == {1}


def test_a_first_verdict_is_not_paid_again_while_its_second_is_out(tmp_path: Path) -> None:
    def answer(asked: Question) -> str:
        if asked.is_judging and "Hm." in asked.text:
            return json.dumps({"reason": "so", "label": "warning"})
        return "Hm." if asked.is_judging else "A plain answer."

    with serve_batches(answer=answer) as provider:
        judge = provider.model("judge")
        for _ in range(12):
            provider.working = False
            if evaluate(provider, tmp_path, "--batch", judge=judge, n=4) == 0:
                break
            provider.working = True
            if evaluate(provider, tmp_path, "--batch", judge=judge, n=4) == 0:
                break
        assert [each["label"] for each in verdicts(tmp_path / "run")] == ["warning"] * 4
        assert set(provider.paid.values()) == {1}


def test_without_batch_what_is_out_is_waited_for_and_the_rest_is_asked_directly(
    provider: BatchServer, tmp_path: Path
) -> None:
    provider.working = False
    assert evaluate(provider, tmp_path, "--batch", "--max-unscored", "1") == 3
    assert evaluate(provider, tmp_path) == 3
    assert provider.direct == 1  # nothing that is out is asked for once more
    provider.working = True
    assert evaluate(provider, tmp_path) == 0
    assert set(provider.paid.values()) == {1}


def test_a_run_begun_without_batches_goes_on_with_them(provider: BatchServer, tmp_path: Path) -> None:
    provider.fate = lambda asked: REFUSED if number_of(asked.text) > 2 else "answered"
    assert evaluate(provider, tmp_path) == 1
    provider.fate = lambda _: "answered"
    assert evaluate(provider, tmp_path, "--batch") == 0
    assert set(provider.paid.values()) == {1}
    assert batches.read(tmp_path / "run")


def test_answers_of_a_run_are_judged_in_batches(provider: BatchServer, tmp_path: Path) -> None:
    assert evaluate(provider, tmp_path) == 0
    words = ("judge", tmp_path / "run", "--judge", provider.model("judge"), "--batch", "--quiet")
    provider.working = False
    assert vlsbench(*words) == 3
    provider.working = True
    assert vlsbench(*words) == 0
    assert set(provider.paid.values()) == {1}
    assert [entry.stage for entry in batches.read(tmp_path / "run").values()] == ["verdicts"]


def test_a_batch_of_another_account_is_not_paid_again_unless_it_is_given_up(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.working = False
    assert evaluate(provider, tmp_path, "--batch") == 3
    (batch_id,) = provider.jobs
    job = provider.jobs.pop(batch_id)
    capsys.readouterr()
    assert evaluate(provider, tmp_path, "--batch") == 2
    said = capsys.readouterr().err
    assert f"does not know the batch {batch_id}" in said
    assert f"--batch-forget {batch_id}" in said
    provider.jobs[batch_id] = job
    provider.working = True
    assert evaluate(provider, tmp_path, "--batch-forget", "another") == 2
    assert f"no batch another of this run is out; {batch_id}" in capsys.readouterr().err
    assert evaluate(provider, tmp_path, "--batch", "--batch-forget", batch_id) == 0
    assert summary(tmp_path / "run")["responses"]["ok"] == 6


@each_provider
def test_results_that_the_provider_has_deleted_are_said_and_asked_for_by_the_next_run(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def deleted(method: str, path: str) -> None:
        if path.endswith(("/content", ":download")):
            provider.files.clear()
        if path.endswith("/results"):
            provider.jobs.clear()

    provider.before = deleted
    assert evaluate(provider, tmp_path, "--batch") == 3
    assert "is lost" in capsys.readouterr().err
    provider.before = lambda *_: None
    assert evaluate(provider, tmp_path, "--batch") == 0


def test_files_are_deleted_at_the_provider_and_here_once_all_is_recorded(provider: BatchServer, tmp_path: Path) -> None:
    assert evaluate(provider, tmp_path, "--batch") == 0
    assert not provider.files
    assert not list((tmp_path / "run" / "batches").iterdir())


def test_no_file_holds_the_key_even_where_a_model_repeats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlsbench.run.batches.desk.BatchDesk.note", lambda *_, **__: None)  # which deletes results
    with serve_batches(answer=lambda _: f"The key is {KEY}.") as provider:
        provider.fate = lambda asked: EXPIRED if number_of(asked.text) == 5 else "answered"
        assert evaluate(provider, tmp_path, "--batch") == 3
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert [path for path in files if path.suffixes == [".results", ".jsonl"]]
    assert not any(KEY.encode() in path.read_bytes() for path in files)


def test_batches_are_cut_where_the_provider_takes_no_more(tmp_path: Path) -> None:
    with serve_batches(max_bytes=3000) as provider:
        import vlsbench.models.api.openai_batches as module
        from vlsbench.models.batches import Limits

        module.OpenAIBatches.limits, before = Limits(requests=50_000, n_bytes=3000), module.OpenAIBatches.limits
        try:
            assert evaluate(provider, tmp_path, "--batch", n=30) == 0
        finally:
            module.OpenAIBatches.limits = before
        entries = list(batches.read(tmp_path / "run").values())
        assert len(entries) > 2
        assert all(entry.n_bytes <= 0.95 * 3000 for entry in entries)
        assert set(provider.paid.values()) == {1}
    assert len(responses(tmp_path / "run")) == 30


def test_a_model_without_batches_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = make_set(tmp_path / "set")
    words = ("--model", "mini:base", "--judge", "refusal", "--dataset", dataset, "--out", tmp_path / "run")
    assert vlsbench("eval", *words, "--batch", "--quiet") == 2
    assert "--batch: neither the model nor the judge" in capsys.readouterr().err


def test_a_wrong_key_shows_before_anything_is_handed_in(
    provider: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLSBENCH_API_KEY", "sk-another-key")
    assert evaluate(provider, tmp_path, "--batch") == 2
    assert not provider.files


def test_parameters_that_the_model_refuses_are_learned_before_the_batch(tmp_path: Path) -> None:
    with serve_batches(OpenAIWire(refuses=("max_tokens",))) as provider:
        assert evaluate(provider, tmp_path, "--batch") == 0
    assert manifest(tmp_path / "run")["model_adaptations"] == ["max_tokens is sent as max_completion_tokens"]


def test_a_folder_with_batches_out_is_not_taken_for_another_run(provider: BatchServer, tmp_path: Path) -> None:
    provider.working = False
    provider.fate = lambda asked: REFUSED if number_of(asked.text) == 0 else "answered"
    assert evaluate(provider, tmp_path, "--batch") == 3
    (tmp_path / "run" / "responses.jsonl").write_text("")
    for path in (tmp_path / "run" / "verdicts").glob("*"):
        path.write_text("")
    assert evaluate(provider, tmp_path, "--batch", "--max-tokens", 7) == 2


def test_waiting_brings_everything_home_in_one_command(provider: BatchServer, tmp_path: Path) -> None:
    provider.working = False

    def begin(method: str, path: str) -> None:
        if provider.times("GET", "/v1/batches/batch_0002") > 3:
            provider.working = True

    provider.before = begin
    assert evaluate(provider, tmp_path, "--batch", "--batch-wait", "1m", judge=provider.model("judge")) == 0
    assert len(lines(tmp_path / "run" / "responses.jsonl")) == 6


def test_show_says_what_is_out(provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    provider.working = False
    assert evaluate(provider, tmp_path, "--batch") == 3
    capsys.readouterr()
    assert vlsbench("show", tmp_path / "run") == 0
    assert "Batch batch_0002: 5 requests for answers by openai:target" in capsys.readouterr().out
    assert vlsbench("show", tmp_path / "run", "--json") == 0
    (shown,) = json.loads(capsys.readouterr().out)["batches"]
    assert (shown["id"], shown["requests"], shown["stage"]) == ("batch_0002", 5, "answers")
    provider.working = True
    assert evaluate(provider, tmp_path) == 0
    capsys.readouterr()
    assert vlsbench("show", tmp_path / "run", "--json") == 0
    assert "batches" not in json.loads(capsys.readouterr().out)


def test_a_shard_with_batches_out_is_not_merged(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.working = False
    assert evaluate(provider, tmp_path, "--batch", "--shard", "1/2") == 3
    (tmp_path / "run").rename(tmp_path / "one")
    assert evaluate(provider, tmp_path, "--shard", "2/2") == 0
    capsys.readouterr()
    assert vlsbench("merge", tmp_path / "one", tmp_path / "run", "--out", tmp_path / "whole") == 2
    assert "has 2 requests out in batches" in capsys.readouterr().err


@pytest.mark.parametrize("more", [("--batch",), ()], ids=["batch", "direct"])
@pytest.mark.parametrize("judge", ["model", "refusal"])
def test_judging_while_answers_are_out_says_so_and_what_to_run(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], judge: str, more: tuple[str, ...]
) -> None:
    provider.working = False
    own = provider.model("judge") if judge == "model" else judge
    assert evaluate(provider, tmp_path, "--batch") == 3
    capsys.readouterr()
    words = ("judge", tmp_path / "run", "--judge", own, "--quiet", *(more if judge == "model" else ()))
    assert vlsbench(*words) == 3
    said = capsys.readouterr().err
    assert "5 answers by openai:target are still out at OpenAI in the batch batch_0002" in said
    assert "first bring them home with the `vlsbench eval` that asked for them. The same command continues." in said
    assert "unscored, more than" not in said
    provider.working = True
    assert evaluate(provider, tmp_path, "--batch") == 0
    assert vlsbench(*words) == 0
    assert set(provider.paid.values()) == {1}


def test_a_dry_run_counts_what_is_out_apart(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge, dry = provider.model("judge"), ("--batch", "--dry-run", "--price-in", 1, "--price-out", 1)

    def counted() -> tuple[int, int, int, float]:
        capsys.readouterr()
        assert evaluate(provider, tmp_path, *dry, "--json", judge=judge) == 0
        found = json.loads(capsys.readouterr().out)
        return found["answer_requests"], found["judge_requests"], found["out"], found["cost"]

    *before, whole = counted()
    assert before == [6, 6, 0]
    provider.working = False
    assert evaluate(provider, tmp_path, "--batch", judge=judge) == 3
    *while_answers_are_out, half = counted()
    assert while_answers_are_out == [0, 5, 5]
    assert 0 < half < whole
    assert evaluate(provider, tmp_path, *dry, judge=judge) == 0
    assert "out in batches already, not counted" in capsys.readouterr().out
    provider.working = True
    provider.before = lambda method, path: setattr(provider, "working", provider.opened < 2)
    assert evaluate(provider, tmp_path, "--batch", judge=judge) == 3
    assert counted() == (0, 0, 4, 0.0), "the first verdict is asked for directly"
    assert evaluate(provider, tmp_path, *dry, "--json", "--fresh", judge=judge) == 0
    assert json.loads(capsys.readouterr().out)["out"] == 0


def test_what_is_out_when_a_run_is_begun_anew_is_named_and_can_still_be_brought_home(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.working = False
    assert evaluate(provider, tmp_path, "--batch") == 3
    capsys.readouterr()
    assert evaluate(provider, tmp_path, "--batch", "--fresh") == 3
    said = capsys.readouterr().err
    assert (
        f"5 requests of {tmp_path / 'run'} are out in batches (batch_0002 at OpenAI) and will not be used here" in said
    )
    assert "paid for unless you cancel them there" in said
    (aside,) = tmp_path.glob("run.old-*")
    provider.working = True
    assert evaluate(provider, tmp_path, "--fresh", "--batch") == 0
    assert "(batch_0004 at OpenAI)" in capsys.readouterr().err
    assert evaluate(provider, tmp_path, "--out", aside) == 0
    assert len(responses(aside)) == 6


def test_a_batch_of_a_judge_that_is_not_asked_any_more_is_named_at_the_end(
    provider: BatchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(provider, tmp_path) == 0
    provider.working = False
    first = ("judge", tmp_path / "run", "--judge", provider.model("judge"), "--quiet", "--batch")
    assert vlsbench(*first) == 3
    capsys.readouterr()
    assert evaluate(provider, tmp_path) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "5 requests for verdicts by openai:judge; out at OpenAI" in said
    assert "The command that sent it brings it home." in said
    provider.working = True
    assert vlsbench(*first) == 0
    assert set(provider.paid.values()) == {1}
