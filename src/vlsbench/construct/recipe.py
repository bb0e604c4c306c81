"""What is built and by whom: the same names as arguments, as options of the command, and in a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.protocols import Model
from vlsbench.leakage.rules import MAX_OCR_OVERLAP, MAX_OVERLAP

MAX_SIMILARITY = 0.8
"""Share of word pairs (query and description) that two records may have in common, by Jaccard, and both stay."""

WORLD = "world:"
"""Begins the names of everything in the miniature."""

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """How pictures are painted: width and height in pixels, and for ``diffusers:`` the steps and the guidance scale."""

    width: int
    height: int
    steps: int
    guidance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is built and by whom.

    Args:
        elements: A file of elements, or ``world:N`` for N of the miniature world.
        images: A dataset whose pictures are used, in place of painted ones.
        author: Writes descriptions, harmful queries and benign twins; a reference, or a `Model`.
        rewriter: Takes the danger out of the text; by default the author, as the roles that follow.
        screen: Drops what still tells, or has lost its meaning.
        inspector: Looks at each painted picture.
        categoriser: Files each pair under the taxonomy.
        painter: Paints; not needed where `images` are given and no twins are wanted.
        guard: Judges each candidate: pair, text alone, image alone.
        check_guard: Another guard, which measures what the gate let through.
        reference: A dataset of independent benign queries, for the partial-input baseline.
        queries: Queries written for each element.
        attempts: Pictures painted for each element before it is given up.
        twins: Whether each pair gets a benign twin: the same query beside a harmless picture.
        twin_queries: Whether it also gets a benign query beside the same picture.
        size: Width and height of painted pictures, as ``1024x1024``.
        paint_steps: Denoising steps of ``diffusers:``.
        guidance: Guidance scale of ``diffusers:``.
        seed: Another seed gives other pictures.
        taxonomy: A TOML file; None for the paper's.
        prompts: A folder of prompts that replace the packaged ones.
        paint_categories: Sexual categories or sub-categories that may be painted all the same.
        max_overlap: Rule: the largest share of a query's content that the description may repeat.
        max_ocr_overlap: The same for the text in the picture.
        max_similarity: Rule: the largest likeness to an earlier record; 1 leaves texts aside.
        ocr: Read the text in the pictures: True, False, or None for where it can be done.
    """

    elements: str | None = None
    images: str | None = None
    author: str | Model | None = None
    rewriter: str | Model | None = None
    screen: str | Model | None = None
    inspector: str | Model | None = None
    categoriser: str | Model | None = None
    painter: str | None = None
    guard: str | None = None
    check_guard: str | None = None
    reference: str | None = None
    queries: int = 3
    attempts: int = 3
    twins: bool = True
    twin_queries: bool = False
    size: str = "1024x1024"
    paint_steps: int = 28
    guidance: float = 4.5
    seed: int = 0
    taxonomy: str | None = None
    prompts: str | None = None
    paint_categories: tuple[str, ...] = ()
    max_overlap: float = MAX_OVERLAP
    max_ocr_overlap: float = MAX_OCR_OVERLAP
    max_similarity: float = MAX_SIMILARITY
    ocr: bool | None = None

    @property
    def brush(self) -> Brush:
        """How pictures are painted."""
        width, _, height = self.size.partition("x")  # checked when the recipe was made
        return Brush(width=int(width), height=int(height), steps=self.paint_steps, guidance=self.guidance)

    @property
    def in_miniature(self) -> bool:
        """Whether the elements are those of the miniature world."""
        return self.elements is not None and self.elements.startswith(WORLD)

    @property
    def paints_twins(self) -> bool:
        """Whether twins have a picture of their own."""
        return self.twins and self.painter is not None

    def model_of(self, role: str) -> str | Model:
        """The model of a text role; the author's where the role has none of its own."""
        found: str | Model | None = getattr(self, role)
        asked = found if found is not None else self.author
        if asked is None:
            raise UserError(f"--author must be named: nobody is there for the {role}.")
        return asked

    def to_json(self) -> dict[str, Any]:
        """The resolved values, for the manifest; a model of the user's own by its name."""
        named = {
            name: getattr(self, name).name
            for name in ("author", "rewriter", "screen", "inspector", "categoriser")
            if isinstance(getattr(self, name), Model)
        }
        return asdict(replace(self, **named)) | {"paint_categories": list(self.paint_categories)}


def miniature(n: int = 60) -> Recipe:
    """The miniature: the whole pipeline on an invented world, offline, by scripted models that err at known rates.

    Its sentences are few, so near-duplicate texts say nothing there, and overlap is held to a stricter limit.

    Args:
        n: How many elements.
    """
    return Recipe(
        elements=f"{WORLD}{n}",
        author="world:author",
        rewriter="world:rewriter",
        screen="world:screen",
        inspector="world:inspector",
        categoriser="world:categoriser",
        painter="world:painter",
        guard="world:guard",
        check_guard="world:check-guard",
        reference="mini:benign:60:7",
        size="64x64",
        max_overlap=0.1,
        max_similarity=1.0,
        ocr=False,
    )


def fill(recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
    """A recipe with some of its values changed."""
    return replace(recipe, **given)


def check(recipe: Recipe) -> None:
    """Nothing where a recipe makes sense.

    Raises:
        UserError: Something is missing, or contradicts another thing; the message names its option.
    """
    if (recipe.elements is None) == (recipe.images is None):
        raise UserError("Name either --elements FILE or --images REF (or nothing at all, for the miniature).")
    if recipe.author is None:
        raise UserError("--author must be named: the model that writes descriptions and queries.")
    if recipe.guard is None:
        raise UserError("--guard must be named: without one nothing says whether the text alone gives the danger away.")
    for name in ("queries", "attempts", "paint_steps"):
        if not 1 <= getattr(recipe, name) <= 100:
            raise UserError(f"--{name.replace('_', '-')} must lie between 1 and 100.")
    if not _SIZE.fullmatch(recipe.size):
        raise UserError(f"--size should be like 1024x1024, not {recipe.size!r}.")
    for name in ("max_overlap", "max_ocr_overlap", "max_similarity"):
        if not 0 <= getattr(recipe, name) <= 1:
            raise UserError(f"--{name.replace('_', '-')} must lie between 0 and 1.")
    if not 0 <= recipe.seed < 2**31:
        raise UserError("--seed must lie between 0 and 2147483647.")


def read(file: Path) -> dict[str, Any]:
    """The names of a recipe file, checked; paths in it start at its folder.

    Raises:
        UserError: It cannot be read, or holds an unknown key or a value of the wrong type.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The recipe {file} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The recipe {file} is not TOML ({error}).") from error
    known = {field.name: str(field.type) for field in fields(Recipe)}
    found = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known:
            raise UnknownName(f"key (of the recipe {file})", key, known)
        found[name] = _typed(file, key, known[name], value)
    for name in ("elements", "taxonomy", "prompts"):
        if isinstance(found.get(name), str) and not found[name].startswith(WORLD):
            found[name] = str(file.parent / found[name])
    return found


_KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "tuple[str, ...]": (list,),
}


def _typed(file: Path, key: str, declared: str, value: object) -> Any:
    kind = declared.removesuffix(" | None").removesuffix(" | Model")
    wrong = not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "bool")
    if wrong or (isinstance(value, list) and not all(isinstance(one, str) for one in value)):
        raise UserError(f"The recipe {file}: {key} should be of type {kind}, and is {value!r:.60}.")
    return tuple(value) if isinstance(value, list) else value
