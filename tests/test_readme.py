"""What the README tells people to type works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from loopback import Answer, Asked, serve, verdict
from vlsbench.cli.main import build_parser, main

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """Every ``vlsbench`` command line of a page's sh blocks, with continued lines joined."""
    text = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    lines = (line.split("  #")[0].strip() for line in text.splitlines())
    return [shlex.split(line) for line in lines if line.startswith("vlsbench ")]


def answer(asked: Asked) -> Answer:
    return verdict("warning") if asked.body["model"] == "JUDGE" else Answer(text="I see a shape.")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the README speaks of."""
    from PIL import Image

    Image.new("RGB", (16, 16), "red").save(tmp_path / "1.png")
    line = '{"sample_id": "1", "text": "What is this?", "image": "1.png", "description": "A red square."}\n'
    (tmp_path / "my-set.jsonl").write_text(line, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "tutorial.md"], ids=lambda page: page.name)
def test_the_commands_for_newcomers_run(page: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = [[*command, "--samples", "8"] if command[1] == "demo" else command for command in commands(page)]
    assert len(found) >= 5
    with serve(answer) as server:
        for command in found:
            words = [word.replace("http://localhost:8000/v1", server.url) for word in command[1:]]
            assert main(words) == 0, f"{command}: {capsys.readouterr().err}"


def test_every_command_that_the_readme_offers_can_be_parsed() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("## If you want")[2].partition("\n## ")[0]
    offered = re.findall(r"`(vlsbench [^`]+)`", table)
    assert len(offered) >= 15
    for command in offered:
        assert callable(build_parser().parse_args(shlex.split(command)[1:]).run), command


def test_the_python_example_of_the_readme_runs(place: Path) -> None:
    (example,) = blocks(ROOT / "README.md", "python")
    with serve(answer) as server:
        exec(compile(example.replace("http://localhost:8000/v1", server.url), "README.md", "exec"), {})
        assert server.asked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_every_page_can_be_parsed(page: Path) -> None:
    for command in commands(page):
        assert callable(build_parser().parse_args(command[1:]).run)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_is_documented() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    subparsers = next(action for action in build_parser()._actions if action.choices and action.dest == "command")
    for name, parser in subparsers.choices.items():
        assert f"vlsbench {name}" in text, f"no page shows vlsbench {name}"
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--") and option != "--help":
                    assert option in text, f"no page mentions {option} of vlsbench {name}"
