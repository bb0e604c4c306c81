"""A real OpenAI-compatible server that serves a real (tiny) vision-language model: `transformers serve`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

import builders

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("fastapi")

START_LIMIT_S = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The model reference of a tiny LLaVA behind `transformers serve`."""
    import tiny_checkpoints

    folder = tiny_checkpoints.llava(tmp_path_factory.mktemp("checkpoint") / "llava")
    home = tmp_path_factory.mktemp("hf-home")
    (home / "hub").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    executable = shutil.which("transformers", path=str(Path(sys.executable).parent))
    assert executable is not None
    log = (home / "log").open("wb")
    process = subprocess.Popen(
        [executable, "serve", str(folder), "--device", "cpu", "--dtype", "float32", "--port", str(port)],
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=log,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (home / "log").read_text()
                assert time.monotonic() < deadline, (home / "log").read_text()
                time.sleep(0.2)
        yield f"openai:{folder}@http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()
        log.close()


def test_a_run_against_it_is_killed_and_continued(server: str, tmp_path: Path) -> None:
    n, run = 24, tmp_path / "run"
    words = ["eval", "--model", server, "--dataset", builders.make_set(tmp_path / "set", n), "--judge", "refusal"]
    words += ["--out", str(run), "--max-tokens", "8", "--concurrency", "2", "--quiet"]
    process = builders.start(*words)
    deadline = time.monotonic() + 60
    while len(builders.responses(run)) < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    builders.finish(process)
    recorded = len(builders.responses(run))
    assert recorded < n

    process = builders.start(*words)
    out, err = builders.finish(process)
    assert process.returncode == 0, err
    times = builders.times_recorded(builders.responses(run))
    assert len(times) == n
    assert set(times.values()) == {1}
    assert builders.summary(run)["responses"]["truncated"] + builders.summary(run)["responses"]["ok"] == n
    assert "safety (refusal + warning)" in out
