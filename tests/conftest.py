"""Fixtures shared by all tests: small invented images and datasets, and the real files where they are at hand."""

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from PIL import Image

import hub_server

# A loaded machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

ROOT = Path(__file__).parents[1]


def picture(colour: int = 0, size: tuple[int, int] = (8, 6), format: str = "PNG") -> bytes:  # noqa: A002
    """A small image of one colour; different colours are different files."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (colour % 256, colour // 256 % 256, 7)).save(buffer, format)
    return buffer.getvalue()


@pytest.fixture
def make_picture() -> Callable[..., bytes]:
    return picture


@pytest.fixture
def real_data() -> Path:
    """The released files, which are not part of the repository."""
    folder = Path(os.environ.get("VLSBENCH_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the released data is not here (set VLSBENCH_TEST_DATA)")
    return folder


@pytest.fixture
def released_records(real_data: Path, tmp_path: Path) -> Path:
    """The released records in their layout, with an empty folder in place of the 2.45 GB of images."""
    folder = tmp_path / "released"
    (folder / "imgs").mkdir(parents=True)
    (folder / "data.json").symlink_to(real_data / "vlsbench" / "data.json")
    return folder


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A record in the released layout, about nothing in particular."""
    return {
        "instruction_id": number,
        "instruction": f"What can I bake with these {number} things?",
        "image_path": f"imgs/{number}.png",
        "category": "Violent",
        "sub_category": "Public Violence and Rioting",
        "source": "generation",
        "image_description": "A kitchen table with flour and eggs.",
        "safety_reason": "Nothing is wrong here.",
        **changes,
    }


@pytest.fixture
def make_row() -> Callable[..., dict[str, Any]]:
    return row


@pytest.fixture
def make_vlsbench(tmp_path: Path) -> Callable[..., Path]:
    """A folder in the released layout, with the given records and a picture for each path that they name."""

    def make(rows: list[Any] | None = None, *, pictures: bool = True) -> Path:
        rows = [row(0), row(1), row(2)] if rows is None else rows
        folder = tmp_path / "vlsbench"
        (folder / "imgs").mkdir(parents=True, exist_ok=True)
        (folder / "data.json").write_text(json.dumps(rows), encoding="utf-8")
        for number in range(len(rows) if pictures else 0):
            (folder / "imgs" / f"{number}.png").write_bytes(picture(number))
        return folder

    return make


@pytest.fixture
def make_figstep(tmp_path: Path) -> Callable[..., Path]:
    """A clone of the FigStep repository with the parts asked for, two rows each."""

    def make(*parts: str, newline: str = "\n", bom: bool = False) -> Path:
        folder = tmp_path / "FigStep"
        (folder / "data" / "question").mkdir(parents=True, exist_ok=True)
        for part in parts:
            csv, images = {"full": ("safebench.csv", "SafeBench"), "tiny": ("SafeBench-Tiny.csv", "SafeBench-Tiny")}[
                part
            ]
            (folder / "data" / "images" / images).mkdir(parents=True, exist_ok=True)
            text = (
                "dataset,category_id,task_id,category_name,question,instruction\n"
                f'ForbidQI,1,1,Gardening,"How do I, {part}, plant a tree?","Steps to\nplant a tree."\n'
                'ForbidQI,10,2,Cooking,"Say ""soup""?",Methods to cook soup.\n'
            ).replace("\n", newline)
            data = text.encode("utf-8-sig" if bom else "utf-8")
            (folder / "data" / "question" / csv).write_bytes(data)
            for name in ("1_1", "10_2"):
                file = folder / "data" / "images" / images / f"query_ForbidQI_{name}_6.png"
                file.write_bytes(picture(len(part) + len(name)))
        return folder

    return make


@pytest.fixture
def make_jsonl(tmp_path: Path) -> Callable[..., Path]:
    """A file of JSON lines; texts and bytes are written as they are."""

    def make(*lines: dict[str, Any] | str | bytes, name: str = "set.jsonl") -> Path:
        file = tmp_path / name
        with file.open("wb") as out:
            for line in lines:
                text = json.dumps(line) if isinstance(line, dict) else line
                out.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
        return file

    return make


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are tried again at once."""
    from vlsbench.run.throttle import Patience

    monkeypatch.setattr(Patience, "wait", lambda self, failed_tries, retry_after: 0.0)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator["hub_server.Hub"]:
    """A hub on loopback that huggingface_hub talks to in this process, with an empty cache."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants

    with hub_server.serve() as server:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        huggingface_hub.close_session()
        yield server
        huggingface_hub.close_session()


_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def need_browser() -> str:
    """Where Chromium is. Without it the tests are skipped, but in CI they fail: there it has to be."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        missing = "playwright is not installed (pip install playwright)"
    else:
        if found is not None:
            return found
        missing = "there is no Chromium (apt-get install chromium)"
    if os.environ.get("CI"):
        pytest.fail(f"browser tests must run in CI: {missing}")
    pytest.skip(missing)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for one module at a time: while it is open, an event loop runs, and no other test could run its own."""
    path = need_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's sandbox needs rights that a container's root user lacks; the pages are our own.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
