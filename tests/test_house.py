"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "vlsbench"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("core",),
    ("stats", "store", "miniworld"),
    ("datasets", "models", "judges", "results"),
    ("run",),
    ("calibration",),
    ("align", "comparison", "leakage", "ablation", "interchange"),
    ("construct", "demo", "sweep"),
    ("paper",),
    ("report",),
    ("cli",),
)
"""From the ground up: a package may import from floors below its own. Packages on one floor do not know each other."""

FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}

HEAVY = {
    "torch",
    "transformers",
    "trl",
    "peft",
    "ray",
    "accelerate",
    "datasets",
    "huggingface_hub",
    "numpy",
    "pyarrow",
    "rich",
    "PIL",
    "scipy",
    "sklearn",
    "diffusers",
}
"""Imported inside functions only, so that starting stays quick."""

MODULES = sorted(SRC.rglob("*.py"))


def dotted(path: Path) -> str:
    """``src/vlsbench/judges/rubric.py`` is ``vlsbench.judges.rubric``."""
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


KNOWN = {dotted(path) for path in MODULES}


def package(module: str) -> str:
    """``vlsbench.judges.rubric`` lives in the package ``judges``."""
    return module.split(".")[1]


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Every module of ours that a file imports, with the node, whether at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names if alias.name.split(".")[0] == "vlsbench")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "vlsbench":
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from ((node, name if name in KNOWN else node.module) for name in names)


def test_the_root_holds_packages_and_nothing_else() -> None:
    found = {path.name for path in SRC.iterdir() if path.is_file()}
    assert found == {"__init__.py", "__main__.py", "py.typed"}
    packages = {path.name for path in SRC.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert packages <= set(FLOOR), f"no floor yet for {packages - set(FLOOR)}"
    for folder in (path for path in SRC.rglob("*") if path.is_dir() and list(path.glob("*.py"))):
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))), folder


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name == "__init__.py"], ids=lambda path: path.parent.name
)
def test_a_package_says_what_belongs_in_it_and_what_does_not(path: Path) -> None:
    first, _, rest = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n\n")
    assert first
    assert rest, f"{path.parent.name} does not say what belongs elsewhere"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SRC)))
def test_imports_point_only_downwards(path: Path) -> None:
    here = path.relative_to(SRC).parts[0]
    if here in ("__init__.py", "__main__.py"):
        return
    for _, module in imports(path):
        assert module != "vlsbench", f"{path.name} imports the public face, which is for users"
        there = package(module)
        assert there in FLOOR, f"{path.name} imports {module}, which has no floor yet"
        if there != here:
            assert FLOOR[there] < FLOOR[here], f"{path.name} ({here}) must not know {module}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    arrows = {
        dotted(path): {module for node, module in imports(path) if module in KNOWN and module != dotted(path)}
        for path in MODULES
        if path.parent != SRC
    }
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for other in sorted(arrows.get(module, ())):
                walk(other, (*trail, module))
            done.add(module)

    for module in arrows:
        walk(module, ())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SRC)))
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            assert name.split(".")[0] not in HEAVY, f"{path.name} imports {name} when it is itself imported"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SRC)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 330


def test_a_class_has_its_name_for_itself() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(dotted(path))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
