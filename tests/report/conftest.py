"""Reports to show in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import Study, write_report


@pytest.fixture
def show(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a file in the browser. Fails the test where the page complained, or asked anybody for anything."""
    complaints: list[str] = []
    contexts = []

    def open_page(file: Path, *, fragment: str = "", width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        shown = context.new_page()
        shown.set_default_timeout(10_000)
        shown.on("console", lambda message: complaints.append(f"console: {message.text}"))
        shown.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        shown.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        shown.on("request", lambda asked: None if _is_local(asked.url, file) else complaints.append(asked.url))
        shown.goto(file.as_uri() + fragment)
        shown.wait_for_selector("#made")
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _is_local(url: str, file: Path) -> bool:
    return url.startswith("data:") or url.partition("#")[0] == file.as_uri()


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def report(study: Study) -> Path:
    """A report of the study."""
    return write_report(study.folder / "report.html", *study.runs, base=["careful"])
