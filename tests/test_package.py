"""What strangers install: the wheel and the source archive, without the repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, and the wheel made of it: the archive is whole."""
    folder = tmp_path_factory.mktemp("dist")
    words = ["-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of an environment into which the wheel alone is installed; what it needs is lent from here.

    The lent folder comes by a ``.pth`` file, which does not read the ``.pth`` files in it: an editable installation of
    this repository stays out.
    """
    home = tmp_path_factory.mktemp("clean") / "env"
    venv.create(home, with_pip=False, symlinks=True)
    (wheel,) = built.glob("*.whl")
    python = home / "bin" / "python"
    words = ["-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, *words], check=True)
    (lib,) = home.glob("lib/python*/site-packages")
    lent = {sysconfig.get_path("purelib"), *(path for path in sys.path if path.endswith("site-packages"))}
    (lib / "lent.pth").write_text("".join(f"{path}\n" for path in sorted(lent)), encoding="utf-8")
    return home / "bin" / "vlsbench"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def run(program: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The installed program as a stranger has it: no path to this repository, an empty folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run([program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_archives_are_what_an_index_takes(built: Path) -> None:
    files = sorted(map(str, built.iterdir()))
    assert len(files) == 2
    words = ["-m", "twine", "check", "--strict", *files]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_wheel_holds_the_package_with_all_its_files_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "src/vlsbench"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    if wanted := {name.removeprefix("src/") for name in tracked if name and (ROOT / name).exists()}:
        assert wanted <= names
    assert {name.split("/")[0] for name in names} == {"vlsbench"}


def test_the_demonstration_and_a_build_run_from_an_empty_folder(installed: Path, empty: Path) -> None:
    where = run(installed.with_name("python"), empty, "-c", "import vlsbench; print(vlsbench.__file__)").stdout
    assert str(installed.parents[1]) in where, "the repository itself was imported"
    demo = run(installed, empty, "demo", "--samples", "8", "--quiet", "--json")
    assert demo.returncode == 0, demo.stderr
    assert json.loads(demo.stdout)
    build = run(installed, empty, "build", "--elements", "world:12", "--out", "built", "--quiet")
    assert build.returncode == 0, build.stderr
    assert (empty / "built").is_dir()


def test_the_wheel_says_which_version_it_is(built: Path, installed: Path, empty: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert run(installed, empty, "--version").stdout.strip() == f"vlsbench {wheel.name.split('-')[1]}"


def test_authors_are_those_of_the_citation() -> None:
    cited = re.findall(r"^  - name: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert [author["name"] for author in PROJECT["authors"]] == cited


def test_every_extra_is_in_the_table_of_the_readme() -> None:
    shown = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(PROJECT["optional-dependencies"])
