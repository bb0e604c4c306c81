"""Results of batches as no provider should send them: doubled, foreign, garbled, missing, cut off, of unknown state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from batch_anthropic import AnthropicWire
from batch_gemini import GeminiWire
from batch_openai import OpenAIWire
from batch_server import KEY, REFUSED, BatchServer, Wire, hurry_batches, serve_batches
from builders import hurry, make_set, number_of, responses, summary, times_recorded, vlsbench
from vlsbench.core.errors import ConnectionFailed
from vlsbench.models.api import transfer

WIRES: dict[str, Wire] = {"openai": OpenAIWire(), "anthropic": AnthropicWire(), "gemini": GeminiWire()}
Rewrite = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry_batches(monkeypatch)
    hurry(monkeypatch)


@pytest.fixture(params=WIRES)
def provider(request: pytest.FixtureRequest) -> Iterator[BatchServer]:
    with serve_batches(WIRES[request.param], answer=lambda asked: f"This is about {number_of(asked.text)}.") as server:
        server.scheme = request.param
        yield server


def evaluate(server: BatchServer, folder: Path, *more: object, n: int = 6) -> int:
    dataset = make_set(folder / "set", n)
    words = ("--model", server.model(), "--judge", "refusal", "--dataset", dataset, "--out", folder / "run", "--quiet")
    return vlsbench("eval", *words, "--batch", *more)


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets what a provider sends as results arrive otherwise, once or more often."""

    def install(rewrite: Rewrite, times: int = 1) -> None:
        left = [rewrite] * times
        before = transfer.Transfer.send

        async def send(self, method, place, body=None, *, headers=None, into=None):  # type: ignore[no-untyped-def]
            found = await before(self, method, place, body, headers=headers, into=into)
            if into is not None and left and found[0].status == 200:
                replace_lines(into, left.pop())
            return found

        monkeypatch.setattr(transfer.Transfer, "send", send)

    return install


def replace_lines(file: BinaryIO, rewrite: Rewrite) -> None:
    file.flush()
    found = Path(file.name).read_bytes().splitlines(keepends=True)
    file.seek(0)
    file.truncate()
    file.writelines(rewrite(found))


def own_name(line: bytes) -> str:
    row = json.loads(line)
    return str(row.get("custom_id") or row.get("key"))


def renamed(line: bytes, name: str) -> bytes:
    return line.replace(own_name(line).encode(), name.encode())


HARMLESS: dict[str, Rewrite] = {
    "doubled": lambda lines: [*lines, *lines],
    "reversed": lambda lines: lines[::-1],
    "of another batch": lambda lines: [*(renamed(line, "vlsb-0000000000000000-a-1") for line in lines), *lines],
    "of no sample": lambda lines: [renamed(lines[0], own_name(lines[0]).rpartition("-")[0] + "-99"), *lines],
    "of no batch": lambda lines: [*(renamed(lines[0], name) for name in ("x", "--", "vlsb-a-", "-1")), *lines],
    "of a number without end": lambda lines: [renamed(lines[0], own_name(lines[0])[:-1] + "9" * 5000), *lines],
    "nested without end": lambda lines: [
        lines[0].rstrip()[:-1] + b',"x":' + b"[" * 99_999 + b"]" * 99_999 + b"}\n",
        *lines,
    ],
    "among rubbish": lambda lines: [b"\n", b"null\n", b"[1]\n", b'{"custom_id":\n', b"\xff\xfe\n", *lines],
    "cut off between two lines": lambda lines: lines[:2],
    "without a last newline": lambda lines: [*lines[:-1], lines[-1].rstrip(b"\n")],
    "with carriage returns": lambda lines: [line.rstrip(b"\n") + b"\r\n" for line in lines],
}


@pytest.mark.parametrize("how", HARMLESS)
def test_every_answer_reaches_its_sample_once(
    provider: BatchServer, tmp_path: Path, rewritten: Callable[..., None], how: str
) -> None:
    rewritten(HARMLESS[how])
    assert evaluate(provider, tmp_path) == 0
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}
    for record in responses(tmp_path / "run"):
        assert record["text"] == f"This is about {record['sample_id'][1:]}."
    assert set(provider.paid.values()) == {1}


def test_what_is_missing_stays_pending_and_is_said_and_left_with_the_provider(
    provider: BatchServer, tmp_path: Path, rewritten: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    rewritten(lambda lines: lines[:2], times=2)
    assert evaluate(provider, tmp_path) == 3
    said = capsys.readouterr().err
    assert "3 of 5 requests for answers were not answered" in said
    assert "is completed: " in said
    assert "made again by the next run; what it sent is left at" in said
    assert provider.jobs
    assert summary(tmp_path / "run")["responses"]["pending"] == 3
    assert evaluate(provider, tmp_path) == 0
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}


def test_errors_alone_are_failures_of_their_samples(provider: BatchServer, tmp_path: Path) -> None:
    provider.fate = lambda asked: REFUSED if number_of(asked.text) else "answered"
    assert evaluate(provider, tmp_path) == 1
    assert summary(tmp_path / "run")["responses"]["error"] == 5
    provider.fate = lambda _: "answered"
    assert evaluate(provider, tmp_path) == 0
    assert set(provider.paid.values()) == {1}


def test_results_beyond_the_limit_are_named_with_the_way_out(
    provider: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(transfer, "MAX_RESULT_BYTES", 100)
    assert evaluate(provider, tmp_path) == 3
    said = capsys.readouterr().err
    assert "the answer is larger than 100 bytes" in said
    (batch_id,) = (job.id for job in provider.jobs.values())
    assert f"--batch-forget {'batches/' if provider.scheme == 'gemini' else ''}{batch_id}" in said
    assert not list((tmp_path / "run" / "batches").glob("*.part"))
    monkeypatch.setattr(transfer, "MAX_RESULT_BYTES", 1_000_000)
    assert evaluate(provider, tmp_path) == 0
    assert set(provider.paid.values()) == {1}


def test_a_server_that_is_gone_while_results_come_costs_nothing(
    provider: BatchServer, tmp_path: Path, rewritten: Callable[..., None]
) -> None:
    def cut_off(_lines: list[bytes]) -> list[bytes]:
        raise ConnectionFailed("the connection broke")

    rewritten(cut_off)
    assert evaluate(provider, tmp_path) == 0
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}
    assert set(provider.paid.values()) == {1}


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"], indirect=True)
def test_a_state_that_nobody_knows_is_waited_for_and_named(
    provider: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = transfer.decoded

    def strange(body, kind):  # type: ignore[no-untyped-def]
        for known in (b'"in_progress"', b'"BATCH_STATE_RUNNING"'):
            body = body.replace(known, b'"hibernating"')
        return before(body, kind)

    provider.working = False
    for module in (
        "models.api.openai_batches",
        "models.providers.anthropic_batches",
        "models.providers.gemini_batches",
    ):
        monkeypatch.setattr(f"vlsbench.{module}.decoded", strange)
    assert evaluate(provider, tmp_path) == 3
    said = capsys.readouterr().err
    assert "waiting for 1 batch with 5 requests" in said
    assert "its state is 'hibernating', which this version does not know" in said
    provider.working = True
    assert evaluate(provider, tmp_path) == 0
    assert set(provider.paid.values()) == {1}


def test_a_key_of_another_account_loses_nothing(
    provider: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.working = False
    assert evaluate(provider, tmp_path) == 3
    capsys.readouterr()
    monkeypatch.setenv("VLSBENCH_API_KEY", "sk-of-another-account")
    assert evaluate(provider, tmp_path) == 2
    said = capsys.readouterr().err
    assert "with 5 requests of this run" in said
    assert "the key that it was handed in with" in said
    assert "sk-of-another-account" not in said
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    provider.working = True
    assert evaluate(provider, tmp_path) == 0
    assert set(provider.paid.values()) == {1}


@pytest.mark.parametrize("provider", ["openai"], indirect=True)
def test_a_line_that_stops_the_run_loses_none_of_the_others(
    provider: BatchServer, tmp_path: Path, rewritten: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}

    def broke(lines: list[bytes]) -> list[bytes]:
        row = {"custom_id": own_name(lines[2]), "response": {"status_code": 429, "body": body}}
        return [*lines[:2], json.dumps(row).encode() + b"\n", *lines[3:]]

    rewritten(broke)
    assert evaluate(provider, tmp_path) == 3
    assert "no credit left" in capsys.readouterr().err
    assert evaluate(provider, tmp_path) == 0
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}
    assert sorted(provider.paid.values()) == [1, 1, 1, 1, 1, 2], "of the one line that came back without its answer"
