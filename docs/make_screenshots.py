"""Takes the screenshots of docs/img anew, of the miniature world alone: nothing in them is harmful.

python docs/make_screenshots.py [NAME ...]

Needs Chromium and the extras ``hf``, ``audit``, ``report`` and ``dev``; ``inspect-view`` also INSPECT_PYTHON, an
interpreter with inspect_ai.
"""

from __future__ import annotations

import io
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

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path(__file__).with_name("img")
VLSBENCH = [sys.executable, "-m", "vlsbench"]


_TERMINAL = """<body style="margin: 0">
<div style="background: #16181d; color: #e6e6e6; padding: 14px 18px; display: inline-block">
<pre style="font: 13px 'DejaVu Sans Mono', monospace; margin: 0">{code}</pre></div></body>"""


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


def terminal(folder: Path) -> None:
    """What `vlsbench demo` prints, in colours."""
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "104"}
    words = [*VLSBENCH, "demo", "--quiet", "--out", str(folder / "demo")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)  # noqa: S603 - ours
    shown = Console(record=True, file=io.StringIO(), width=104)
    shown.print(Text.from_ansi(f"$ vlsbench demo\n{done.stdout.partition('Run folders')[0].rstrip()}"))
    html = shown.export_html(theme=MONOKAI, inline_styles=True, code_format=_TERMINAL)
    with page(960, 400) as browser:
        browser.set_content(html)
        browser.locator("div").screenshot(path=IMAGES / "terminal-demo.png")


def report(folder: Path) -> None:
    """The report about four models on two splits: its head, figures, a sample, and all of it on a phone."""
    models = ("base", "textual-sft", "multimodal-sft", "mixed-sft")
    made = []
    for split in ("leaky", "leakless"):
        made += evaluated(folder / split, f"mini:{split}:200", *models)
    audit = str(folder / "audit")
    run("audit", "--dataset", "mini:leaky:100", "--guard", "guard:world", "--out", audit, "--quiet")
    file = folder / "report.html"
    run("report", *made, audit, "--title", "Four ways of aligning a small model", "--out", str(file))
    with page(1180, 800) as shown:
        shown.goto(file.as_uri())
        shown.wait_for_timeout(1500)
        shown.screenshot(path=IMAGES / "report-headline.png")
        shown.locator("#figures").scroll_into_view_if_needed()
        shown.evaluate("document.querySelector('#figures').scrollIntoView()")
        shown.wait_for_timeout(1000)
        shown.screenshot(path=IMAGES / "report-figures.png")
        shown.locator("#show-images").click()
        shown.locator("#filter-search").fill("leakless-3")
        shown.evaluate("document.querySelector('#samples').scrollIntoView()")
        shown.wait_for_timeout(1000)
        shown.screenshot(path=IMAGES / "report-sample.png")
    with page(390, 780) as shown:
        shown.emulate_media(color_scheme="dark")
        shown.goto(file.as_uri())
        shown.wait_for_timeout(1500)
        shown.screenshot(path=IMAGES / "report-phone.png")


SHOTS: dict[str, Callable[[Path], None]] = {"terminal": terminal, "report": report, "inspect-view": inspect_view}


def main(names: list[str]) -> None:
    """Take those that are named, or all."""
    if unknown := set(names) - set(SHOTS):
        sys.exit(f"No screenshot named {', '.join(sorted(unknown))}. Known: {', '.join(SHOTS)}.")
    for name in names or SHOTS:
        with tempfile.TemporaryDirectory() as folder:
            SHOTS[name](Path(folder))
        print(name)
    for image in IMAGES.glob("*.png"):
        _shrink(image)


def _shrink(image: Path) -> None:
    """Keep 256 colours: enough for type and charts, at a third of the bytes."""
    with Image.open(image) as opened:
        if opened.mode != "P":
            opened.convert("RGB").quantize(256).save(image, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
