"""What CONTRIBUTING.md says is so: its paths exist, its diffs apply, its commands are those of the Makefile."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DIFFS = re.findall(r"^```diff\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_every_path_it_names_exists() -> None:
    inside_source = ("files", "models", "run", "cli", "core", "stats", "align")
    for name in re.findall(r"`([\w./-]+(?:/|\.(?:py|md|yaml)))`", PROSE):
        places = [ROOT / name, ROOT / "tests" / "support" / name]
        if "/" not in name or name.split("/")[0] in inside_source:
            places += [
                path
                for path in (ROOT / "src" / "vlsbench").rglob(Path(name).name)
                if str(path).endswith(name.rstrip("/"))
            ]
        assert any(path.exists() for path in places), name


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
@pytest.mark.parametrize("diff", DIFFS, ids=lambda diff: re.search(r"b/(\S+)", diff)[1])
def test_every_diff_can_be_applied(diff: str, tmp_path: Path) -> None:
    file = tmp_path / "worked.diff"
    file.write_text(diff, encoding="utf-8")
    done = subprocess.run(["git", "apply", "--check", "-C1", str(file)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for words in re.findall(r"`make ([^`]+)`", PROSE) for word in words.split() if "=" not in word}
    assert named <= targets


def test_hooks_run_what_make_lint_and_types_run() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"entry: make (\w+)", hooks) == ["lint", "types"]


def test_the_readme_names_the_versions_that_are_tested() -> None:
    (line,) = re.findall(r"^.*Tested on Python ([\d., and]+\d).*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert re.findall(r"3\.\d+", line) == re.findall(r'"(3\.\d+)"', workflow)
