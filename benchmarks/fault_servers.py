"""Two servers of one model, each killed with -9 in the middle of a run and started again: nothing lost or doubled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import fault_checks
from benchmarks.measure import BenchmarkFailed, environment

KIND = "a server of two is killed"
SAMPLES = 4_000
LATENCY_S = 0.3
AT_ONCE = 128
TIME_LIMIT_S = 600.0


class Killable:
    """A loopback server in a process of its own, which keeps its port over kills."""

    def __init__(self) -> None:
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._port}/answer/v1"

    def start(self) -> None:
        """Start it, at the port that it had before.

        Raises:
            BenchmarkFailed: It did not start.
        """
        script = Path(__file__).with_name("server.py")
        command = [sys.executable, "-P", str(script), "--with-stdin", "--port", str(self._port)]
        command += ["--latency", str(LATENCY_S)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.strip():
            raise BenchmarkFailed("the loopback server did not start")
        self._port = int(line)

    def kill(self) -> None:
        """End it with SIGKILL, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def _pair() -> Iterator[tuple[Killable, Killable]]:
    pair = Killable(), Killable()
    try:
        yield pair
    finally:
        for one in pair:
            one.kill()


def killed_in_turn(dataset: Path, n: int, run: Path, at_once: int = AT_ONCE) -> Iterator[str]:
    """Evaluate `n` samples on two servers, of which at any moment one at least is there; what does not hold.

    Args:
        dataset: The samples.
        n: How many they are.
        run: Where the run folder goes.
        at_once: Requests at once; few enough that the run does not end between two kills.
    """
    with _pair() as (one, other):
        command = [sys.executable, "-m", "vlsbench", "eval", "--quiet", "--dataset", f"jsonl:{dataset}"]
        command += ["--out", str(run), "--judge", "refusal", "--concurrency", str(at_once), "--model", "openai:m"]
        command += ["--servers", f"{one.url},{other.url}"]
        process = subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for share, happens in ((0.2, one.kill), (0.45, one.start), (0.6, other.kill), (0.85, other.start)):
            until = time.monotonic() + TIME_LIMIT_S
            while _answers(run) < share * n and process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            if process.poll() is not None:
                yield f"the run ended before {share:.0%} of the answers"
            happens()
        try:
            _, err = process.communicate(timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
    if process.returncode:
        yield f"exit code {process.returncode}: {err.strip()[-200:]}"
    for name, path in (("answers", run / "responses.jsonl"), ("verdicts", fault_checks.verdicts(run))):
        records = fault_checks.lines(path)
        times = Counter(fault_checks.numbers(records))
        lost, doubled = n - len(times), sum(count > 1 for count in times.values())
        failed = sum(record["outcome"] not in ("ok", "scored") for record in records)
        if lost or doubled or failed:
            yield f"{name}: {lost} lost, {doubled} doubled, {failed} failed"


def _answers(run: Path) -> int:
    path = run / "responses.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0
