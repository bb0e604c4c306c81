"""One sample's way through a run, seen from outside: models and judges made of functions, and the files they leave."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os

import pytest

import vlsbench
from builders import (
    LabellingJudge,
    TalkingModel,
    call_it_unsafe,
    hurry,
    make_set,
    only_judge,
    responses,
    say_yes,
    summary,
    texts,
    times_recorded,
    verdicts,
)
from vlsbench.core import types
from vlsbench.core.errors import Blocked, ImageProblem, RequestFailed, RunError, Stopped
from vlsbench.core.types import Reply, ResponseOutcome, Verdict, VerdictOutcome
from vlsbench.results.summary import summarise
from vlsbench.run import flow
from vlsbench.run.loading import Effort
from vlsbench.store.run_folder import Run

Error = ResponseOutcome.ERROR


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Evaluates into a folder, which it keeps as `path`."""
    hurry(monkeypatch)

    def evaluate(model=say_yes, judge=call_it_unsafe, *, n=3, concurrency=2, judge_concurrency=2, **options):
        effort = Effort(concurrency=concurrency, judge_concurrency=judge_concurrency)
        return vlsbench.evaluate(
            **{
                "model": TalkingModel(model) if callable(model) else model,
                "judge": LabellingJudge(judge) if callable(judge) else judge,
                "dataset": texts(n),
                "out": evaluate.path,
                "effort": effort,
                **options,
            }
        )

    evaluate.path = tmp_path / "run"
    return evaluate


@pytest.mark.parametrize("slots", [1, 3])
def test_a_slot_is_free_only_after_the_record_of_its_answer_is_on_disk(run, slots):
    asked = 0

    async def model(prompt):
        nonlocal asked
        asked += 1
        assert asked - len(responses(run.path)) <= slots
        await asyncio.sleep(0)
        return "Yes."

    run(model, n=20, concurrency=slots, judge_concurrency=5)
    assert [record["outcome"] for record in responses(run.path)] == ["ok"] * 20


@pytest.mark.parametrize("slots", [1, 3])
def test_a_slot_is_free_only_after_the_record_of_its_verdict_is_on_disk(run, slots):
    asked = 0

    async def judge(sample, response):
        nonlocal asked
        asked += 1
        assert asked - len(verdicts(run.path)) <= slots
        await asyncio.sleep(0)
        return "warning"

    run(judge=judge, n=20, concurrency=5, judge_concurrency=slots)
    assert [record["outcome"] for record in verdicts(run.path)] == ["scored"] * 20


def test_a_judge_slower_than_the_model_holds_the_model_back(run):
    concurrency, judge_concurrency = 2, 1
    width = concurrency + judge_concurrency + 4
    model = TalkingModel(say_yes)
    judged = 0

    async def judge(sample, response):
        nonlocal judged
        for _ in range(20):
            await asyncio.sleep(0)
            assert len(model.asked) - judged <= width
        judged += 1
        return "refusal"

    run(model, judge, n=60, concurrency=concurrency, judge_concurrency=judge_concurrency)
    assert judged == 60


def test_answers_and_verdicts_overlap(run):
    both = asyncio.Event()

    async def model(prompt):
        if "Question 1" in prompt.text:
            await asyncio.wait_for(both.wait(), 20)
        return "Yes."

    async def judge(sample, response):
        both.set()
        return "refusal"

    run(model, judge, n=2)
    assert {record["label"] for record in verdicts(run.path)} == {"refusal"}


@pytest.mark.parametrize(
    ("raised", "outcome", "note"),
    [
        (Blocked("the filter said no"), ResponseOutcome.BLOCKED, "the filter said no"),
        (RequestFailed("HTTP 400: image too large"), Error, "image too large"),
        (ImageProblem("gone"), Error, "image: gone"),
        (ValueError("a bug"), Error, "ValueError: a bug"),
        (TimeoutError(), Error, "TimeoutError"),
        (ExceptionGroup("several", [ValueError("x")]), Error, "ExceptionGroup"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_whatever_a_model_raises_costs_its_sample_and_no_other(run, raised, outcome, note):
    async def model(prompt):
        if "Question 1" in prompt.text:
            raise raised
        return "Yes."

    figures = only_judge(run(model).to_json())
    bad = next(record for record in responses(run.path) if record["sample_id"] == "s1")
    assert bad["outcome"] == outcome
    assert note in bad["error"]
    assert figures["counts"] == {"refusal": 0, "warning": 0, "unsafe": 2}
    assert figures["unscored"]["no_response"] == 1
    assert figures["safety_rate"]["n"] == 2
    assert figures["bounds"] == {"all_unscored_unsafe": 0.0, "all_unscored_safe": pytest.approx(1 / 3)}


def test_what_is_judged_is_what_is_recorded_also_where_half_a_character_is_in_it(run):
    judged = []

    async def model(prompt):
        return "Half \ud800 a character"

    async def judge(sample, response):
        judged.append(response.text)
        return "unsafe"

    run(model, judge, n=1)
    run(model, judge, n=1)
    assert judged == ["Half ? a character"] == [record["text"] for record in responses(run.path)]


@pytest.mark.parametrize("said", [None, 5, {"text": "Yes."}])
def test_a_model_that_gives_back_something_else_costs_its_sample(run, said):
    async def model(prompt):
        return said if "Question 1" in prompt.text else "Yes."

    run(model)
    assert sorted(record["outcome"] for record in responses(run.path)) == ["error", "ok", "ok"]


@pytest.mark.parametrize("outcome", ["empty", "blocked", "error"])
def test_what_is_no_answer_is_not_judged(run, outcome):
    judge = LabellingJudge(call_it_unsafe)

    async def model(prompt):
        return Reply(outcome=ResponseOutcome(outcome))

    figures = only_judge(run(model, judge).to_json())
    assert judge.asked == []
    assert figures["unscored"]["no_response"] == 3
    assert figures["safety_rate"]["value"] is None
    assert {record["outcome"] for record in verdicts(run.path)} == {"no_response"}


def test_a_truncated_answer_is_an_answer(run):
    async def model(prompt):
        return Reply(outcome=ResponseOutcome.TRUNCATED, text="Well, first", finish_reason="length")

    assert only_judge(run(model).to_json())["counts"]["unsafe"] == 3


def test_thinking_that_was_cut_off_before_an_answer_is_unscored_and_asked_for_again(run):
    judge = LabellingJudge(call_it_unsafe)
    thinking = Reply(
        outcome=ResponseOutcome.TRUNCATED,
        text="",
        reasoning="Let me see.",
        error="only thinking",
        finish_reason="length",
    )

    async def model(prompt):
        return thinking

    for _ in range(2):
        figures = only_judge(run(model, judge).to_json())
        assert judge.asked == []
        assert figures["unscored"]["no_response"] == 3
        assert figures["safety_rate"]["value"] is None
    assert [record["reasoning"] for record in responses(run.path)] == ["Let me see."] * 6


@pytest.mark.parametrize(
    ("raised", "note"),
    [
        (RequestFailed("HTTP 500 (6 tries)"), "HTTP 500"),
        (KeyError("a bug"), "KeyError"),
        (ImageProblem("gone"), "gone"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_whatever_a_judge_raises_costs_its_sample_and_is_no_label(run, raised, note):
    async def judge(sample, response):
        if sample.id == "s1":
            raise raised
        return "refusal"

    figures = only_judge(run(judge=judge).to_json())
    bad = next(record for record in verdicts(run.path) if record["sample_id"] == "s1")
    assert (bad["outcome"], bad["label"]) == ("judge_error", None)
    assert note in bad["reason"]
    assert figures["safety_rate"]["n"] == 2
    assert figures["unscored"]["judge_error"] == 1


@pytest.mark.parametrize(
    "said",
    [
        None,
        5,
        Verdict(sample_id="s1", outcome=VerdictOutcome.SCORED, label="harmless"),
        Verdict(sample_id="s1", outcome=VerdictOutcome.SCORED, label=None),
        Verdict(sample_id="s1", outcome=VerdictOutcome.UNPARSABLE, label="refusal"),
    ],
    ids=["nothing", "a number", "an unknown label", "scored without a label", "a label without a score"],
)
def test_a_verdict_that_is_none_costs_its_sample_and_is_no_label(run, said):
    async def judge(sample, response):
        return said if sample.id == "s1" else "refusal"

    figures = only_judge(run(judge=judge).to_json())
    bad = next(record for record in verdicts(run.path) if record["sample_id"] == "s1")
    assert (bad["outcome"], bad["label"]) == ("judge_error", None)
    assert figures["scored"] == 2
    assert sum(figures["unscored"].values()) == 1


def test_a_verdict_goes_to_the_sample_that_was_judged_whatever_it_says(run):
    async def judge(sample, response):
        return Verdict(sample_id="somebody else", outcome=VerdictOutcome.SCORED, label="refusal")

    run(judge=judge)
    assert times_recorded(verdicts(run.path)) == {"s0": 1, "s1": 1, "s2": 1}


def test_a_judge_that_is_down_never_makes_a_model_safer(run):
    async def honest(sample, response):
        return "refusal" if sample.id in ("s0", "s1") else "unsafe"

    async def half_down(sample, response):
        if sample.id in ("s4", "s5", "s6", "s7"):
            raise RequestFailed("HTTP 500")
        return await honest(sample, response)

    up = only_judge(run(judge=LabellingJudge(honest, "up"), n=8).to_json())
    both = run(judge=LabellingJudge(half_down, "down"), n=8).to_json()["judges"]
    down = both["down"]
    assert up["safety_rate"]["value"] == 0.25
    assert down["safety_rate"]["k"] == up["safety_rate"]["k"]
    assert down["bounds"]["all_unscored_unsafe"] <= up["safety_rate"]["value"] <= down["bounds"]["all_unscored_safe"]
    assert down["safety_rate"]["unscored"] == down["unscored"]["judge_error"] == 4


@pytest.mark.parametrize("record", [b'"image_sha256"', b'"finish_reason"', b'"judge_model"'])
@pytest.mark.parametrize("cut", [False, True])
def test_a_full_disk_stops_the_run_which_continues_once_there_is_room(run, monkeypatch, record, cut):
    write, written = os.write, 0

    def until_it_is_full(handle, data):
        nonlocal written
        if record in bytes(data):
            written += 1
            if written == 4:
                if cut:
                    return write(handle, data[:10])
                raise OSError(errno.ENOSPC, "No space left on device")
            assert written < 4, "the run went on after the disk was full"
        return write(handle, data)

    model, judge = TalkingModel(say_yes), LabellingJudge(call_it_unsafe)
    monkeypatch.setattr(os, "write", until_it_is_full)
    with pytest.raises(Stopped, match=r"full|No space left"):
        run(model, judge, n=12)
    monkeypatch.setattr(os, "write", write)
    run(model, judge, n=12)
    assert set(times_recorded(responses(run.path)).values()) == {1}
    assert set(times_recorded(verdicts(run.path)).values()) == {1}
    assert len(responses(run.path)) == len(verdicts(run.path)) == 12
    assert len(model.asked) - 12 <= 2
    assert len(judge.asked) - 12 <= 2


def test_a_request_is_made_of_the_sample_and_the_settings(run, tmp_path):
    seen = []

    async def model(prompt):
        seen.append(prompt)
        return "Yes."

    dataset = make_set(tmp_path / "data", 1)
    run(model, dataset=dataset, system="Be brief.", seed=7, max_tokens=9, temperature=0.5)
    (prompt,) = seen
    assert prompt.text == "Question 0: what is in the picture?"
    assert (prompt.system, prompt.seed, prompt.max_tokens, prompt.temperature) == ("Be brief.", 7, 9, 0.5)
    assert prompt.image.media_type == "image/png"


def test_an_image_that_vanishes_during_the_run_costs_its_sample(run, tmp_path):
    dataset = make_set(tmp_path / "data", 3)

    async def model(prompt):
        (tmp_path / "data" / "2.png").unlink(missing_ok=True)
        prompt.image.read()
        return "Yes."

    run(model, dataset=dataset, concurrency=1)
    found = {record["sample_id"]: record for record in responses(run.path)}
    assert found["s0"]["outcome"] == "ok"
    assert (found["s2"]["outcome"], found["s2"]["error"][:6]) in (("error", "image:"), ("error", "image "))


def test_long_error_messages_are_cut(run):
    async def model(prompt):
        raise ValueError("x" * 100_000)

    run(model, n=1)
    assert len(responses(run.path)[0]["error"]) == flow.MAX_ERROR


def test_the_records_have_the_published_fields(run):
    async def model(prompt):
        return Reply(
            outcome=ResponseOutcome.OK,
            text="Yes.",
            finish_reason="stop",
            prompt_tokens=5,
            completion_tokens=2,
            model="served",
        )

    run(model, n=1)
    (answer,), (verdict,) = responses(run.path), verdicts(run.path)
    latency = answer.pop("latency_s")
    assert answer == {
        "sample_id": "s0",
        "outcome": "ok",
        "text": "Yes.",
        "error": "",
        "finish_reason": "stop",
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "answer_sha256": verdict["answer_sha256"],
    }
    assert latency >= 0
    assert verdict.keys() == {"sample_id", "outcome", "label", "reason", "judge_model", "latency_s", "answer_sha256"}
    assert summary(run.path)["responses"] == {
        "ok": 1,
        "truncated": 0,
        "empty": 0,
        "blocked": 0,
        "error": 0,
        "pending": 0,
    }


def test_a_verdict_whose_answer_was_lost_does_not_stand_alone(run):
    model = TalkingModel(say_yes)
    run(model)
    path = run.path / "responses.jsonl"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"s1"' not in line))
    found = run(model).to_json()
    assert model.asked.count(1) == 2
    assert found["responses"]["ok"] == 3
    assert only_judge(found)["scored"] == 3


def test_progress_is_told_after_every_answer_and_every_verdict(run):
    told = []
    run(n=4, progress=lambda counts: told.append((counts.answered, counts.done, counts.total, dict(counts.labels))))
    steps = list(dict.fromkeys(answered + done for answered, done, _, _ in told))  # besides, it is told twice a second
    assert steps == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert told[-1] == (4, 4, 4, {"unsafe": 4})


DAMAGE = {
    "within the line": lambda line: line.replace(b'"text":"', b'"text":"\0'),
    "a text that is none": lambda line: line.replace(b'"text":"', b'"text":[],"was":"'),
    "an outcome that is none": lambda line: line.replace(b'"outcome":"ok"', b'"outcome":"fine"'),
    "an id that is none": lambda line: line.replace(b'"s1"', b"[1]"),
    "the whole line": lambda line: b"\0" * 20 + b"\n",
}


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_answer_counts_as_not_recorded(run, what, judged):
    async def no_verdict(sample, response):
        raise RequestFailed("not now")

    run(judge=call_it_unsafe if judged else no_verdict)
    path = run.path / "responses.jsonl"
    path.write_bytes(
        b"".join(DAMAGE[what](line) if b'"s1"' in line else line for line in path.read_bytes().splitlines(True))
    )
    figures = run().to_json()
    assert figures["responses"]["ok"] == 3
    assert only_judge(figures)["scored"] == 3


def test_a_verdict_on_a_lost_answer_does_not_become_one_on_the_next_answer(run):
    async def call_it_a_warning(sample, response):
        return "warning"

    run()
    run(judge=LabellingJudge(call_it_a_warning, "second"))
    path = run.path / "responses.jsonl"
    path.write_bytes(b"".join(line for line in path.read_bytes().splitlines(True) if b'"s1"' not in line))

    found = summarise(Run(run.path)).to_json()
    for judge in found["judges"].values():
        assert (judge["scored"], judge["unscored"]["pending"]) == (2, 1)
    found = run().to_json()["judges"]
    assert found["labelling"]["scored"] == 3
    assert (found["second"]["scored"], found["second"]["unscored"]["pending"]) == (2, 1)
    assert run(judge=LabellingJudge(call_it_a_warning, "second")).to_json()["judges"]["second"]["scored"] == 3


def test_labels_of_ones_own_may_be_written_in_any_way(run):
    async def judge(sample, response):
        return 'Not "safe" (S-1)' if sample.id == "s1" else "Quite-Safe 2"

    own = LabellingJudge(judge)
    own.labels = ("Quite-Safe 2", 'Not "safe" (S-1)')
    assert only_judge(run(judge=own).to_json())["counts"] == {"Quite-Safe 2": 2, 'Not "safe" (S-1)': 1}


def test_an_answer_that_is_no_language_is_unscored_and_not_asked_about_again(run):
    async def judge(sample, response):
        if sample.id == "s1":
            return Verdict(sample_id=sample.id, outcome=VerdictOutcome.UNINTELLIGIBLE, reason="Random characters.")
        return "refusal"

    own = LabellingJudge(judge)
    found = only_judge(run(judge=own).to_json())
    assert (found["scored"], found["unscored"]["unintelligible"], found["counts"]["unsafe"]) == (2, 1, 0)
    assert found["bounds"] == {"all_unscored_unsafe": 2 / 3, "all_unscored_safe": 1.0}
    asked = len(own.asked)
    assert only_judge(run(judge=own).to_json()) == found
    assert len(own.asked) == asked == 3


def test_the_vocabulary_of_outcomes_is_the_published_one():
    assert [outcome.value for outcome in types.ResponseOutcome] == ["ok", "truncated", "empty", "blocked", "error"]
    assert {outcome.value for outcome in types.VerdictOutcome} == {
        "scored",
        "judge_refused",
        "unparsable",
        "unintelligible",
        "judge_error",
        "no_response",
    }


# ---- damage


def _lines_of(path):
    return path.read_text().splitlines(keepends=True)


def _swap_ids(line, old, new):
    return line.replace(f'"sample_id":"{old}"', f'"sample_id":"{new}"')


def test_a_verdict_whose_id_was_edited_is_about_no_answer_and_the_answer_is_judged_again(run):
    judge = LabellingJudge(call_it_unsafe)
    run(judge=judge)
    path = next((run.path / "verdicts").iterdir())
    lines = _lines_of(path)
    path.write_text("".join([_swap_ids(lines[0], json.loads(lines[0])["sample_id"], "s2"), *lines[1:]]))
    found = only_judge(summarise(Run(run.path)).to_json())
    assert found["scored"] < 3
    judge.asked.clear()
    assert only_judge(run(judge=judge).to_json())["scored"] == 3
    assert judge.asked


def test_a_verdict_line_that_is_no_whole_object_is_judged_again(run):
    judge = LabellingJudge(call_it_unsafe)
    run(judge=judge)
    path = next((run.path / "verdicts").iterdir())
    lines = _lines_of(path)
    path.write_text("".join([lines[0].replace('"latency_s"', "latency_s"), *lines[1:]]))
    judge.asked.clear()
    assert only_judge(run(judge=judge).to_json())["scored"] == 3
    assert len(judge.asked) == 1


@pytest.mark.parametrize("text", ["another answer", None])
def test_an_answer_that_was_edited_beside_its_hash_does_not_keep_its_verdict(run, text):
    judge = LabellingJudge(call_it_unsafe)
    run(judge=judge)
    path = run.path / "responses.jsonl"
    lines = _lines_of(path)
    path.write_text("".join([json.dumps({**json.loads(lines[0]), "text": text}) + "\n", *lines[1:]]))
    assert only_judge(summarise(Run(run.path)).to_json())["scored"] == 2
    judge.asked.clear()
    assert only_judge(run(judge=judge).to_json())["scored"] == 3
    assert len(judge.asked) == 1


def test_a_label_that_the_judge_does_not_have_is_damage_and_the_answer_is_judged_again(run):
    judge = LabellingJudge(call_it_unsafe)
    run(judge=judge)
    path = next((run.path / "verdicts").iterdir())
    lines = _lines_of(path)
    path.write_text("".join([lines[0].replace('"label":"unsafe"', '"label":"unsaFe"'), *lines[1:]]))
    judge.asked.clear()
    assert only_judge(run(judge=judge).to_json())["scored"] == 3
    assert len(judge.asked) == 1


def _without_the_second(lines):
    return [lines[0], *lines[2:]]


def _merged(lines):
    return [lines[0].rstrip("\n"), *lines[1:]]


def _edited(lines):
    return [lines[0].replace("Question", "Quest"), *lines[1:]]


def _unreadable(lines):
    return [lines[0][5:], *lines[1:]]


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("damage", [_without_the_second, _merged, _edited, _unreadable])
def test_samples_that_are_not_what_was_written_are_named_and_nobody_is_asked(run, damage, sealed):
    async def fails(prompt):
        if "Question 0" not in prompt.text:
            raise RequestFailed("out of order")
        return "Yes."

    run(fails)
    folder = Run(run.path)
    assert folder.manifest.samples_sha256 == hashlib.sha256(folder.samples.read_bytes()).hexdigest()
    if not sealed:
        folder.update(samples_sha256="")
    folder.samples.write_text("".join(damage(_lines_of(folder.samples))))
    model = TalkingModel(say_yes)
    with pytest.raises(RunError, match=r"samples\.jsonl is .*line [12].* Delete the file"):
        run(model)
    assert model.asked == []
    folder.samples.unlink()
    assert only_judge(run(model).to_json())["scored"] == 3


def test_a_list_of_samples_is_sealed_while_the_first_answers_are_still_out(run):
    sealed = []

    async def looks(prompt):
        for _ in range(500):
            if Run(run.path).manifest.samples_sha256:
                break
            await asyncio.sleep(0.01)
        sealed.append(Run(run.path).manifest.samples_sha256)
        return "Yes."

    run(looks)
    assert set(sealed) == {hashlib.sha256(Run(run.path).samples.read_bytes()).hexdigest()}
