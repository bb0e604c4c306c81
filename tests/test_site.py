"""The documentation as a site: built strictly, no link leads nowhere, and it can be searched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parent.parent


class Anchors(HTMLParser):
    """The ids of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        self.links.update(filter(None, (found.get("href"), found.get("src"))))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_there_and_no_link_leads_nowhere(site: Path) -> None:
    pages = {path: Anchors(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for page in (ROOT / "docs").rglob("*.md"):
        made = (site / page.relative_to(ROOT / "docs")).with_suffix(".html")
        assert made in pages or made.with_name("index.html") in pages, page
    broken = []
    for path, page in pages.items():
        for link in page.links if path.name != "404.html" else ():
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            lost = parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids
            if not target.exists() or lost:
                broken.append(f"{path.relative_to(site)} → {link}")
    assert broken == []


def test_the_site_needs_nothing_from_elsewhere(site: Path) -> None:
    page = Anchors((site / "index.html").read_text(encoding="utf-8"))
    elsewhere = [link for link in page.links if link.startswith(("http", "//")) and link.endswith((".js", ".css"))]
    assert elsewhere == []


def test_the_search_finds_commands_and_names(site: Path) -> None:
    found = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    for words, page in {"kill -9": "tutorial.html", "load_run": "api.html", "Wilson": "statistics.html"}.items():
        assert any(words in each["text"] + each["title"] for each in found if each["location"].startswith(page)), words
