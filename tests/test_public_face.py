"""What `import vlsbench` offers, and its page."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vlsbench

ROOT = Path(__file__).parent.parent
FACE = ast.parse((ROOT / "src" / "vlsbench" / "__init__.py").read_text(encoding="utf-8"))
USERS = [
    *sorted((ROOT / "examples").glob("*.py")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
"""What speaks to users: it imports from the public face alone."""


def imported_for_type_checkers() -> dict[str, set[str]]:
    """The names under TYPE_CHECKING by module, as ``load as load_model`` where they are renamed."""
    (block,) = (node for node in FACE.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    found: dict[str, set[str]] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        names = {f"{name.name} as {name.asname}" if name.asname else name.name for name in node.names}
        found.setdefault(node.module.removeprefix("vlsbench."), set()).update(names)
    return found


def test_type_checkers_and_the_interpreter_see_the_same_names() -> None:
    homes = {home: set(names) for home, names in vlsbench._HOMES.items()}
    assert imported_for_type_checkers() == homes
    public = {name.rpartition(" as ")[2] for names in homes.values() for name in names}
    assert public | {"__version__"} == set(vlsbench.__all__)


def test_every_public_name_can_be_imported() -> None:
    assert sorted(vlsbench.__all__) == vlsbench.__dir__()
    for name in vlsbench.__all__:
        assert getattr(vlsbench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        vlsbench.no_such_name  # noqa: B018


def test_no_module_can_take_the_place_of_a_public_name() -> None:
    """Importing ``vlsbench.x`` sets the attribute ``x`` of the package, whatever stood there."""
    packages = {path.stem for path in (ROOT / "src" / "vlsbench").iterdir()}
    assert packages.isdisjoint(set(vlsbench.__all__) - {"__version__"})


def test_a_name_is_imported_when_it_is_first_used() -> None:
    code = (
        "import sys, vlsbench\n"
        "assert not any(name.startswith('vlsbench.run') for name in sys.modules)\n"
        "vlsbench.evaluate\n"
        "assert 'vlsbench.run.evaluate' in sys.modules\n"
        "assert not {'torch', 'numpy', 'PIL', 'rich', 'jinja2'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_documented_on_a_page_that_is_current() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_api.py"), "--check"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert made.returncode == 0, made.stdout + made.stderr
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(set(vlsbench.__all__) - {"__version__"})


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.name)
def test_users_are_shown_the_public_face_alone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = text if path.suffix == ".py" else "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S))
    assert not re.findall(r"^\s*(?:from|import) vlsbench\.\S+", code, re.MULTILINE)
