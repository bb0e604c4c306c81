"""SIGKILL between every two steps of a run in batches: nothing is lost, doubled or paid twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from batch_server import KEY, BatchServer, serve_batches
from builders import SRC, make_set, responses, summary, times_recorded, verdicts

KILLED_AFTER = """
import os, signal, sys
from vlsbench.models.api.transfer import Transfer
from vlsbench.run.batches import errand
from vlsbench.store.batches import BatchJournal

left = int(sys.argv[1])
errand.SETTLE_S = 0.0

def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

send, append = Transfer.send, BatchJournal._append

async def killed_after_sending(self, *words, **options):
    answer = await send(self, *words, **options)
    step()
    return answer

def killed_after_writing(self, record):
    append(self, record)
    step()

Transfer.send, BatchJournal._append = killed_after_sending, killed_after_writing
from vlsbench.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
"""The program, which dies after so many steps: requests about batches, and lines of their journal."""


def killed_after(steps: int, server: BatchServer, dataset: str, run: Path) -> int:
    words = ("eval", "--model", server.model(), "--judge", server.model("judge"), "--dataset", dataset)
    return subprocess.run(
        [sys.executable, "-c", KILLED_AFTER, str(steps), *words, "--out", str(run), "--batch", "--quiet"],
        env={"PYTHONPATH": str(SRC), "VLSBENCH_API_KEY": KEY, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=60,
        check=False,
    ).returncode


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_killed_some_steps_further_each_time(tmp_path: Path, stride: int) -> None:
    dataset, run = make_set(tmp_path / "set", 5), tmp_path / "run"
    with serve_batches() as server:
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
        assert len(server.jobs) == 2


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
