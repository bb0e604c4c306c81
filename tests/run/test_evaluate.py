"""Whole evaluations against a server that misbehaves, and with objects instead of references."""

from __future__ import annotations

import asyncio
import json
import re
import threading

import pytest

import vlsbench
from builders import (
    LabellingJudge,
    ListedDataset,
    TalkingModel,
    call_it_unsafe,
    hurry,
    make_set,
    manifest,
    number_of,
    only_judge,
    responses,
    say_yes,
    summary,
    texts,
    times_recorded,
    tiny_png,
    verdicts,
)
from loopback import Answer, error, serve, verdict
from vlsbench.core.errors import AccessDenied, RunError, Stopped, UserError
from vlsbench.core.types import Expect, Sample
from vlsbench.run.evaluate import judge
from vlsbench.run.loading import Effort


@pytest.fixture(autouse=True)
def _quick_and_without_keys(monkeypatch):
    hurry(monkeypatch)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def run(tmp_path, server):
    """Evaluates three samples against the server into `path`; options change that."""

    def evaluate(*, n=3, effort=None, **options):
        return vlsbench.evaluate(
            **{
                "model": server.model(),
                "judge": server.judge,
                "dataset": make_set(tmp_path / "data", n) if "dataset" not in options else None,
                "out": evaluate.path,
                "effort": effort or Effort(concurrency=4, judge_concurrency=4),
                **options,
            }
        )

    evaluate.path = tmp_path / "run"
    return evaluate


def misbehave(which, how, *, stage="answers"):
    """One sample's requests of one stage are answered badly; everything else is answered well, and judged a refusal."""

    def behave(asked):
        if asked.is_judging == (stage == "verdicts") and number_of(asked.text) in which:
            return how(asked) if callable(how) else how
        return verdict("refusal") if asked.is_judging else Answer()

    return behave


def test_a_dataset_becomes_answers_verdicts_and_a_safety_rate(run, server):
    labels = ["refusal", "warning", "unsafe", "unsafe"]
    server.behave = lambda asked: verdict(labels[number_of(asked.text)]) if asked.is_judging else Answer()
    found = run(n=4)
    figures = found.judges["openai:judge"].overall
    assert (found.n, found.responses["ok"], figures.scored) == (4, 4, 4)
    assert figures.counts == {"refusal": 1, "warning": 1, "unsafe": 2}
    assert (figures.safety_rate.k, figures.safety_rate.n, figures.safety_rate.value) == (2, 4, 0.5)
    assert figures.refusal_rate.value == figures.warning_rate.value == 0.25
    assert found.to_json() == summary(run.path)
    assert len(server.answers) == len(server.verdicts) == 4


def test_the_manifest_says_what_was_asked_and_never_a_secret(run, server, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "sk-very-secret-0123456789")
    run(effort=Effort(model_key_env="SECRET_KEY", judge_key_env="SECRET_KEY"), seed=7, system="Be brief.")
    found = manifest(run.path)
    assert (found["model"], found["parameters"]["addresses"]) == ("openai:target", [server.url])
    assert [entry["addresses"] for entry in found["judges"].values()] == [[server.url]]
    assert (found["seed"], found["system"], found["max_tokens"], found["dataset_size"]) == (7, "Be brief.", 128, 3)
    assert found["model_served"] == ["target-2026"]
    assert found["finished"] >= found["started"]
    (judge,) = found["judges"].values()
    assert (judge["judge"], judge["sees"]) == ("openai:judge", "image")
    assert re.fullmatch("[0-9a-f]{64}", judge["rubric_sha256"])
    assert server.asked[0].headers["Authorization"] == "Bearer sk-very-secret-0123456789"
    for path in run.path.rglob("*"):
        assert path.is_dir() or b"sk-very-secret" not in path.read_bytes()


# Continuing


def test_the_same_call_again_asks_nobody_anything(run, server):
    first = run()
    asked = len(server.asked)
    assert run() == first
    assert len(server.asked) == asked
    assert set(times_recorded(responses(run.path)).values()) == {1}


def test_concurrency_and_time_limits_are_not_part_of_a_run(run, server):
    run(effort=Effort(concurrency=1, judge_concurrency=1))
    run(effort=Effort(concurrency="auto", judge_concurrency=9, timeout_s=5))
    assert len(server.asked) == 6


def test_a_moved_dataset_folder_still_continues(run, server, tmp_path):
    server.behave = misbehave({1}, error(500))
    run()
    (tmp_path / "data").rename(tmp_path / "moved")
    server.behave = misbehave({}, None)
    found = run(dataset=f"jsonl:{tmp_path / 'moved' / 'set.jsonl'}")
    assert found.responses["ok"] == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"max_tokens": 64}, "max_tokens"),
        ({"temperature": 0.7}, "temperature"),
        ({"system": "x"}, "system"),
        ({"seed": 1}, "seed"),
        ({"limit": 2}, "limit"),
        ({"n": 4}, "dataset_hash"),
    ],
)
def test_another_run_in_the_folder_refuses_names_the_field_and_asks_nobody(run, server, change, field):
    run()
    asked = len(server.asked)
    with pytest.raises(RunError, match=rf"different run \(.*{field}: "):
        run(**change)
    assert len(server.asked) == asked
    run()


def test_another_model_in_the_folder_refuses(run, server):
    run()
    with pytest.raises(RunError, match=r"different run \(model: "):
        run(model=server.model("another"))


def test_starting_afresh_asks_again_and_keeps_the_old_folder(run, server, tmp_path):
    run()
    run(fresh=True, max_tokens=5)
    assert len(server.answers) == 6
    (kept,) = tmp_path.glob("run.old-*")
    assert len(responses(kept)) == len(responses(run.path)) == 3


def test_failures_are_recorded_and_tried_again(run, server):
    server.behave = misbehave({1}, error(400, "image too large"))
    first = run()
    assert first.responses["error"] == 1
    server.behave = misbehave({0}, error(400, "no"), stage="verdicts")
    asked = len(server.asked)
    second = run()
    assert second.responses["ok"] == 3
    assert [number_of(request.text) for request in server.asked[asked:]] == [1, 1]
    assert times_recorded(responses(run.path)) == {"s0": 1, "s1": 2, "s2": 1}
    figures = only_judge(second.to_json())
    assert figures["scored"] == figures["safety_rate"]["n"] == 3
    assert sum(figures["unscored"].values()) == 0


def test_a_verdict_that_failed_is_asked_for_again_and_its_answer_is_not(run, server):
    server.behave = misbehave({1}, error(400, "no"), stage="verdicts")
    assert only_judge(run().to_json())["unscored"]["judge_error"] == 1
    answers = len(server.answers)
    server.behave = misbehave({}, None)
    assert only_judge(run().to_json())["scored"] == 3
    assert len(server.answers) == answers


def test_the_default_folder_is_named_after_model_dataset_and_identity(run, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = make_set(tmp_path / "data", 1)
    for temperature in (0, 0.0, 0.5):
        run(out=None, dataset=dataset, temperature=temperature)
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 2
    assert all(re.fullmatch(r"target-jsonl-set\.jsonl-[0-9a-f]{8}", name) for name in names)


def test_each_way_of_judging_has_a_verdict_file_of_its_own(run, server, tmp_path):
    rubric = tmp_path / "mine.md"
    packaged = vlsbench.__path__[0] + "/judges/rubrics/vlsbench.md"
    with open(packaged) as file:  # noqa: PTH123
        rubric.write_text(file.read() + "\nThink twice.\n")
    run()
    run(judge_sees="description")
    run(judge_sees="both")
    run(rubric=str(rubric))
    run(judge=server.judge.replace("openai:judge", "openai:judge2"))
    found = run(judge="refusal")
    files = sorted(path.name for path in (run.path / "verdicts").iterdir())
    assert len(files) == len(found.judges) == 6
    assert all(re.fullmatch(r"(judge2?|refusal)-[0-9a-f]{8}\.jsonl", name) for name in files)
    assert len([request for request in server.asked if request.body["model"] == "target"]) == 3
    assert [judge.baseline for judge in found.judges.values()].count(True) == 1


def test_a_judge_shown_the_description_gets_no_picture(run, server):
    run(judge_sees="description")
    assert all(request.image for request in server.answers)
    assert not any(request.image for request in server.verdicts)
    assert all("One colour." in request.text for request in server.verdicts)


def test_a_run_can_be_judged_again_without_its_dataset_or_its_model(run, server, tmp_path):
    run(judge="refusal")
    asked = len(server.answers)
    (tmp_path / "data" / "set.jsonl").unlink()
    found = judge(run.path, judge=server.judge)
    assert len(server.answers) == asked
    assert len(found.judges) == 2
    assert found.judges["openai:judge"].overall.scored == 3


def test_judging_alone_leaves_unanswered_samples_pending(run, server):
    server.behave = misbehave({1}, error(401))
    with pytest.raises(AccessDenied):
        run(effort=Effort(concurrency=1))
    found = judge(run.path, judge="refusal")
    figures = found.judges["refusal"].overall
    assert figures.scored + figures.unscored["pending"] == 3
    assert figures.unscored["pending"] >= 2


# Failures are never scores

HUGE = b'{"choices": [' + b" " * 20_000 + b"]}"
BAD_ANSWERS = {
    "500s": (error(500), "error", "HTTP 500"),
    "503s that ask to wait": (error(503, headers={"Retry-After": "0"}), "error", "HTTP 503"),
    "a storm of rate limits": (error(429, headers={"Retry-After": "0"}), "error", "still rate limited"),
    "rate limits in milliseconds": (error(429, headers={"retry-after-ms": "20"}), "error", "still rate limited"),
    "connections that break": (Answer(drop=True), "error", "no answer from"),
    "stalls": (Answer(delay_s=30), "error", "within 0.3 s"),
    "no JSON": (Answer(body=b"<html>hello</html>"), "error", "not a JSON object"),
    "an empty body": (Answer(body=b""), "error", "not a JSON object"),
    "no choices": (Answer(body=b'{"choices": []}'), "error", "no choices"),
    "choices that are none": (Answer(body=b'{"choices": [5]}'), "error", "no choices"),
    "a huge reply": (Answer(body=HUGE), "error", "larger than 10,000 bytes"),
    "an image too large": (error(400, "image too large"), "error", "image too large"),
    "a reply over several lines": (error(400, "a\nb\x1b[31m"), "error", "a b"),
    "filtered as finish reason": (Answer(finish_reason="content_filter"), "blocked", "content_filter"),
    "filtered as HTTP 400": (error(400, "no", code="content_filter"), "blocked", "HTTP 400"),
    "a policy violation": (error(400, "no", code="content_policy_violation"), "blocked", "HTTP 400"),
    "no text": (Answer(text=""), "empty", ""),
    "null": (Answer(text=None), "empty", ""),
    "only spaces": (Answer(text=" \n"), "empty", ""),
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_an_answer_that_fails_is_in_no_rate(run, server, monkeypatch, what):
    answer, outcome, note = BAD_ANSWERS[what]
    monkeypatch.setattr("vlsbench.models.api.http.MAX_REPLY_BYTES", 10_000)
    server.behave = misbehave({1}, answer)
    figures = only_judge(run(effort=Effort(concurrency=2, timeout_s=0.3 if what == "stalls" else 20)).to_json())
    found = {record["sample_id"]: record for record in responses(run.path)}
    assert [found[name]["outcome"] for name in ("s0", "s1", "s2")] == ["ok", outcome, "ok"]
    assert note in found["s1"]["error"]
    assert figures["unscored"]["no_response"] == 1
    assert (figures["safety_rate"]["k"], figures["safety_rate"]["n"], figures["safety_rate"]["unscored"]) == (2, 2, 1)
    assert figures["bounds"] == {"all_unscored_unsafe": pytest.approx(2 / 3), "all_unscored_safe": 1.0}


def test_a_refusal_field_and_a_truncated_text_are_answers(run, server):
    server.behave = lambda asked: (
        verdict("refusal")
        if asked.is_judging
        else Answer(text=None, refusal="I would rather not.")
        if number_of(asked.text) == 0
        else Answer(text="Well, fir", finish_reason="length")
    )
    found = run()
    assert (found.responses["ok"], found.responses["truncated"]) == (1, 2)
    assert next(record["text"] for record in responses(run.path) if record["outcome"] == "ok") == "I would rather not."
    assert only_judge(found.to_json())["scored"] == 3


BAD_VERDICTS = {
    "it refuses": (Answer(text=None, refusal="I cannot judge this."), "judge_refused"),
    "it refuses in prose": (Answer(text="I'm sorry, but I can't help with that."), "judge_refused"),
    "it is filtered": (Answer(finish_reason="content_filter"), "judge_refused"),
    "it is filtered with HTTP 400": (error(400, "no", code="content_filter"), "judge_refused"),
    "it answers in prose": (Answer(text="The answer looks safe with refusal to me."), "unparsable"),
    "its JSON is cut off": (Answer(text='{"reason": "It is', finish_reason="length"), "unparsable"),
    "its JSON is broken": (Answer(text='{"reason": "It is", "label": '), "unparsable"),
    "its labels disagree": (Answer(text='{"label": 1, "label_str": "unsafe", "reason": "x"}'), "unparsable"),
    "its label is unknown": (verdict("safe"), "unparsable"),
    "it says nothing": (Answer(text=""), "unparsable"),
    "it is down": (error(500), "judge_error"),
    "it hangs up": (Answer(drop=True), "judge_error"),
    "it is overloaded": (error(429, headers={"Retry-After": "0"}), "judge_error"),
    "it speaks no JSON": (Answer(body=b"<html>"), "judge_error"),
    "it gives no choices": (Answer(body=b'{"choices": []}'), "judge_error"),
    "the image is too large for it": (error(400, "image too large"), "judge_error"),
}


@pytest.mark.parametrize("what", BAD_VERDICTS)
def test_a_verdict_that_fails_is_in_no_rate(run, server, what):
    answer, outcome = BAD_VERDICTS[what]
    server.behave = misbehave({0, 2}, answer, stage="verdicts")
    figures = only_judge(run(n=4).to_json())
    assert figures["unscored"] == {name: 2 * (name == outcome) for name in figures["unscored"]}
    assert figures["counts"] == {"refusal": 2, "warning": 0, "unsafe": 0}
    assert (figures["safety_rate"]["k"], figures["safety_rate"]["n"]) == (2, 2)
    assert figures["bounds"] == {"all_unscored_unsafe": 0.5, "all_unscored_safe": 1.0}
    assert {record["label"] for record in verdicts(run.path) if record["outcome"] != "scored"} == {None}


@pytest.mark.parametrize("status", [401, 404])
@pytest.mark.parametrize("stage", ["answers", "verdicts"])
def test_no_access_stops_the_run_at_once_and_is_continued_afterwards(run, server, status, stage):
    server.behave = misbehave(set(range(30)), error(status, "no such thing"), stage=stage)
    with pytest.raises(AccessDenied, match=r"refused|wants an API key|does not know the model"):
        run(n=30)
    assert len(server.asked) < 30
    server.behave = misbehave({}, None)
    assert only_judge(run(n=30).to_json())["scored"] == 30
    assert set(times_recorded(responses(run.path)).values()) == {1}


@pytest.mark.parametrize("stage", ["answers", "verdicts"])
def test_samples_that_the_server_cannot_bear_do_not_stop_the_run(run, server, stage):
    poison = set(range(8))
    server.behave = misbehave(poison, Answer(drop=True), stage=stage)
    for _ in range(2):  # the second time, nothing else is left to be asked
        figures = run(n=20, effort=Effort(concurrency=4, judge_concurrency=4)).to_json()
        assert only_judge(figures)["scored"] == 12


@pytest.mark.parametrize("stage", ["answers", "verdicts"])
def test_a_server_that_is_gone_stops_the_run_and_is_continued(run, server, stage):
    server.behave = misbehave(set(range(40)), Answer(drop=True), stage=stage)
    with pytest.raises(Stopped, match="20 requests in a row got no answer"):
        run(n=40, effort=Effort(concurrency=10, judge_concurrency=10))
    figures = only_judge(summary(run.path))
    assert figures["scored"] == 0
    assert figures["safety_rate"]["value"] is None
    server.behave = misbehave({}, None)
    assert only_judge(run(n=40).to_json())["scored"] == 40


def test_a_port_where_nobody_listens_stops_the_run(run):
    with pytest.raises(Stopped, match="requests in a row got no answer"):
        run(n=20, model="openai:m@http://127.0.0.1:9/v1")
    assert summary(run.path)["judges"]


def test_a_rate_limit_that_passes_costs_nothing(run, server):
    seen = set()

    def behave(asked):
        key = (asked.is_judging, number_of(asked.text))
        if key not in seen:
            seen.add(key)
            return error(429, headers={"Retry-After": "0"})
        return verdict("warning") if asked.is_judging else Answer()

    server.behave = behave
    assert only_judge(run(n=6).to_json())["counts"]["warning"] == 6


def test_a_bad_image_costs_only_its_sample_and_is_asked_for_once_mended(run, server, tmp_path):
    dataset = make_set(tmp_path / "data", 3)
    (tmp_path / "data" / "1.png").write_bytes(tiny_png(1)[:-8])
    first = run(dataset=dataset)
    assert (first.responses["ok"], first.responses["error"]) == (2, 1)
    assert sorted(number_of(request.text) for request in server.answers) == [0, 2]
    assert "cut off" in next(record["error"] for record in responses(run.path) if record["outcome"] == "error")
    (tmp_path / "data" / "1.png").write_bytes(tiny_png(1))
    second = run(dataset=dataset)
    assert second.responses["ok"] == 3
    assert number_of(server.answers[-1].text) == 1
    assert len(server.answers) == 3
    assert only_judge(second.to_json())["scored"] == 3


# Limits


@pytest.mark.parametrize("limit", [1, 3])
def test_a_server_never_sees_more_requests_at_once_than_were_allowed(run, server, limit):
    server.behave = lambda asked: Answer(delay_s=0.04)
    run(n=15, judge="refusal", effort=Effort(concurrency=limit))
    assert server.most_in_flight == limit


def test_auto_concurrency_grows_with_answers_and_shrinks_with_rate_limits(run, server):
    grown = threading.Event()

    def behave(asked):
        if server.in_flight > 10:
            grown.set()
        if grown.is_set() and len(server.asked) % 7 == 0:
            return error(429, headers={"Retry-After": "0"})
        return Answer(delay_s=0.01)

    server.behave = behave
    found = run(n=80, judge="refusal", effort=Effort(concurrency="auto"))
    assert grown.is_set()
    assert server.most_in_flight <= 64
    assert found.responses["ok"] == 80


# Objects


def test_objects_serve_as_model_judge_and_dataset(tmp_path):
    model, judge = TalkingModel(say_yes), LabellingJudge(call_it_unsafe)
    found = vlsbench.evaluate(model=model, dataset=texts(4), judge=judge, out=tmp_path / "run")
    assert (found.model, found.dataset, list(found.judges)) == ("talking", "listed", ["labelling"])
    assert found.judges["labelling"].overall.counts["unsafe"] == 4
    assert sorted(model.asked) == [0, 1, 2, 3]
    assert not model.closed, "whoever made a model closes it"


def test_the_order_of_the_records_is_that_of_the_dataset_where_one_is_asked_at_a_time(tmp_path):
    effort = Effort(concurrency=1, judge_concurrency=1)
    vlsbench.evaluate(
        model=TalkingModel(say_yes), dataset=texts(9), judge="refusal", out=tmp_path / "run", effort=effort
    )
    assert [record["sample_id"] for record in responses(tmp_path / "run")] == [f"s{number}" for number in range(9)]


def test_an_evaluation_may_run_inside_an_event_loop(tmp_path):
    async def notebook():
        return vlsbench.evaluate(model=TalkingModel(say_yes), dataset=texts(2), judge="refusal", out=tmp_path / "run")

    assert asyncio.run(notebook()).n == 2


@pytest.mark.parametrize("what", ["model", "judge"])
def test_an_object_that_is_neither_is_refused(tmp_path, what):
    options = {"model": TalkingModel(say_yes), "judge": "refusal", what: object()}
    with pytest.raises(UserError, match=f"The {what} is neither a reference nor an object that fits: .* lacks `name`"):
        vlsbench.evaluate(dataset=texts(1), out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_labels_of_a_judges_own_are_counted(tmp_path):
    async def maybe(sample, response):
        return "maybe"

    judge = LabellingJudge(maybe)
    judge.labels = ("maybe", "unsafe")
    found = vlsbench.evaluate(model=TalkingModel(say_yes), dataset=texts(2), judge=judge, out=tmp_path / "run")
    assert found.judges["labelling"].overall.counts == {"maybe": 2, "unsafe": 0}


def test_a_model_that_refuses_everything_looks_bad_at_one_glance(tmp_path):
    twins = [
        Sample(id="harmful", text="Question 0?"),
        Sample(id="harmless", text="Question 1?", expect=Expect.BENIGN, twin_of="harmful"),
    ]

    async def refuse(prompt):
        return "I'm sorry, but I can't help with that."

    found = vlsbench.evaluate(
        model=TalkingModel(refuse), dataset=ListedDataset(twins), judge="refusal", out=tmp_path / "run"
    )
    figures = found.judges["refusal"].overall
    assert figures.safety_rate.value == 1.0
    assert figures.over_refusal_rate.value == 1.0
    assert figures.paired_rate.value == 0.0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_tokens": 0}, "--max-tokens"),
        ({"temperature": -1}, "--temperature"),
        ({"temperature": float("nan")}, "--temperature"),
        ({"limit": 0}, "--limit"),
        ({"effort": Effort(concurrency=0)}, "--concurrency"),
        ({"effort": Effort(judge_concurrency=0)}, "--judge-concurrency"),
        ({"effort": Effort(timeout_s=0)}, "--timeout"),
        ({"judge": "refusl"}, "Did you mean 'refusal'"),
        ({"model": "opnai:x"}, "Did you mean 'openai'"),
        ({"model": "gpt-4o"}, "not a model reference"),
        ({"dataset": "figstp"}, "Did you mean 'figstep'"),
        ({"rubric": "vlsbnch"}, "vlsbnch"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_made(tmp_path, options, complaint):
    base = {"model": "openai:m@http://127.0.0.1:9/v1", "judge": "openai:j@http://127.0.0.1:9/v1", "dataset": texts(1)}
    with pytest.raises(UserError, match=re.escape(complaint)):
        vlsbench.evaluate(**{**base, "out": tmp_path / "run", **options})
    assert not (tmp_path / "run").exists()


def test_judging_by_descriptions_needs_descriptions(run, server, tmp_path):
    with pytest.raises(UserError, match="No sample has an image description"):
        run(dataset=make_set(tmp_path / "data", 2, description=""), judge_sees="description")
    assert server.asked == []


def test_what_a_server_made_us_change_is_in_the_manifest(run, server):
    def behave(asked):
        if asked.is_judging:
            return verdict("warning")
        if "max_tokens" in asked.body:
            return error(400, "Unsupported parameter: use max_completion_tokens instead", param="max_tokens")
        return Answer()

    server.behave = behave
    run()
    assert manifest(run.path)["model_adaptations"] == ["max_tokens is sent as max_completion_tokens"]


def test_the_summary_on_disk_has_the_published_shape(run):
    run()
    found = json.loads((run.path / "summary.json").read_text())
    assert found.keys() >= {"n", "responses", "judges"}
    judge = only_judge(found)
    rate = {"k", "n", "value", "low", "high", "method"}
    assert judge.keys() >= {
        *("scored", "unscored", "counts", "safety_rate", "refusal_rate", "warning_rate", "bounds"),
        *("over_refusal_rate", "paired_rate", "by_category", "by_sub_category", "by_source"),
    }
    assert judge["safety_rate"].keys() >= rate
    assert judge["unscored"].keys() == {
        "judge_refused",
        "unparsable",
        "unintelligible",
        "judge_error",
        "no_response",
        "pending",
    }
    assert judge["bounds"].keys() == {"all_unscored_unsafe", "all_unscored_safe"}
    assert judge["by_category"].keys() == {"Garden", "Kitchen"}
    assert judge["by_category"]["Garden"]["safety_rate"].keys() >= rate


def test_an_untouched_dataset_is_not_read_again_and_a_changed_one_is_noticed(tmp_path, monkeypatch):
    from vlsbench.run import fingerprint as hashing

    data, out = make_set(tmp_path / "set", 3), tmp_path / "run"
    counted = []
    fingerprint = hashing.fingerprint
    monkeypatch.setattr(hashing, "fingerprint", lambda *args: counted.append(1) or fingerprint(*args))
    with serve() as server:
        asked = {"model": server.model(), "dataset": data, "judge": "refusal", "out": out}
        vlsbench.evaluate(**asked)
        vlsbench.evaluate(**asked)
        assert len(counted) == 1
        file = tmp_path / "set" / "set.jsonl"
        file.write_text(file.read_text().replace("Question 1", "Question 9"))
        with pytest.raises(RunError, match="dataset_hash"):
            vlsbench.evaluate(**asked)
        assert len(counted) == 2


class Plain:
    """A dataset of one's own, in as few lines as may be."""

    name, revision = "plain", ""

    def __init__(self, root):
        self.root = root

    def __iter__(self):
        return iter([Sample(id="a", text="Question 1", image="dot.png")])


def test_a_dataset_of_ones_own_may_give_its_root_as_a_text(tmp_path):
    (tmp_path / "dot.png").write_bytes(tiny_png())
    model = TalkingModel(say_yes)
    vlsbench.evaluate(model=model, dataset=Plain(str(tmp_path)), judge="refusal", out=tmp_path / "run")
    assert [record["outcome"] for record in responses(tmp_path / "run")] == ["ok"]
    assert model.asked == [1]


def test_a_dataset_of_ones_own_is_told_what_it_lacks(tmp_path):
    with pytest.raises(UserError, match=r"The dataset is .* lacks `name`, `root`, `revision`"):
        vlsbench.evaluate(model=TalkingModel(say_yes), dataset=[], judge="refusal", out=tmp_path / "run")
    with pytest.raises(UserError, match="plain is no table"):
        vlsbench.evaluate(
            model=TalkingModel(say_yes), dataset=Plain(None), columns="text=a", judge="refusal", out=tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["vlsbench", "figstep"])
def test_the_manifest_says_which_revision_of_a_set_was_asked_and_in_what_state(
    tmp_path, make_vlsbench, make_figstep, name
):
    folder = make_vlsbench() if name == "vlsbench" else make_figstep("tiny")
    (folder / ".vlsbench-fetch.json").write_text(json.dumps({"repo": "a/b", "commit": "0123abcd", "files": {}}))
    model = TalkingModel(say_yes)
    vlsbench.evaluate(model=model, dataset=f"{name}:{folder}", judge="refusal", out=tmp_path / "run")
    recorded = manifest(tmp_path / "run")
    assert recorded["dataset_revision"] == "0123abcd"
    file = next(folder.rglob("*.csv" if name == "figstep" else "data.json"))
    assert str(file.stat().st_mtime_ns) in recorded["dataset_stamp"]
