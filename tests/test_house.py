"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "vlsbench"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("types",),
    ("taxonomy", "stats", "images", "records", "identity", "folders", "views", "hub_errors"),
    ("images_decode",),
    ("journal",),
    ("runs",),
    ("miniworld",),
    ("datasets", "models", "judges"),
    ("throttle",),
    ("engine",),
    ("listing", "standings"),
    ("preparation", "tally", "agreement", "figures"),
    ("flow", "summary", "judged"),
    ("wiring",),
    ("sitting",),
    ("evaluation", "estimate"),
    ("calibration",),
    ("comparison", "audit", "align", "build"),
    ("demo",),
    ("report",),
    ("cli",),
)
"""From the ground up: a module may import from floors below its own. Rooms on one floor do not know each other."""

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
}
"""Imported inside functions only, so that starting stays quick."""

MODULES = sorted(SRC.rglob("*.py"))


def room(module: str) -> str:
    """``vlsbench.judges.rubric`` lives in the room ``judges``."""
    return module.split(".")[1]


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Every absolute import of a file, with its node; names of submodules included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "vlsbench":
                yield from ((node, f"vlsbench.{alias.name}") for alias in node.names)
            else:
                yield node, node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SRC)))
def test_imports_point_only_downwards(path: Path) -> None:
    here = path.relative_to(SRC).parts[0].removesuffix(".py")
    if here in ("__init__", "__main__"):
        return
    allowed_upwards = {"align", "datasets"} if path.name in ("train.py", "recipe.py") and here == "miniworld" else set()
    for _, module in imports(path):
        if not module.startswith("vlsbench.") or room(module) in (here, "__version__"):
            continue
        there = room(module)
        assert there in FLOOR, f"{path.name} imports {module}, which has no floor yet"
        assert FLOOR[there] < FLOOR[here] or there in allowed_upwards, f"{path.name} ({here}) must not know {module}"


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


def test_every_public_name_can_be_imported() -> None:
    import vlsbench

    assert sorted(vlsbench.__all__) == vlsbench.__dir__()
    for name in vlsbench.__all__:
        assert getattr(vlsbench, name) is not None
    with pytest.raises(AttributeError):
        vlsbench.no_such_name  # noqa: B018
