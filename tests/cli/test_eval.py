"""`vlsbench eval` as a user meets it; where a kill or a signal is the matter, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from builders import (
    SRC,
    finish,
    hurry,
    make_set,
    manifest,
    number_of,
    only_judge,
    responses,
    start,
    summary,
    times_recorded,
    verdicts,
    vlsbench,
)
from loopback import Answer, error, serve, verdict
from vlsbench import cli
from vlsbench.store.run_folder import Run

SLOTS = 4


@pytest.fixture(autouse=True)
def _quick_and_without_keys(monkeypatch):
    hurry(monkeypatch)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with serve(good) as running:
        yield running


def good(asked):
    return verdict("warning") if asked.is_judging else Answer()


def slow(seconds):
    def behave(asked):
        answer = good(asked)
        answer.delay_s = seconds
        return answer

    return behave


@pytest.fixture
def words(server, tmp_path):
    """The command, for so many samples."""

    def command(n=3, *more, dataset=None):
        dataset = dataset or make_set(tmp_path / "data", n)
        named = {"--model": server.model(), "--dataset": dataset, "--judge": server.judge}
        given = ["eval", *(word for pair in named.items() if pair[0] not in more for word in pair)]
        slots = ["--concurrency", SLOTS, "--judge-concurrency", SLOTS]
        return [*given, "--out", tmp_path / "run", *slots, *more]

    return command


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run"


def asked_about(requests):
    return Counter(number_of(request.text) for request in requests)


def whole_lines(path):
    """What is surely recorded: the file up to its last newline."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]


# The process


def test_killing_the_process_loses_no_record_and_repeats_at_most_the_requests_in_flight(words, run, server):
    n, kills = 30, 0
    server.behave = slow(0.04)
    recorded = {}
    for more_requests in (1, 9, 16):
        process = start(*words(n))
        server.wait_for(len(server.asked) + more_requests)
        process.kill()
        finish(process)
        kills += 1
        before, recorded = recorded, {path: whole_lines(path) for path in run.rglob("*.jsonl")}
        assert all(recorded[path].startswith(data) for path, data in before.items())

    server.behave = good
    assert vlsbench(*words(n, "--quiet")) == 0
    assert all(path.read_bytes().startswith(data) for path, data in recorded.items())
    for requests, records in ((server.answers, responses(run)), (server.verdicts, verdicts(run))):
        assert set(times_recorded(records).values()) == {1}
        assert len(records) == n
        asked = asked_about(requests)
        assert set(asked) == set(range(n))
        assert sum(asked.values()) - n <= kills * SLOTS
    assert only_judge(summary(run))["scored"] == n


def test_lines_torn_by_a_kill_are_repaired_and_asked_for_again(words, run, server):
    assert vlsbench(*words(6)) == 0
    asked = len(server.asked)
    for path in (run / "responses.jsonl", next((run / "verdicts").iterdir())):
        path.write_bytes(path.read_bytes()[:-20])
    assert vlsbench(*words(6)) == 0
    assert len(server.asked) - asked <= 3
    assert set(times_recorded(responses(run)).values()) == {1}
    assert len(responses(run)) == 6
    assert only_judge(summary(run))["scored"] == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_finishes_writing_and_repeats_nothing(words, run, server, number):
    server.behave = slow(0.4)
    process = start(*words(20))
    server.wait_for(SLOTS)
    process.send_signal(number)
    out, err = finish(process)
    assert process.returncode == 130
    assert out == ""
    assert err.strip()
    assert "Traceback" not in err
    answered, judged = len(server.answers), len(server.verdicts)
    assert answered < 20
    assert len(responses(run)) == answered
    assert len(verdicts(run)) == judged
    assert summary(run)["responses"]["pending"] == 20 - answered
    assert manifest(run)["finished"] is None

    server.behave = good
    assert vlsbench(*words(20)) == 0
    assert len(server.answers) == len(server.verdicts) == 20
    assert manifest(run)["finished"] is not None


def test_a_second_interrupt_stops_at_once(words, run, server):
    server.behave = lambda asked: Answer(delay_s=120)
    process = start(*words(20))
    server.wait_for(SLOTS)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = finish(process)
    assert process.returncode == 130
    assert time.monotonic() - started < 8  # the time that requests in flight would have had is 10 s
    assert "Traceback" not in err
    assert responses(run) == []
    server.behave = good
    assert vlsbench(*words(20)) == 0


@pytest.mark.parametrize("pause_s", [0.0, 0.02, 0.2])
def test_interrupts_in_a_row_end_with_130_and_without_a_traceback(words, server, pause_s):
    server.behave = slow(0.3)
    process = start(*words(20))
    server.wait_for(SLOTS)
    for _ in range(8):
        process.send_signal(signal.SIGINT)
        time.sleep(pause_s)
    out, err = finish(process)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err


def test_a_run_that_may_outlive_its_terminal_does_and_says_that_nobody_saw_the_end(words, run, server):
    server.behave = slow(0.2)
    ours, theirs = os.openpty()

    def outlive():
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    command = [sys.executable, "-m", "vlsbench", *map(str, words(12))]
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, preexec_fn=outlive, close_fds=True
    )
    os.close(theirs)
    server.wait_for(SLOTS)
    os.close(ours)
    assert process.wait(60) not in (0, 1)
    assert only_judge(summary(run))["scored"] == 12


def test_a_full_disk_stops_the_run_with_3_and_the_same_command_continues(words, run, server, monkeypatch):
    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    # Coverage could not write what it measured either, and would say so.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    process = start(*words(30), before=little_room)
    _, err = finish(process)
    assert process.returncode == 3
    assert "Cannot write" in err
    assert "Traceback" not in err
    answers = len(server.answers)
    assert answers > 0
    assert vlsbench(*words(30)) == 0
    assert set(times_recorded(responses(run)).values()) == {1}
    assert only_judge(summary(run))["scored"] == 30
    assert len(server.answers) - 30 <= SLOTS


def test_two_processes_cannot_work_on_one_folder_but_a_killed_one_leaves_it_free(words, run, server):
    server.behave = lambda asked: Answer(delay_s=120)
    first = start(*words(4))
    server.wait_for(1)
    second = start(*words(4))
    _, err = finish(second)
    assert second.returncode == 2
    assert f"Another process (pid {first.pid}) is working on {run}" in err
    first.kill()
    finish(first)
    server.behave = good
    assert vlsbench(*words(4)) == 0
    assert set(times_recorded(responses(run)).values()) == {1}


def test_results_go_to_stdout_and_progress_to_stderr(words, server):
    process = start(*words(3), env={"NO_COLOR": "1"})
    out, err = finish(process)
    assert process.returncode == 0
    assert "safety (refusal + warning)" in out
    assert "Run folder: " in out
    assert "3/3" in err
    assert "\x1b" not in out + err
    assert "\r" not in err
    (line,) = err.splitlines()
    assert re.search(r"^3/3 · [\d.]+/s · 0s left · warning 3 · unscored 0 · tokens [\d,]+ · answered 3$", line)


# The command, in this process


def test_the_summary_as_json_is_the_summary_file_and_nothing_else(words, run, capsys):
    assert vlsbench(*words(3, "--json")) == 0
    assert json.loads(capsys.readouterr().out) == summary(run)


def test_quiet_means_no_progress(words, capsys):
    assert vlsbench(*words(3, "--quiet")) == 0
    assert capsys.readouterr().err == ""


def test_progress_is_lines_where_there_is_no_terminal(words, capsys, monkeypatch):
    monkeypatch.setattr("vlsbench.cli.progress.PLAIN_EVERY_S", 0.0)
    assert vlsbench(*words(5)) == 0
    told = capsys.readouterr().err.splitlines()
    done = [line.split(" · ")[0] for line in told]
    assert list(dict.fromkeys(done)) == ["0/5", "1/5", "2/5", "3/5", "4/5", "5/5"]
    assert told[0].startswith("0/5 · ")
    assert "answered 0" in told[0]
    assert all("unscored 0" in line and "tokens" in line for line in told)


def test_progress_renews_one_line_in_a_terminal(words, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(cli.progress, "TERMINAL_EVERY_S", 0.0)
    assert vlsbench(*words(5)) == 0
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.count("\r\x1b[2K") >= 5


def test_too_many_unscored_samples_end_with_1(words, run, server, capsys):
    server.behave = lambda asked: (
        error(400, "no") if not asked.is_judging and "Question 1:" in asked.text else good(asked)
    )
    assert vlsbench(*words(10)) == 1
    shown = capsys.readouterr()
    assert "10.0 % of the samples are unscored, more than --max-unscored 0.05 allows" in shown.err
    assert "Unscored: 1 of 10 (1 no_response)" in shown.out
    assert vlsbench(*words(10, "--max-unscored", "0.1")) == 0
    assert vlsbench(*words(10, "--max-unscored", "0")) == 1
    server.behave = good
    assert vlsbench(*words(10, "--max-unscored", "0")) == 0


def test_a_judge_that_refuses_the_key_ends_with_2(words, server, capsys):
    server.behave = lambda asked: error(401, "bad key") if asked.is_judging else Answer()
    assert vlsbench(*words(3)) == 2
    assert "API key" in capsys.readouterr().err


def test_a_server_that_is_gone_ends_with_3(words, capsys):
    command = words(20)
    command[2] = "openai:m@http://127.0.0.1:9/v1"
    assert vlsbench(*command) == 3
    assert "20 requests in a row got no answer" in capsys.readouterr().err


def test_stalls_end_with_3_after_the_time_limit(words, server, capsys):
    server.behave = lambda asked: Answer(delay_s=60)
    assert vlsbench(*words(20, "--timeout", "0.1", "--concurrency", 20)) == 3
    assert "within 0.1 s" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_ends_with_3(words, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert vlsbench(*words(1, "--out", tmp_path / "file" / "run")) == 3
    assert "Cannot make the folder" in capsys.readouterr().err


def test_a_read_only_folder_ends_with_3(words, run, capsys, monkeypatch):
    assert vlsbench(*words(1)) == 0
    opened = os.open

    def read_only(path, flags, *more, **named):
        if str(path).startswith(str(run)) and flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(30, "Read-only file system", str(path))
        return opened(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", read_only)
    assert vlsbench(*words(1)) == 3
    assert "Read-only file system" in capsys.readouterr().err


def test_another_run_in_the_folder_ends_with_2_and_afresh_keeps_it_aside(words, run, capsys):
    assert vlsbench(*words(3)) == 0
    assert vlsbench(*words(3, "--max-tokens", 5)) == 2
    assert "max_tokens: the folder has 128, you ask for 5" in capsys.readouterr().err
    assert vlsbench(*words(3, "--max-tokens", 5, "--fresh")) == 0
    assert manifest(run)["max_tokens"] == 5
    assert len(list(run.parent.glob("run.old-*"))) == 1


def test_the_options_reach_the_server(words, server):
    more = ("--max-tokens", 9, "--temperature", 0.5, "--seed", 3, "--system", "Be brief.", "--limit", 2)
    assert vlsbench(*words(5, *more)) == 0
    assert len(server.answers) == 2
    body = server.answers[0].body
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (9, 0.5, 3)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert sorted(number_of(request.text) for request in server.answers) == [0, 1]


def test_the_keys_come_from_the_variables_named_for_them(words, server, monkeypatch):
    monkeypatch.setenv("ONE_KEY", "sk-one")
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    assert vlsbench(*words(1, "--model-key-env", "ONE_KEY", "--judge-key-env", "OTHER_KEY")) == 0
    assert server.answers[0].headers["Authorization"] == "Bearer sk-one"
    assert server.verdicts[0].headers["Authorization"] == "Bearer sk-other"


@pytest.mark.parametrize("escaped", [False, True])
def test_no_key_of_the_process_is_recorded_whoever_echoes_it_in_whatever_notation(
    words, server, run, monkeypatch, escaped
):
    keys = ["sk-of-the-model-0001", "sk-of-the-judge-0002"]
    monkeypatch.setenv("ONE_KEY", keys[0])
    monkeypatch.setenv("OTHER_KEY", keys[1])
    echo = " ".join(keys)
    said = "".join(f"\\u{ord(char):04x}" for char in echo) if escaped else echo

    def behave(asked):
        text = f'{{"reason": "{said}", "label": "warning"}}' if asked.is_judging else None
        body = {"model": echo, "choices": [{"message": {"content": text or echo}, "finish_reason": "stop"}]}
        return Answer(body=json.dumps(body).encode())

    server.behave = behave
    assert vlsbench(*words(2, "--model-key-env", "ONE_KEY", "--judge-key-env", "OTHER_KEY")) == 0
    recorded = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file())
    assert b"[key] [key]" in recorded
    assert not any(key.encode() in recorded for key in keys)
    assert {record["label"] for record in verdicts(run)} == {"warning"}


def test_a_named_variable_that_is_not_set_ends_with_2(words, server, capsys):
    assert vlsbench(*words(1, "--model-key-env", "NOT_SET_ANYWHERE")) == 2
    assert "NOT_SET_ANYWHERE is not set" in capsys.readouterr().err
    assert server.asked == []


HOSTILE = "\x1b[31mred\x07\x1b]0;title\x07\u202e\x9b1m"


@pytest.mark.parametrize("as_json", [False, True])
def test_control_characters_from_files_and_servers_never_reach_the_terminal(words, server, tmp_path, capsys, as_json):
    server.behave = lambda asked: (
        error(400, HOSTILE)
        if "Question 0" in asked.text
        else verdict("unsafe", HOSTILE)
        if asked.is_judging
        else Answer()
    )
    command = words(dataset=make_set(tmp_path / "data", 3, category=HOSTILE, sub_category=HOSTILE, source=HOSTILE))
    command[2] = f"openai:{HOSTILE}@{server.url}"
    assert vlsbench(*command, *(["--json"] if as_json else [])) == 1
    shown = capsys.readouterr()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown.out + shown.err)
    assert as_json or "\u202e" not in shown.out + shown.err


def test_control_characters_in_an_error_never_reach_the_terminal(words, server, capsys):
    server.behave = lambda asked: error(404, HOSTILE)
    assert vlsbench(*words(1)) == 2
    shown = capsys.readouterr()
    assert "does not know the model" in shown.err
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown.out + shown.err)


# --dry-run


def test_a_dry_run_contacts_nobody_needs_no_key_and_makes_nothing(words, run, server, tmp_path, capsys):
    dataset = make_set(tmp_path / "data", 3)
    for refs in ((server.model(), server.judge), ("openai:gpt-4o", "openai:gpt-4o")):
        assert vlsbench("eval", "--model", refs[0], "--dataset", dataset, "--judge", refs[1], "--dry-run") == 0
        shown = capsys.readouterr().out
        assert "Nothing was contacted" in shown
        assert re.search(r"samples +3\n", shown)
        assert re.search(r"requests to the judge +3\n", shown)
        assert "cost" not in shown
    assert server.asked == []
    assert not run.exists()


def test_a_dry_run_with_prices_tells_the_cost(words, server, capsys):
    assert vlsbench(*words(3, "--dry-run", "--price-in", 1e6, "--price-out", 0, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cost"] == pytest.approx(found["input_tokens"])
    assert found["samples"] == found["answer_requests"] == found["judge_requests"] == 3
    assert vlsbench(*words(3, "--dry-run", "--price-in", 2.5, "--price-out", 10)) == 0
    assert "cost (estimate)" in capsys.readouterr().out
    assert server.asked == []


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--price-in", 1, "--dry-run"), "go together"),
        (("--judge-price-in", 1), "--judge-price-in and --judge-price-out go together"),
        (("--prices", "/nowhere/prices.toml"), "/nowhere/prices.toml cannot be read"),
        (("--judge", "refusl", "--dry-run"), "Did you mean 'refusal'"),
        (("--model", "opnai:x", "--dry-run"), "Did you mean 'openai'"),
        (("--dataset", "figstp", "--dry-run"), "Did you mean 'figstep'"),
        (("--dataset", "figstp"), "Did you mean 'figstep'"),
        (("--dataset", "jsonl:/nowhere/set.jsonl"), "/nowhere/set.jsonl"),
        (("--model", "openai:x@http://user:pass@host/v1"), "user name or password"),
        (("--concurrency", "0"), "whole number of 1 or more"),
        (("--concurrency", "many"), "whole number of 1 or more"),
        (("--limit", "0"), "whole number of 1 or more"),
        (("--max-unscored", "2"), "between 0 and 1"),
        (("--temperature", "-1"), "--temperature"),
        (("--timeout", "0"), "--timeout"),
        (("--timeout", "nan"), "--timeout"),
        (("--timeout", "inf"), "--timeout"),
        (("--seed", str(10**30)), "too large"),
        (("--max-tokens", str(10**30)), "whole number"),
        (("--limit", str(10**30)), "whole number"),
        (("--system", "\udcff"), "not valid UTF-8"),
        (("--model", "openai:\udcff@http://127.0.0.1:9/v1"), "not valid UTF-8"),
        (("--dry-run", "--price-in", "nan", "--price-out", "1"), "price of 0 or more"),
        (("--judge-sees", "nothing"), "--judge-sees"),
    ],
)
def test_mistakes_end_with_2_and_say_what_to_do(words, run, server, capsys, more, complaint):
    assert vlsbench(*words(1, *more)) == 2
    shown = capsys.readouterr()
    assert complaint in shown.err
    assert shown.out == ""
    assert server.asked == []
    assert not run.exists()


def test_openai_itself_needs_a_key(words, run, capsys):
    assert vlsbench(*words(1, "--model", "openai:gpt-4o")) == 2
    assert "OPENAI_API_KEY" in capsys.readouterr().err
    assert not run.exists()


def test_a_run_folder_is_free_again_after_the_run(words, run):
    assert vlsbench(*words(1)) == 0
    again = Run(run)
    again.lock()
    again.unlock()


def test_the_source_under_test_is_this_checkout():
    assert cli.__file__.startswith(str(SRC))


def test_a_dry_run_counts_what_a_run_that_goes_on_still_needs(words, capsys):
    assert vlsbench(*words(4)) == 0
    capsys.readouterr()
    assert vlsbench(*words(4), "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["samples"], found["answer_requests"], found["judge_requests"]) == (4, 0, 0)
    assert vlsbench(*words(4), "--dry-run", "--json", "--max-tokens", "7") == 2
    assert "holds a different run" in capsys.readouterr().err
    assert vlsbench(*words(4), "--dry-run", "--json", "--fresh") == 0
    assert json.loads(capsys.readouterr().out)["answer_requests"] == 4


@pytest.mark.parametrize(
    "damage",
    [('"label":"warning"', '"label":"?"'), ('"answer_sha256":"', '"answer_sha256":"0')],
    ids=["label", "answer"],
)
def test_a_dry_run_counts_a_damaged_verdict_as_the_run_does(words, server, run, capsys, damage):
    assert vlsbench(*words(4)) == 0
    (verdicts,) = (run / "verdicts").iterdir()
    first, *others = verdicts.read_text().splitlines(keepends=True)
    assert damage[0] in first
    verdicts.write_text(first.replace(*damage) + "".join(others))
    capsys.readouterr()
    assert vlsbench(*words(4), "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["judge_requests"] == 1
    asked = len(server.asked)
    assert vlsbench(*words(4)) == 0
    assert len(server.asked) == asked + 1


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--judge-sees", "description"), "No sample has an image description"),
        (("--temperature", "99"), "between 0 and 10"),
        (("--timeout", "0"), "--timeout"),
        (("--seed", "9" * 20), "too large"),
        (("--system", "\udcff"), "not valid UTF-8"),
        (("--judge", "refusal", "--judge-sees", "both"), "leave out --judge-sees"),
        (("--judge", "refusal", "--rubric", "vlsbench"), "leave out --judge-sees"),
        (
            ("--judge", "guard:openai:g@http://127.0.0.1:9/v1", "--rubric", "vlsbench"),
            "A guard has a rubric",
        ),
        (("--rubric", "no-such-rubric"), "no-such-rubric"),
        (("--model", "mini:none"), "none"),
        (("--out", "FILE"), "is a file"),
        (("--out", "FOLDER"), "is not a run folder"),
        (("--out", "FOLDER", "--fresh"), "is not a run folder"),
    ],
    ids=lambda value: " ".join(value).encode("ascii", "replace").decode() if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("dry", [False, True], ids=["run", "dry run"])
def test_a_dry_run_refuses_what_the_run_would_refuse(words, server, tmp_path, capsys, more, complaint, dry):
    (tmp_path / "FOLDER").mkdir()
    for file in (tmp_path / "FILE", tmp_path / "FOLDER" / "poem.txt"):
        file.write_text("Mine.")
    data = make_set(tmp_path / "data", 1, description="")
    given = [tmp_path / word if word in ("FILE", "FOLDER") else word for word in more]
    assert vlsbench(*words(1, *given, dataset=data), *(["--dry-run"] if dry else [])) == 2
    assert complaint in capsys.readouterr().err
    assert server.asked == []
    assert {path.name for path in tmp_path.iterdir()} == {"FILE", "FOLDER", "data"}


PRICES = '["openai:{name}"]\ninput = 1000000\noutput = 0\n'


def test_prices_by_model_end_in_a_line_of_cost(words, run, tmp_path, capsys):
    file = tmp_path / "prices.toml"
    file.write_text('currency = "USD"\n' + PRICES.format(name="target") + PRICES.format(name="judge"))
    assert vlsbench(*words(3, "--prices", file)) == 0
    shown = capsys.readouterr()
    assert "Cost: 66.00 USD (target 33.00, judge 33.00)" in shown.out
    assert "target: 3 requests, 33 tokens in, 9 out" in shown.out
    assert "spent 66.00 of about 66.00 USD" in shown.err
    assert vlsbench("show", run, "--json") == 0
    used = json.loads(capsys.readouterr().out)["usage"]
    assert [used[role]["cost"] for role in ("target", "judge")] == [33.0, 33.0]
    assert vlsbench(*words(3, "--prices", file, "--dry-run", "--fresh", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cost"] == pytest.approx(found["input_tokens"])


def test_a_price_for_one_of_two_models_is_a_warning_and_for_none_an_error(words, server, tmp_path, capsys):
    file = tmp_path / "prices.toml"
    file.write_text(PRICES.format(name="target"))
    assert vlsbench(*words(3, "--prices", file)) == 0
    shown = capsys.readouterr()
    assert "No price for a model named 'openai:judge'." in shown.err
    assert "Known: openai:target." in shown.err
    assert "no price for openai:judge" in shown.out
    file.write_text(PRICES.format(name="jugde"))
    asked = len(server.asked)
    assert vlsbench(*words(3, "--prices", file)) == 2
    assert "Did you mean 'openai:jugde'? Known: openai:jugde." in capsys.readouterr().err
    assert len(server.asked) == asked


def test_flags_price_the_model_and_the_judge(words, capsys):
    prices = ("--price-in", 1e6, "--price-out", 0, "--judge-price-in", 2e6, "--judge-price-out", 0)
    assert vlsbench(*words(2, *prices, "--json")) == 0
    used = json.loads(capsys.readouterr().out)["usage"]
    assert [used[role]["cost"] for role in ("target", "judge")] == [22.0, 44.0]


def test_a_run_made_without_prices_is_priced_later(words, run, capsys):
    assert vlsbench(*words(2)) == 0
    assert "Cost" not in capsys.readouterr().out
    assert vlsbench("show", run, "--price-in", 1e6, "--price-out", 0) == 0
    assert "Cost: 44.00 (target 22.00, judge 22.00)" in capsys.readouterr().out


def test_a_dry_run_of_batches_costs_what_batches_do(words, capsys):
    prices = ("--price-in", 1e6, "--price-out", 0, "--dry-run", "--json")
    assert vlsbench(*words(3, *prices)) == 0
    whole = json.loads(capsys.readouterr().out)["cost"]
    assert vlsbench(*words(3, *prices, "--batch")) == 0
    assert json.loads(capsys.readouterr().out)["cost"] == pytest.approx(whole / 2)


def test_showing_a_run_with_prices_for_other_models_says_so(words, run, tmp_path, capsys):
    file = tmp_path / "prices.toml"
    file.write_text(PRICES.format(name="jugde"))
    assert vlsbench(*words(2)) == 0
    capsys.readouterr()
    assert vlsbench("show", run, "--prices", file) == 2
    assert "Did you mean 'openai:jugde'?" in capsys.readouterr().err
    file.write_text(PRICES.format(name="judge"))
    assert vlsbench("show", run, "--prices", file) == 0
    shown = capsys.readouterr()
    assert "No price for a model named 'openai:target'." in shown.err
    assert "no price for openai:target" in shown.out


@pytest.mark.parametrize("judge", ["choice", "graded:{judge}"])
def test_a_judge_of_right_answers_needs_some_before_anybody_is_asked(tmp_path, capsys, judge):
    with serve() as server:
        data, judge = make_set(tmp_path / "data"), judge.format(judge=server.judge)
        words = ("--model", server.model(), "--dataset", data, "--judge", judge, "--out", tmp_path / "run", "--quiet")
        assert vlsbench("eval", *words) == 2
        assert "compares with right answers, and no sample has one" in capsys.readouterr().err
        assert vlsbench("eval", *words, "--dry-run") == 2
        assert vlsbench("sweep", *words) == 2
        assert vlsbench("ablate", *words) == 2
        assert not server.asked
        assert not (tmp_path / "run").exists()
        assert vlsbench("eval", *words[:4], "--judge", "refusal", *words[6:]) == 0
        asked = len(server.asked)
        assert vlsbench("judge", tmp_path / "run", "--judge", judge, "--quiet") == 2
        assert len(server.asked) == asked
        assert vlsbench("eval", *words[:2], "--dataset", make_set(tmp_path / "more", answer="yes"), *words[4:6]) in (
            0,
            1,
        )
