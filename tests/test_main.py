"""The entry point of the process, in processes of its own."""

from __future__ import annotations

import subprocess
import sys

from builders import SRC

_LOST = """
import os, signal
from vlsbench.__main__ import _Interrupts

_Interrupts()

class Bad:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(10_000):
            pass

Bad()
print("went on")
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(10_000):
        pass
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interruption_in_a_destructor_prints_nothing_and_the_next_one_counts():
    done = subprocess.run(
        [sys.executable, "-c", _LOST], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n")[:2] == ["went on", "interrupted"]
