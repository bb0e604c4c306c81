"""Runs on several servers: killed ones, some that come later, what they say they serve, and lists that do not fit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import vlsbench
from builders import finish, manifest, responses, start, times_recorded, verdicts
from builders import vlsbench as command
from loopback import Answer, Asked, Loopback, serve, verdict
from vlsbench.core.errors import UserError
from vlsbench.leakage.audit import audit
from vlsbench.run.loading import Effort
from vlsbench.run.plan import Evaluation, make_plan

LONE = Path(__file__).parent.parent / "support" / "lone_server.py"


class Lone:
    """A server that can be killed and comes back at the same port."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        command = [sys.executable, str(LONE), str(self.port), "0.05"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def pair() -> Iterator[tuple[Lone, Lone]]:
    pair = Lone(), Lone()
    yield pair
    for one in pair:
        one.kill()


def texts(folder: Path, n: int) -> str:
    path = folder / "set.jsonl"
    path.write_text("".join(json.dumps({"sample_id": f"s{k}", "text": f"Question {k}?"}) + "\n" for k in range(n)))
    return f"jsonl:{path}"


def test_each_of_two_servers_is_killed_and_nothing_is_lost_or_doubled(tmp_path: Path, pair: tuple[Lone, Lone]) -> None:
    n, run = 300, tmp_path / "run"

    def answered() -> int:
        path = run / "responses.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def trouble() -> None:
        for share, happens in ((0.2, pair[0].kill), (0.45, pair[0].start), (0.6, pair[1].kill), (0.8, pair[1].start)):
            until = time.monotonic() + 60
            while answered() < share * n and time.monotonic() < until:
                time.sleep(0.01)
            happens()

    troubling = threading.Thread(target=trouble)
    troubling.start()
    servers = f"{pair[0].url},{pair[1].url}"
    found = vlsbench.evaluate(
        model="openai:m",
        dataset=texts(tmp_path, n),
        judge="refusal",
        out=run,
        effort=Effort(servers=servers, concurrency=24),
    )
    troubling.join()
    assert found.responses["ok"] == n
    assert set(times_recorded(responses(run)).values()) == {1}
    assert set(times_recorded(verdicts(run)).values()) == {1}
    assert len(responses(run)) == n
    recorded = manifest(run)
    assert recorded["model"] == "openai:m"
    assert recorded["parameters"]["servers"] == servers
    assert recorded["parameters"]["addresses"] == servers.split(",")
    assert recorded["model_roots"] == ["/somewhere/model"]


def test_a_run_waits_for_the_first_server_and_takes_in_those_that_come_later(tmp_path: Path) -> None:
    file, told = tmp_path / "servers.txt", []
    with serve(lambda _: Answer(delay_s=0.05)) as one, serve(lambda _: Answer(delay_s=0.05)) as other:

        def array() -> None:
            time.sleep(1.0)
            file.write_text(f"{one.url}\n")
            one.wait_for(20)
            with file.open("a") as more:
                more.write(f"{other.url}\n")

        starting = threading.Thread(target=array)
        starting.start()
        found = vlsbench.evaluate(
            model="openai:m",
            dataset=texts(tmp_path, 400),
            judge="refusal",
            out=tmp_path / "run",
            effort=Effort(servers=f"@{file}", concurrency=4),
            progress=lambda counts: told.append(counts.notice),
        )
        starting.join()
    assert found.responses["ok"] == 400
    assert f"waiting for a server in {file} (no such file yet)" in told
    assert len(other.asked) > 20
    assert manifest(tmp_path / "run")["parameters"]["addresses"] == [one.url, other.url]


def of_model(name: str) -> list[dict[str, str]]:
    return [{"id": "target", "root": name}, {"id": "judge", "root": "grader"}]


def behave(asked: Asked) -> Answer:
    return verdict("unsafe") if asked.is_judging else Answer(text="safe")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve(behave) as running:
        running.models = of_model("/models/first")
        yield running


def test_a_server_that_serves_another_model_than_before_is_named(
    tmp_path: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--model", server.model(), "--judge", server.judge, "--dataset", texts(tmp_path, 2), "--quiet")
    assert command("eval", *words, "--out", str(tmp_path / "run")) == 0
    assert "different models" not in capsys.readouterr().out
    server.models = of_model("/models/second")
    assert command("eval", *words, "--out", str(tmp_path / "run")) == 0
    said = "The servers of openai:target said that they serve different models: /models/first, /models/second."
    assert said in capsys.readouterr().out.replace("\n", " ")
    recorded = manifest(tmp_path / "run")
    assert recorded["model_roots"] == ["/models/first", "/models/second"]
    assert [entry["roots"] for entry in recorded["judges"].values()] == [["grader"]]
    assert command("show", str(tmp_path / "run"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == [said]
    assert command("report", str(tmp_path / "run"), "--out", str(tmp_path / "page.html")) == 0
    assert said in (tmp_path / "page.html").read_text()


def test_a_guard_that_is_another_model_than_before_is_named_in_its_audit(tmp_path: Path, server: Loopback) -> None:
    data = texts(tmp_path, 2)
    for root in ("/guards/first", "/guards/second"):
        server.models = [{"id": "g", "root": root}]
        guard = f"guard:openai:g@{server.url}"
        done = audit(dataset=data, guard=guard, out=tmp_path / "audit", ocr=False)
    assert manifest(tmp_path / "audit" / "guard")["model_roots"] == ["/guards/first", "/guards/second"]
    said = "The servers of guard:openai:g said that they serve different models: /guards/first, /guards/second."
    assert said in done.notes
    assert said in json.loads((tmp_path / "audit" / "audit.json").read_text())["notes"]


def test_answers_under_another_name_than_before_are_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def named(name: str) -> Answer:
        message = {"role": "assistant", "content": "No."}
        body = {"model": name, "choices": [{"message": message, "finish_reason": "stop"}]}
        return Answer(body=json.dumps(body).encode())

    data = texts(tmp_path, 4)
    with serve(lambda asked: named("m-1" if asked.number % 2 else "m-2")) as server:
        words = ("--model", server.model("m"), "--judge", "refusal", "--dataset", data, "--quiet")
        assert command("eval", *words, "--out", str(tmp_path / "run")) == 0
    assert "The answers of openai:m came under different names: m-1, m-2." in capsys.readouterr().out.replace("\n", " ")


def test_judge_and_guard_have_lists_of_their_own(tmp_path: Path) -> None:
    data = texts(tmp_path, 12)
    with serve(behave) as target, serve(behave) as one, serve(behave) as other:
        words = ("--model", target.model(), "--judge", "openai:judge", "--judge-servers", f"{one.url},{other.url}")
        assert command("eval", *words, "--dataset", data, "--out", str(tmp_path / "run"), "--quiet") == 0
        assert (len(target.asked), len(one.asked) + len(other.asked)) == (12, 12)
        assert one.asked
        assert other.asked
        judge = ("--judge", "openai:judge", "--judge-servers", other.url, "--judge-sees", "both")
        assert command("judge", str(tmp_path / "run"), *judge, "--quiet") == 0
        guard = ("--guard", "guard:openai:g", "--guard-servers", f"{target.url},{one.url}", "--no-ocr")
        assert command("audit", "--dataset", data, *guard, "--out", str(tmp_path / "audit"), "--quiet") == 0
    assert manifest(tmp_path / "audit" / "guard")["parameters"]["addresses"] == [target.url, one.url]


def test_a_moderation_endpoint_may_be_behind_several_servers_too(tmp_path: Path) -> None:
    flagged = Answer(body=json.dumps({"results": [{"flagged": True, "category_scores": {"a": 0.9}}]}).encode())
    with serve(lambda _: flagged) as one, serve(lambda _: flagged) as other:
        effort = Effort(judge_servers=f"{one.url},{other.url}")
        done = audit(dataset=texts(tmp_path, 8), guard="moderation:x", out=tmp_path / "audit", effort=effort, ocr=False)
        assert {len(one.asked), len(other.asked)} != {0, 8}
    assert done.guarded is not None
    assert done.guarded.guard == "moderation:x"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"servers": "http://h:1/v1"}, "openai:target has an address and --servers besides"),
        ({"judge_servers": "http://h:1/v1"}, "--judge-servers names the servers of openai:NAME"),
    ],
)
def test_lists_that_do_not_fit_are_refused_before_anything_is_asked(
    tmp_path: Path, server: Loopback, options: dict[str, str], said: str
) -> None:
    asked = Evaluation(
        model=server.model(),
        dataset=texts(tmp_path, 2),
        judge="refusal",
        effort=Effort(**options),  # type: ignore[arg-type]
    )
    with pytest.raises(UserError, match=said):
        make_plan(asked)
    with pytest.raises(UserError, match="--guard-servers names the servers"):
        audit(dataset="mini:leaky", guard="guard:world", effort=Effort(judge_servers="http://h:1/v1"))


def test_servers_of_two_models_stop_the_run_before_the_first_answer(
    tmp_path: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(behave) as other:
        other.models = of_model("/models/other")
        words = ("--model", "openai:target", "--servers", f"{server.url},{other.url}", "--judge", "refusal")
        assert command("eval", *words, "--dataset", texts(tmp_path, 3), "--out", str(tmp_path / "run"), "--quiet") == 2
        said = capsys.readouterr().err
        assert "do not serve one model" in said
        assert "/models/other" in said
        assert "/models/first" in said
        assert not server.asked
        assert not other.asked


def test_one_model_in_two_folders_is_answered_and_said_not_to_be_two(
    tmp_path: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(behave) as other:
        other.models = of_model("/elsewhere/first")
        words = ("--model", "openai:target", "--servers", f"{server.url},{other.url}", "--judge", "refusal")
        assert command("eval", *words, "--dataset", texts(tmp_path, 3), "--out", str(tmp_path / "run")) == 0
        said = capsys.readouterr().out.replace("\n", " ")
        assert "have it at different places, which should be one model: /models/first, /elsewhere/first." in said
        assert "different models" not in said


def test_a_run_that_waits_for_its_first_server_stops_at_once_when_asked_to(tmp_path: Path) -> None:
    words = ("--model", "openai:m", "--servers", f"@{tmp_path / 'servers'}", "--judge", "refusal")
    process = start("eval", *words, "--dataset", texts(tmp_path, 3), "--out", tmp_path / "run")
    until = time.monotonic() + 60
    while not (tmp_path / "run" / "samples.jsonl").exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.5)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = finish(process)
    assert process.returncode == 130, err
    assert time.monotonic() - asked < 8
