"""Handing a batch in when the answer is lost on the way, and finding it again."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from batch_anthropic import AnthropicWire
from batch_gemini import GeminiWire
from batch_openai import OpenAIWire
from batch_server import KEY, BadRequest, BatchServer, Line, Wire, serve_batches
from builders import hurry, lines, make_set, summary, vlsbench
from vlsbench.store import batches

CREATED = {
    "openai": (OpenAIWire(), "/v1/batches"),
    "anthropic": (AnthropicWire(), "/v1/messages/batches"),
    "gemini": (GeminiWire(), ":batchGenerateContent"),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    monkeypatch.setattr("vlsbench.run.batches.rounds.POLL_S", 0.01)
    monkeypatch.setattr("vlsbench.run.batches.errand.SETTLE_S", 0.0)
    hurry(monkeypatch)


def evaluate(server: BatchServer, folder: Path, *more: object) -> int:
    dataset = make_set(folder / "set", 6)
    words = ("--model", server.model(), "--judge", "refusal", "--dataset", dataset, "--out", folder / "run", "--quiet")
    return vlsbench("eval", *words, "--batch", *more)


@pytest.mark.parametrize(("scheme", "wire", "path"), [(name, *found) for name, found in CREATED.items()])
def test_a_batch_whose_reply_is_lost_is_found_and_not_handed_in_again(
    tmp_path: Path, scheme: str, wire: Wire, path: str
) -> None:
    lost = []

    def after(method: str, asked: str) -> None:
        if method == "POST" and asked.endswith(path) and not lost:
            lost.append(asked)
            raise RuntimeError("the reply is lost")

    with serve_batches(wire) as server:
        server.scheme, server.after = scheme, after
        # Anthropic shows whose a batch is only once it has ended: then the next run finds it.
        assert evaluate(server, tmp_path, "--batch-wait", "20s") == 0
        assert lost
        assert server.opened == 1
        assert set(server.paid.values()) == {1}


@pytest.mark.parametrize("give_up", [False, True])
def test_at_anthropic_a_running_batch_of_the_same_size_is_waited_for_before_anything_is_handed_in(
    tmp_path: Path,
    give_up: bool,
) -> None:
    with serve_batches(AnthropicWire()) as server:
        server.scheme, server.working = "anthropic", False
        stranger = [
            Line(f"x-{n}", {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": f"Question {n}?"}]})
            for n in range(5)
        ]

        def before(method: str, path: str) -> None:
            if method == "POST" and path == "/v1/messages/batches" and not server.jobs:
                server.open_job(stranger)
                raise RuntimeError("this one never arrives")

        server.before = before
        assert evaluate(server, tmp_path) == 3
        (entry,) = batches.read(tmp_path / "run").values()
        assert entry.id is None
        assert server.opened == 1  # the stranger's alone
        assert evaluate(server, tmp_path) == 3
        assert server.opened == 1
        if give_up:
            assert evaluate(server, tmp_path, "--batch-forget", entry.key) == 3
            assert server.opened == 2, "it goes by our key, as it has no other name"
        server.working = True
        assert evaluate(server, tmp_path) == 0
        assert server.opened == 2
        assert set(server.batched.values()) <= {1}
        assert summary(tmp_path / "run")["responses"]["ok"] == 6


def test_a_batch_that_cannot_be_handed_in_stays_prepared_and_goes_out_with_the_next_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_batches() as server:

        def before(method: str, path: str) -> None:
            if method == "POST" and path == "/v1/batches":
                raise RuntimeError("out of order")

        server.before = before
        assert evaluate(server, tmp_path) == 3
        assert "OpenAI did not take a batch: HTTP 500" in capsys.readouterr().err
        assert vlsbench("show", tmp_path / "run") == 0
        assert "prepared, and perhaps at OpenAI" in capsys.readouterr().out
        server.before = lambda *_: None
        assert evaluate(server, tmp_path) == 0
        assert server.times("POST", "/v1/files") == 1  # the file that was there is used
        assert set(server.paid.values()) == {1}


def test_a_server_without_batches_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_batches() as server:

        def before(method: str, path: str) -> None:
            if path.startswith("/v1/files"):
                raise BadRequest("no such path", 404)

        server.before = before
        assert evaluate(server, tmp_path) == 2
        assert "/v1/files" in capsys.readouterr().err


def test_a_batch_at_another_address_is_neither_forgotten_nor_paid_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_batches() as first, serve_batches() as second:
        first.working = False
        assert evaluate(first, tmp_path) == 3
        capsys.readouterr()
        assert evaluate(second, tmp_path) == 2
        assert "5 requests of this run are out in a batch at" in capsys.readouterr().err
        assert not second.paid
        first.working = True
        assert evaluate(first, tmp_path) == 0


def test_several_servers_do_not_ask_again_for_what_is_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_batches() as server:
        server.working = False
        assert evaluate(server, tmp_path) == 3
        words = ["--judge", "refusal", "--dataset", f"jsonl:{tmp_path / 'set' / 'set.jsonl'}", "--quiet"]
        again = ["eval", "--model", "openai:target", "--servers", f"{server.url},http://127.0.0.1:9/v1", *words]
        capsys.readouterr()
        assert vlsbench(*again, "--out", tmp_path / "run") == 2
        assert "5 requests for answers of this run are out in a batch" in capsys.readouterr().err
        assert server.direct == 1


def test_a_request_larger_than_a_batch_is_a_failure_of_its_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlsbench.models.batches import Limits

    monkeypatch.setattr("vlsbench.models.api.openai_batches.OpenAIBatches.limits", Limits(requests=9, n_bytes=300))
    with serve_batches() as server:
        assert evaluate(server, tmp_path) == 1
        assert server.opened == 0
    errors = [record["error"] for record in lines(tmp_path / "run" / "responses.jsonl") if record["error"]]
    assert len(errors) == 5
    assert all("--image-max-side" in error for error in errors)


def test_a_batch_that_does_not_show_at_once_is_waited_for(tmp_path: Path) -> None:
    with serve_batches() as server:

        def before(method: str, path: str) -> None:
            if method == "GET" and path.startswith("/v1/batches/"):
                raise BadRequest("No batch found", 404)

        server.before = before
        assert evaluate(server, tmp_path) == 3
        server.before = lambda *_: None
        assert evaluate(server, tmp_path) == 0
        assert server.opened == 1


def test_a_damaged_line_of_the_journal_costs_nothing(tmp_path: Path) -> None:
    with serve_batches() as server:
        server.working = False
        assert evaluate(server, tmp_path) == 3
        path = tmp_path / "run" / "batches.jsonl"
        rows = path.read_text().splitlines(keepends=True)
        assert [json.loads(row)["step"] for row in rows] == ["prepared", "submitted"]
        path.write_text(rows[0] + rows[1][: len(rows[1]) // 2])
        (entry,) = batches.read(tmp_path / "run").values()
        assert entry.id is None
        assert entry.prepared <= time.time()
        server.working = True
        assert evaluate(server, tmp_path) == 0
        assert server.opened == 1
        assert set(server.paid.values()) == {1}
