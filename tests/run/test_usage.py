"""What a run took: as many requests and tokens as the server counts, whatever happened on the way."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

import vlsbench
from builders import (
    LabellingJudge,
    TalkingModel,
    call_it_unsafe,
    finish,
    hurry,
    make_set,
    number_of,
    say_yes,
    start,
    verdicts,
)
from builders import vlsbench as command
from loopback import Answer, error, serve, verdict
from vlsbench.core.types import Verdict, VerdictOutcome
from vlsbench.core.usage import Price, Prices
from vlsbench.results.summary import summarise
from vlsbench.run.loading import Effort
from vlsbench.store.run_folder import Run


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
    def evaluate(n=3, **options):
        return vlsbench.evaluate(
            **{
                "model": server.model(),
                "judge": server.judge,
                "dataset": make_set(tmp_path / "data", n),
                "out": evaluate.path,
                "effort": Effort(concurrency=4, judge_concurrency=4, prices=evaluate.prices),
                **options,
            }
        )

    evaluate.path = tmp_path / "run"
    evaluate.prices = None
    return evaluate


def usage_of(run):
    return json.loads((run.path / "summary.json").read_text())["usage"]


def test_requests_and_tokens_are_those_that_the_server_counts(run, server):
    found = run(n=5)
    assert usage_of(run) == {
        role: {"requests": 5, "prompt": 55, "completion": 15, "cached": None, "retried": 0, "uncounted": 0}
        for role in ("target", "judge")
    }
    assert found.usage["judge"].usage.requests == len(server.verdicts)
    assert all(line["prompt_tokens"] == 11 and line["requests"] == 1 for line in verdicts(run.path))


def test_what_is_tried_again_is_counted(run, server):
    failed = set()

    def behave(asked):
        key = (asked.is_judging, number_of(asked.text))
        if key not in failed:
            failed.add(key)
            return error(503) if key[0] else error(429)
        return verdict("unsafe") if asked.is_judging else Answer()

    server.behave = behave
    run(n=3)
    used = usage_of(run)
    assert (used["target"]["requests"], used["judge"]["requests"]) == (len(server.answers), len(server.verdicts))
    assert [used[role]["retried"] for role in used] == [3, 3]
    assert [used[role]["prompt"] for role in used] == [33, 33]


@pytest.mark.parametrize("reason", ["abort", "a reason that nobody knows"])
def test_a_reply_that_ended_badly_is_paid_for_as_well(run, server, reason):
    failed = set()

    def behave(asked):
        key = (asked.is_judging, number_of(asked.text))
        good = key in failed
        failed.add(key)
        said = verdict("unsafe") if asked.is_judging else Answer()
        return said if good else replace(said, finish_reason=reason)

    server.behave = behave
    run(n=3)
    run(n=3)
    run(n=3)  # what ended for an unknown reason is not tried again by itself
    used = usage_of(run)
    assert [used[role]["prompt"] for role in used] == [66, 66]
    assert [used[role]["completion"] for role in used] == [18, 18]
    assert [used[role]["uncounted"] for role in used] == [0, 0]


def test_no_number_of_tokens_costs_a_run_its_summary(run, server):
    many = {"prompt_tokens": 2**53 - 1, "completion_tokens": 10**18}
    server.behave = lambda asked: replace(verdict("unsafe") if asked.is_judging else Answer(), usage=many)
    run(n=3)
    assert usage_of(run)["target"]["prompt"] is None


def test_a_second_attempt_at_a_verdict_is_paid_for_as_well(run, server):
    server.behave = lambda asked: Answer(text="Well.") if asked.is_judging else Answer()
    run(n=2)
    judge = usage_of(run)["judge"]
    assert (judge["requests"], judge["prompt"], judge["retried"]) == (4, 44, 0) == (len(server.verdicts), 44, 0)


def test_what_was_owed_before_a_verdict_failed_is_in_its_record(run, server):
    asked_before = set()

    def behave(asked):
        if not asked.is_judging:
            return Answer()
        first = number_of(asked.text) not in asked_before
        asked_before.add(number_of(asked.text))
        return Answer(text="Well.") if first else error(400, "no")

    server.behave = behave
    run(n=2)
    judge = usage_of(run)["judge"]
    assert (judge["requests"], judge["prompt"], judge["uncounted"]) == (4, 22, 0)


def test_failures_and_their_repetition_after_continuing_add_up(run, server):
    server.behave = lambda asked: (
        error(400, "no") if not asked.is_judging and number_of(asked.text) == 1 else good(asked)
    )
    run(n=3)
    server.behave = good
    run(n=3)
    used = usage_of(run)
    assert used["target"]["requests"] == len(server.answers) == 4
    assert used["target"]["prompt"] == 33
    assert used["judge"]["requests"] == len(server.verdicts) == 3
    run(n=3)
    assert usage_of(run) == used


def good(asked):
    return verdict("unsafe") if asked.is_judging else Answer()


def test_judging_again_is_added_to_what_the_judge_took(run, server):
    run(n=2)
    vlsbench.judge(run.path, judge=server.judge, judge_sees="description")
    assert usage_of(run)["judge"]["requests"] == len(server.verdicts) == 4
    assert usage_of(run)["target"]["requests"] == 2


def test_a_server_that_counts_nothing_leaves_tokens_unknown(run, server):
    server.behave = lambda asked: Answer(usage=None) if not asked.is_judging else verdict("unsafe")
    run.prices = Prices(models={}, target=Price(input=1e6, output=0), judge=Price(input=1e6, output=0))
    found = run(n=2)
    target = usage_of(run)["target"]
    assert (target["prompt"], target["completion"], target["uncounted"]) == (None, None, 2)
    assert found.usage["judge"].cost == 22.0


def test_cached_tokens_are_told_apart(run, server):
    usage = {"prompt_tokens": 100, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 60}}
    server.behave = lambda asked: Answer(usage=usage) if not asked.is_judging else verdict("unsafe")
    run.prices = Prices(models={}, target=Price(input=1e6, output=0, cached=1e5))
    found = run(n=2)
    assert usage_of(run)["target"]["cached"] == 120
    assert found.usage["target"].cost == pytest.approx(80 + 12)


def test_prices_stay_with_the_run_and_can_be_named_later(run, server):
    run.prices = Prices(models={server.model().partition("@")[0]: Price(input=1e6, output=0, currency="EUR")})
    found = run(n=2)
    assert found.usage["target"].cost == 22.0
    assert found.usage["judge"].cost is None
    assert found.usage["judge"].unpriced == ("openai:judge",)
    again = summarise(Run(run.path))
    assert (again.usage["target"].cost, again.usage["target"].currency) == (22.0, "EUR")
    dear = summarise(Run(run.path), prices=Prices(models={}, judge=Price(input=2e6, output=0)))
    assert dear.usage["judge"].cost == 44.0


def test_objects_of_a_program_are_counted_too(tmp_path):
    found = vlsbench.evaluate(
        model=TalkingModel(say_yes),
        judge=LabellingJudge(call_it_unsafe),
        dataset=make_set(tmp_path, 2),
        out=tmp_path / "run",
    )
    assert found.usage["target"].usage.requests == 2
    assert found.usage["target"].usage.uncounted == 2
    assert found.usage["judge"].usage.requests == 0


class AskingJudge(LabellingJudge):
    """Sends its requests itself, and says what they took."""

    async def judge(self, sample, response, image):
        return Verdict(
            sample_id=sample.id, outcome=VerdictOutcome.SCORED, label="unsafe", requests=3, retried=1, prompt_tokens=7
        )


def test_a_judge_that_asks_by_itself_may_say_what_it_took(tmp_path):
    found = vlsbench.evaluate(
        model=TalkingModel(say_yes),
        judge=AskingJudge(call_it_unsafe),
        dataset=make_set(tmp_path, 2),
        out=tmp_path / "run",
    )
    judge = found.usage["judge"].usage
    assert (judge.requests, judge.retried, judge.prompt_tokens, judge.completion_tokens) == (6, 2, 14, None)


def test_the_progress_tells_what_is_spent_and_expected(run, server):
    seen = []
    enough = threading.Event()

    def watch(counts):
        if counts.spent is not None and counts.asked.requests:
            seen.append((counts.spent, counts.expected))
            enough.set()

    run.prices = Prices(models={}, target=Price(input=1e6, output=0), judge=Price(input=1e6, output=0))
    run(n=6, progress=watch)
    assert enough.is_set()
    assert seen[-1] == (132.0, 132.0)
    assert all(expected is None or expected == pytest.approx(132.0, rel=0.35) for _, expected in seen)
    seen.clear()
    run(n=6, progress=watch)
    assert seen[-1] == (132.0, 132.0), "what earlier sessions spent counts"


def test_runs_of_earlier_versions_have_unknown_tokens_of_judges(run, server):
    run(n=2)
    (file,) = (run.path / "verdicts").glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        for name in ("requests", "prompt_tokens", "completion_tokens"):
            del line[name]
    file.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    judge = summarise(Run(run.path)).usage["judge"].usage
    assert (judge.requests, judge.prompt_tokens, judge.uncounted) == (2, None, 2)


def test_after_a_kill_the_usage_is_that_of_what_was_recorded(tmp_path, server):
    def slow(asked):
        answer = good(asked)
        answer.delay_s = 0.05
        return answer

    server.behave = slow
    words = ["eval", "--model", server.model(), "--judge", server.judge, "--dataset", make_set(tmp_path / "data", 40)]
    words += ["--out", str(tmp_path / "run"), "--concurrency", "2", "--judge-concurrency", "2", "--quiet"]
    process = start(*words)
    server.wait_for(30)
    process.kill()
    finish(process)
    server.behave = good
    finish(start(*words))
    used = json.loads((tmp_path / "run" / "summary.json").read_text())["usage"]
    for role, asked in (("target", server.answers), ("judge", server.verdicts)):
        assert 40 <= used[role]["requests"] <= len(asked) <= used[role]["requests"] + 2, "in flight at the kill"
        assert used[role]["prompt"] == 11 * used[role]["requests"]


def test_prices_of_an_earlier_session_hold_on_in_the_progress(run, server):
    seen = []
    run.prices = Prices(models={}, target=Price(input=100.0, output=0.0), judge=Price(input=0.0, output=1000.0))
    server.behave = lambda asked: error(400) if number_of(asked.text) == 2 else Answer(text="Yes.")
    run()
    run.prices = None
    server.behave = lambda asked: verdict("unsafe") if asked.is_judging else Answer(text="Yes.")
    found = run(progress=lambda counts: seen.append((counts.spent, counts.currency)))
    assert seen[-1][0] == pytest.approx(found.usage["target"].cost + found.usage["judge"].cost)
    assert found.usage["target"].cost == pytest.approx(found.usage["target"].usage.prompt_tokens * 100 / 1e6)


def test_other_prices_than_before_are_said_and_hold_for_the_whole_run(tmp_path, server, capsys):
    words = ("--model", server.model(), "--judge", server.judge, "--dataset", make_set(tmp_path / "data", 2))
    again = ("eval", *words, "--out", tmp_path / "run", "--quiet")
    assert command(*again, "--price-in", 1, "--price-out", 1) == 0
    assert "priced at" not in capsys.readouterr().err
    assert command(*again, "--price-in", 3, "--price-out", 1) == 0
    said = capsys.readouterr().err
    assert "openai:target was priced at 1 in, 1 out so far; 3 in, 1 out, as named now, holds for all of the run" in said
    usage = json.loads((tmp_path / "run" / "summary.json").read_text())["usage"]
    assert usage["target"]["cost"] == pytest.approx((22 * 3 + 6) / 1e6)
    assert command("show", tmp_path / "run", "--price-in", 5, "--price-out", 0, "--json") == 0
    assert json.loads(capsys.readouterr().out)["usage"]["target"]["cost"] == pytest.approx(22 * 5 / 1e6)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["usage"] == usage
