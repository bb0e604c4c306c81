"""What a large report takes to make, and to use in Chromium.

    python -m benchmarks.bench_report [--quick]

Five runs of 2,241 samples with 1,957 distinct pictures of 1024 x 1024 pixels (smooth noise, which compresses like a
photograph), as in the released set; and one run of 10,000 samples without pictures. A picture has 1.29 MB; the
released archive has 2.45 GB: 1.1 MB for each sample, 1.25 MB for each distinct picture. The run folders are
written directly, in the format of their pages; the report is made from the command line.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.data import chunk
from benchmarks.measure import Usage, machine, run, table, verdict

MODELS, SAMPLES, PICTURES, SIDE = 5, 2_241, 1_957, 1_024
MANY = 10_000
ROUNDS = 3
DRAWN = 50
"""Different drawings; the other files differ from them in a comment, and cost the same to decode."""

_LABELS = ("refusal", "warning", "unsafe")
_CATEGORIES = ("Garden", "Kitchen", "Workshop", "Harbour", "Station", "Market")
_WORDS = "boat crane apple ladder window basket garden market yellow bright small under above beside carefully".split()  # noqa: SIM905


def pictures(folder: Path, n: int, side: int) -> list[tuple[str, str]]:
    """Write PNG files, each with bytes of its own; returns path and digest of each."""
    folder.mkdir(parents=True)
    drawn = [_picture(number, side) for number in range(min(n, DRAWN))]
    made = []
    for number in range(n):
        data = drawn[number % len(drawn)]
        data = data[:33] + chunk(b"tEXt", b"Comment\0%d" % number) + data[33:]  # after the signature and the header
        path = folder / f"{number}.png"
        path.write_bytes(data)
        made.append((str(path), hashlib.sha256(data).hexdigest()))
    return made


def _picture(seed: int, side: int) -> bytes:
    from PIL import Image

    grain = random.Random(seed)
    coarse = Image.frombytes("RGB", (24, 24), grain.randbytes(24 * 24 * 3))
    fine = Image.frombytes("RGB", (side // 4, side // 4), grain.randbytes(3 * (side // 4) ** 2))
    image = Image.blend(coarse.resize((side, side), Image.Resampling.BICUBIC), fine.resize((side, side)), 0.12)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_run(folder: Path, model: str, n: int, images: list[tuple[str, str]]) -> Path:
    """Write a run folder with an answer of about 600 characters and a verdict for each sample."""
    chance = random.Random(model)
    (folder / "verdicts").mkdir(parents=True)
    manifest = {
        "version": 1, "model": model, "dataset": "jsonl:/bench/set.jsonl", "dataset_size": n, "max_tokens": 128,
        "judges": {"judge-00000000": {"judge": "openai:judge", "labels": list(_LABELS), "baseline": False}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    lines: dict[str, list[dict[str, Any]]] = {"samples": [], "responses": [], "verdicts/judge-00000000": []}
    for number in range(n):
        image, digest = images[number % len(images)] if images else (None, None)
        key: dict[str, Any] = {"sample_id": f"bench-{number}"}
        lines["samples"].append(
            key
            | {
                "text": f"Question {number}: {_say(random.Random(number), 13)}?",
                "image": image,
                "image_sha256": digest,
                "category": _CATEGORIES[number % 6],
                "sub_category": f"{_CATEGORIES[number % 6]} {number % 19}",
                "source": "synthetic",
                "description": _say(random.Random(number), 40),
            }
        )
        lines["responses"].append(key | {"outcome": "ok", "text": _say(chance, 90)})
        reason = _say(chance, 30)
        lines["verdicts/judge-00000000"].append(
            key | {"outcome": "scored", "label": chance.choice(_LABELS), "reason": reason}
        )
    for name, records in lines.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def _say(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


def make(runs: list[Path], out: Path) -> Usage:
    """Make a report in a process of its own."""
    return run([sys.executable, "-m", "vlsbench", "report", *map(str, runs), "--out", str(out)])


def use(file: Path) -> Iterator[tuple[str, float]]:
    """Open a report in a fresh browser; yields what was waited for, in seconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        started = time.perf_counter()
        page.goto(file.as_uri())
        page.wait_for_selector("#count")
        yield "usable", time.perf_counter() - started
        yield "first paint", page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        # From the change to the frame that shows it, in the page itself.
        timed = """async ([id, value]) => {
            const node = document.getElementById(id), started = performance.now();
            node.value = value;
            node.dispatchEvent(new Event(id === 'filter-search' ? 'input' : 'change', { bubbles: true }));
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            return (performance.now() - started) / 1000;
        }"""
        yield "first search", page.evaluate(timed, ["filter-search", "yellow boat"])
        yield "search", page.evaluate(timed, ["filter-search", "carefully 17"])
        yield "filter", page.evaluate(timed, ["filter-label", "warning"])
        yield "filter", page.evaluate(timed, ["filter-category", "Harbour"])
        browser.close()


def main() -> None:
    """Make the runs, make the report, use it, print."""
    parser = argparse.ArgumentParser(description="What does a large report take?")
    parser.add_argument("--quick", action="store_true", help="100 samples with small pictures")
    args = parser.parse_args()
    try:
        import jinja2
        import playwright  # noqa: F401
    except ImportError as error:
        print(f"skipped: {error.name} (to include it: pip install -e '.[report,dev]')")
        return
    del jinja2
    if shutil.which("chromium") is None:
        print("skipped: no Chromium (to include it: apt-get install chromium)")
        return
    n, distinct, side, many = (100, 80, 128, 500) if args.quick else (SAMPLES, PICTURES, SIDE, MANY)
    place = machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = pictures(folder / "images", distinct, side)
        picture_mb = sum(Path(path).stat().st_size for path, _ in images) / len(images) / 1e6
        runs = [write_run(folder / f"model-{m}", f"openai:model-{m}", n, images) for m in range(MODELS)]
        large = write_run(folder / "many", "openai:many", many, [])
        print(
            f"### Reports\n\n{place}; pictures of {picture_mb:.2f} MB; the browser's figures are medians of {ROUNDS}.\n"
        )
        rows = []
        for what, given in ((f"{MODELS} models x {n:,}", runs), (f"1 model x {many:,}", [large])):
            out = folder / "report.html"
            used = make(given, out)
            found: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                for step, seconds in use(out):
                    found.setdefault(step, []).append(seconds)
            times = {step: median(values) for step, values in found.items()}
            shown = (times[step] for step in ("first paint", "usable", "filter", "search", "first search"))
            made_in = (out.stat().st_size / 1e6, used.wall_s, used.cpu_s)
            rows.append(
                [what, *(f"{value:.1f}" for value in made_in), f"{used.peak_mb:.0f}"]
                + [f"{1000 * seconds:.0f}" for seconds in shown]
            )
            if given is runs:
                said = [
                    f"file: {verdict(out.stat().st_size / 1e6, 40, ' MB')}",
                    f"made: {verdict(used.wall_s, 60, ' s')}",
                    f"memory: {verdict(used.peak_mb, 1000, ' MB')}",
                    f"first paint: {verdict(times['first paint'], 2, ' s')}",
                    f"filter: {verdict(times['filter'], 0.2, ' s')}",
                ]
        steps = ("first paint, ms", "usable, ms", "filter, ms", "search, ms", "first search, ms")
        head = ["report", "file, MB", "made in, s", "CPU, s", "peak RSS, MB", *steps]
        print(table(head, rows))
        print("\n" + "\n".join(f"- {line}" for line in said) + "\n")


if __name__ == "__main__":
    main()
