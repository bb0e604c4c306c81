"""What a build is to be, checked as far as can be without loading or asking a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlsbench import datasets, models
from vlsbench.construct import elements as element_files
from vlsbench.construct import prompts as prompt_files
from vlsbench.construct import taxonomy as taxonomies
from vlsbench.construct.elements import Element
from vlsbench.construct.folder import BuildManifest, new_manifest
from vlsbench.construct.painters import load as painters
from vlsbench.construct.recipe import WORLD, Recipe, check
from vlsbench.construct.taxonomy import Taxonomy
from vlsbench.construct.world import elements as world
from vlsbench.construct.world import models as world_models
from vlsbench.construct.world.guard import ErringGuard
from vlsbench.core.errors import DatasetError, UnknownName, UserError
from vlsbench.core.protocols import Model, require
from vlsbench.judges.prompt_file import PromptFile
from vlsbench.leakage import guards
from vlsbench.leakage.guards import Guard
from vlsbench.run.loading import Effort
from vlsbench.run.plan import check_texts

TEXT_ROLES = ("author", "rewriter", "screen", "inspector", "categoriser")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """A recipe with everything it names read and checked."""

    recipe: Recipe
    elements: Sequence[Element]
    taxonomy: Taxonomy
    prompts: Mapping[str, PromptFile]
    manifest: BuildManifest


def make(recipe: Recipe) -> BuildPlan:
    """Read and check what a recipe names.

    Raises:
        UserError: Something has to change first.
    """
    check(recipe)
    for role in TEXT_ROLES:
        _check_model(role, getattr(recipe, role))
    if recipe.painter is not None:
        painters.name_of(recipe.painter)
    known = identify(str(recipe.guard))
    if recipe.check_guard is not None:
        other = identify(recipe.check_guard)
        if (other.name, other.settings) == (known.name, known.settings):
            raise UserError("--check-guard is the guard of the gate itself; name another, or leave it out.")
    taxonomy = world.taxonomy() if recipe.in_miniature and recipe.taxonomy is None else taxonomies.load(recipe.taxonomy)
    elements = _elements(recipe, taxonomy)
    if recipe.painter is None and not all(element.image for element in elements):
        raise UserError(
            "--painter must be named (openai-image:NAME[@URL] or diffusers:REPO_OR_FOLDER), for some elements "
            "have no image."
        )
    prompts = prompt_files.load(recipe.prompts)
    _check_painted(recipe, taxonomy)
    if recipe.reference is not None:
        datasets.load(recipe.reference)
    manifest = new_manifest(
        recipe.to_json(),
        {name: prompt.sha256 for name, prompt in prompts.items()},
        (taxonomy.name, taxonomy.sha256),
        elements,
        {"guard": known.name, **known.settings},
    )
    return BuildPlan(recipe=recipe, elements=elements, taxonomy=taxonomy, prompts=prompts, manifest=manifest)


def check_servers(recipe: Recipe, servers: Mapping[str, str], effort: Effort) -> None:
    """Nothing where lists of servers go with the models they are for.

    Raises:
        UserError: One does not, or cannot be read.
    """
    for role, places in servers.items():
        if role not in TEXT_ROLES:
            raise UnknownName("role with servers", role, TEXT_ROLES)
        asked = recipe.model_of(role)
        models.require_servable(asked if isinstance(asked, str) else None, places, f"--servers {role}")
    guards.require_servable(recipe.guard, effort.judge_servers)


def identify(ref: str) -> Guard:
    """A guard with its name and settings; nothing is loaded or contacted.

    Raises:
        UserError: There is no such guard.
    """
    return ErringGuard(ref) if ref.startswith(WORLD) else guards.identify(ref, "a build")


def _check_model(role: str, asked: object) -> None:
    if isinstance(asked, str):
        check_texts(asked)
        if asked.startswith(WORLD):
            world_models.require_known(asked)
        else:
            models.canonical(asked)
    elif asked is not None:
        require(asked, Model, role)


def _elements(recipe: Recipe, taxonomy: Taxonomy) -> Sequence[Element]:
    if recipe.elements is not None and recipe.in_miniature:
        return world.elements(recipe.elements)
    if recipe.elements is not None:
        found = element_files.read(Path(recipe.elements).expanduser(), taxonomy)
    else:
        ref = str(recipe.images)
        entry = datasets.find(datasets.Ref.parse(ref).name)
        licence = "" if entry.licence == "yours" else entry.licence
        found = list(element_files.of_images(datasets.load(ref), licence, taxonomy))
        if not found:
            raise DatasetError(f"{ref} holds no harmful record with an image.")
    return found


def _check_painted(recipe: Recipe, taxonomy: Taxonomy) -> None:
    names = {name.casefold() for shelf in taxonomy.shelves for name in (shelf.category, shelf.sub_category)}
    for name in recipe.paint_categories:
        if name.casefold() not in names:
            raise UserError(f"--paint-category {name!r} is no category or sub-category of the taxonomy.")
