"""Processes under measurement: start a server, run a command, read what it used."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.loops import ROOT

TIME_LIMIT_S = 1800.0


class BenchmarkFailed(Exception):
    """A loop did not do the whole job, so its figures mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one process used from start to exit, start-up of the interpreter included.

    `wall_s` and `cpu_s` (user + system) in seconds, `peak_mb` the largest resident set in MB (10**6);
    `started_at` is the start by `time.monotonic()`.
    """

    started_at: float
    wall_s: float
    cpu_s: float
    peak_mb: float
    stdout: str


def environment() -> dict[str, str]:
    """The environment of measured processes: this checkout's package, its bytecode kept as for any user, and no key."""
    unwanted = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    paths = [str(ROOT / "src"), kept.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in paths if path), "NO_COLOR": "1"}


def run(command: Sequence[str], *, expect_exit: int = 0) -> Usage:
    """Run a command to its end and read its resources from `wait4`.

    A child starts with the peak memory of the process it was forked from, so the measuring process
    itself has to stay small: it imports the standard library only.

    Raises:
        BenchmarkFailed: Another exit code, or the time limit was reached.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=environment())
        guard = threading.Timer(TIME_LIMIT_S, process.kill)
        guard.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            guard.cancel()
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != expect_exit:
            text = err.read().decode(errors="replace")[-2000:]
            raise BenchmarkFailed(f"exit code {process.returncode} from {' '.join(command[:12])} ...\n{text}")
        unit = 1 if sys.platform == "darwin" else 1024
        return Usage(
            started_at=started,
            wall_s=wall,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_mb=used.ru_maxrss * unit / 1e6,
            stdout=out.read().decode(errors="replace"),
        )


@contextmanager
def server(
    latency_s: float, *, port: int = 0, answer_at_most: int | None = None, bears: int | None = None
) -> Iterator[str]:
    """A fresh loopback server in its own process; yields its base, ``http://127.0.0.1:PORT``.

    Args:
        latency_s: Seconds between the last byte of a request and its reply.
        port: 0 lets the system choose.
        answer_at_most: Further requests to the target are left hanging.
        bears: So many requests are worked on at a time, and others wait; None for any number.

    Raises:
        BenchmarkFailed: It did not start, for example because the port is taken.
    """
    script = Path(__file__).with_name("server.py")
    command = [sys.executable, "-P", str(script), "--with-stdin"]
    command += ["--port", str(port), "--latency", str(latency_s)]
    if answer_at_most is not None:
        command += ["--answer-at-most", str(answer_at_most)]
    if bears is not None:
        command += ["--bears", str(bears)]
    with listening(command) as base:
        yield base


@contextmanager
def listening(command: list[str]) -> Iterator[str]:
    """A process that prints its port and serves until it is ended; its address.

    Raises:
        BenchmarkFailed: It did not start.
    """
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.strip():
                raise BenchmarkFailed("the loopback server did not start")
            yield f"http://127.0.0.1:{int(line)}"
        finally:
            process.terminate()


def stats(base: str) -> dict[str, Any]:
    """What a server saw so far, by role, and the CPU seconds it used itself."""
    with urllib.request.urlopen(f"{base}/stats", timeout=30) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def machine() -> str:
    """One line about where the figures come from."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} CPU cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"load average {load:.1f} at the start"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    marks = [":---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, marks, *rows))


def verdict(value: float, limit: float, unit: str = "") -> str:
    """A figure beside its target, with a mark."""
    mark = "✓" if value <= limit else "✗ missed"
    return f"{value:.2f}{unit} (target ≤ {limit:g}{unit}) {mark}"
