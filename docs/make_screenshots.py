"""Takes the screenshots of docs/img anew, of the miniature world alone: nothing in them is harmful.

python docs/make_screenshots.py [NAME ...]

Needs Chromium and the extras ``hf``, ``audit``, ``report`` and ``dev``; ``inspect-view`` also INSPECT_PYTHON, an
interpreter with inspect_ai.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

IMAGES = Path(__file__).with_name("img")
VLSBENCH = [sys.executable, "-m", "vlsbench"]


@contextmanager
def page(width: int, height: int, *, scale: float = 1.25) -> Iterator[Page]:
    """A page of a browser of this size in CSS pixels, in light colours."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        viewport: ViewportSize = {"width": width, "height": height}
        try:
            yield browser.new_page(viewport=viewport, device_scale_factor=scale, color_scheme="light")
        finally:
            browser.close()


def run(*words: str) -> None:
    """A command of vlsbench; its output is shown if it fails."""
    done = subprocess.run([*VLSBENCH, *words], capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode not in (0, 1):
        sys.exit(done.stdout + done.stderr)


def evaluated(folder: Path, dataset: str, *models: str) -> list[str]:
    """Run folders of packaged models on the miniature world."""
    runs = []
    for model in models:
        runs.append(str(folder / model))
        run("eval", "--model", f"mini:{model}", "--dataset", dataset, "--out", runs[-1], "--quiet")
    return runs


def inspect_view(folder: Path) -> None:
    """A run of ours in Inspect's viewer."""
    python = os.environ.get("INSPECT_PYTHON")
    if not python:
        sys.exit("inspect-view needs INSPECT_PYTHON, an interpreter with inspect_ai.")
    (made,) = evaluated(folder, "mini:leakless:60", "multimodal-sft")
    run("judge", made, "--judge", "refusal", "--quiet")
    log = folder / "logs" / "multimodal-sft.eval"
    run("export", made, "--format", "inspect", "--out", str(log))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "inspect_ai", "view", "--log-dir", str(log.parent), "--port", str(port), "--host", "127.0.0.1"]
    viewer = subprocess.Popen([python, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait_for(f"http://127.0.0.1:{port}/")
        with page(1180, 520) as shown:
            shown.goto(f"http://127.0.0.1:{port}/#/tasks/{log.name}/samples")
            shown.get_by_text("leakless-0", exact=True).first.wait_for()
            shown.wait_for_timeout(1500)
            shown.screenshot(path=IMAGES / "inspect-view.png")
            shown.goto(f"http://127.0.0.1:{port}/#/tasks/{log.name}/samples/sample/leakless-1/1/messages")
            shown.locator("img").first.wait_for()
            shown.wait_for_timeout(1000)
            shown.screenshot(path=IMAGES / "inspect-sample.png")
    finally:
        viewer.terminate()
        viewer.wait()


def _wait_for(url: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(url) as answered:  # noqa: S310 - a server of this machine
                answered.read()
                return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"Nobody answers at {url}.")


SHOTS: dict[str, Callable[[Path], None]] = {"inspect-view": inspect_view}


def main(names: list[str]) -> None:
    """Take those that are named, or all."""
    if unknown := set(names) - set(SHOTS):
        sys.exit(f"No screenshot named {', '.join(sorted(unknown))}. Known: {', '.join(SHOTS)}.")
    for name in names or SHOTS:
        with tempfile.TemporaryDirectory() as folder:
            SHOTS[name](Path(folder))
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
