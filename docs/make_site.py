"""What MkDocs needs to make a site of pages that are written to be read in the repository; `make docs` uses it.

README, CHANGELOG and CONTRIBUTING become pages, and links between them and docs/ are turned accordingly. A link to a
file that is no page leads to the repository where pyproject.toml names one, and is plain text else.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
HOME = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Pages that lie outside docs/, and what they are called on the site."""

_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!https?://|#|mailto:)([^)#\s]+)(#[^)]*)?\)")
_SECOND = re.compile(r"\(#([a-z]+)-(\d)\)")
"""The second heading of a name (`Judge`, `judge`), as GitHub calls it; MkDocs has an underscore there."""

_FENCED = re.compile(r"(^(`{3,}).*?^\2)", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the addresses from pyproject.toml, and list the decisions."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    config.repo_url = urls.get("Repository", "")
    config.site_url = urls.get("Documentation", "")
    decisions = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    _replace(config.nav, "decisions/*", [f"decisions/{name}" for name in decisions])
    return config


def _replace(nav: object, wanted: str, found: list[str]) -> None:
    """Put files in the place of a pattern, however deep it stands."""
    if isinstance(nav, list):
        if wanted in nav:
            place = nav.index(wanted)
            nav[place : place + 1] = found
        for each in nav:
            _replace(each, wanted, found)
    elif isinstance(nav, dict):
        for each in nav.values():
            _replace(each, wanted, found)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    for source, name in HOME.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=turned(text, source, config.repo_url or "")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page of docs/."""
    del files
    if page.file.src_uri in HOME.values():
        return markdown
    found = turned(markdown, f"docs/{page.file.src_uri}", config.repo_url or "")
    return _SECOND.sub(r"(#\1_\2)", found) if page.file.src_uri == "api.md" else found


def turned(text: str, source: str, repository: str) -> str:
    """A page with its links as they are on the site; what stands in code blocks stays.

    Args:
        text: Markdown.
        source: The page's path in the repository.
        repository: Its address, or nothing.
    """

    def turn(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2]))
        here = posixpath.dirname(HOME.get(source, source.removeprefix("docs/")))
        if target in HOME or (target.startswith("docs/") and target.endswith((".md", ".png"))):
            place = posixpath.relpath(HOME.get(target, target.removeprefix("docs/")), here or ".")
            return f"[{found[1]}]({place}{found[3] or ''})"
        return f"[{found[1]}]({repository}/blob/main/{target})" if repository else found[1]

    parts = _FENCED.split(text)
    # Text, block, the block's fence, text, …
    return "".join(
        _LINK.sub(turn, part) if place % 3 == 0 else part for place, part in enumerate(parts) if place % 3 < 2
    )
