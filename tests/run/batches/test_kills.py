"""SIGKILL between every two steps of a run in batches: nothing is lost, doubled or paid twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_anthropic import AnthropicWire
from batch_gemini import GeminiWire
from batch_kills import killed_after
from batch_openai import OpenAIWire
from batch_server import Wire, serve_batches
from builders import make_set, responses, summary, times_recorded, verdicts


@pytest.mark.parametrize(
    ("wire", "scheme", "stride"),
    [
        (OpenAIWire(), "openai", 1),
        (OpenAIWire(), "openai", 2),
        (OpenAIWire(), "openai", 3),
        (AnthropicWire(), "anthropic", 1),
        (AnthropicWire(), "anthropic", 2),
        (GeminiWire(), "gemini", 1),
        (GeminiWire(), "gemini", 3),
    ],
)
def test_killed_some_steps_further_each_time(tmp_path: Path, wire: Wire, scheme: str, stride: int) -> None:
    dataset, run = make_set(tmp_path / "set", 5), tmp_path / "run"
    with serve_batches(wire) as server:
        server.scheme = scheme
        for steps in range(stride, 60, stride):
            code = killed_after(steps, server, dataset, run)
            assert code in (-9, 0, 3)
            if code == 0:
                break
        assert steps > stride  # it was killed at all
        assert summary(run)["responses"]["ok"] == 5
        assert set(times_recorded(responses(run)).values()) == {1}
        assert set(times_recorded(verdicts(run)).values()) == {1}
        assert len(server.paid) == 10
        assert set(server.paid.values()) == {1}
        assert server.opened == 2


@pytest.mark.parametrize("torn", [0.3, 0.97])
def test_a_payload_that_a_kill_left_half_written_is_written_again(tmp_path: Path, torn: float) -> None:
    dataset, run = make_set(tmp_path / "set", 5), tmp_path / "run"
    with serve_batches() as server:
        assert killed_after(1, server, dataset, run) == -9  # prepared, and not handed in
        (payload,) = (run / "batches").glob("*.jsonl")
        payload.write_bytes(payload.read_bytes()[: int(torn * payload.stat().st_size)])
        assert killed_after(0, server, dataset, run) == 0
        assert set(server.paid.values()) == {1}
        assert summary(run)["responses"]["ok"] == 5
