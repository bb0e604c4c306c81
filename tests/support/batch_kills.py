"""``vlsbench eval --batch`` in a process of its own, which dies by SIGKILL after so many steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from batch_server import KEY, BatchServer

SRC = Path(__file__).parents[2] / "src"

_PROGRAM = """
import os, signal, sys
from vlsbench.models.api.transfer import Transfer
from vlsbench.run.batches import errand
from vlsbench.store.batches import BatchJournal
from vlsbench.store.journal import Journal

left, everything = int(sys.argv[1]), sys.argv[2] == "every"
errand.SETTLE_S = 0.0

def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def killed_after(method):
    def done(self, record):
        method(self, record)
        step()
    return done

send = Transfer.send

async def killed_after_sending(self, *words, **options):
    answer = await send(self, *words, **options)
    step()
    return answer

Transfer.send = killed_after_sending
if everything:
    Journal.append = killed_after(Journal.append)
else:
    BatchJournal._append = killed_after(BatchJournal._append)
from vlsbench.cli.main import main
sys.exit(main(sys.argv[3:]))
"""


def killed_after(steps: int, server: BatchServer, dataset: str, run: Path, *, every_record: bool = False) -> int:
    """Evaluate until the end, or until SIGKILL after so many steps; returns the exit code.

    A step is a request about a batch or a line of ``batches.jsonl``; with `every_record`, also a line of any journal.
    """
    words = ("eval", "--model", server.model(), "--judge", server.model("judge"), "--dataset", dataset)
    counted = "every" if every_record else "batches"
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(steps), counted, *words, "--out", str(run), "--batch", "--quiet"],
        env={**os.environ, "PYTHONPATH": str(SRC), "VLSBENCH_API_KEY": KEY},
        capture_output=True,
        timeout=120,
        check=False,
    ).returncode
