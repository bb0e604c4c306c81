"""Who works on a build: every role with its model, the painter, and the request slots of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from vlsbench import models
from vlsbench.construct.painters import load as painters
from vlsbench.construct.painters.studio import PictureStore, Studio
from vlsbench.construct.recipe import WORLD, Recipe
from vlsbench.construct.roles import Role
from vlsbench.construct.world import models as world
from vlsbench.construct.world.painter import Record
from vlsbench.core.protocols import Model
from vlsbench.judges.prompt_file import PromptFile
from vlsbench.run import loading
from vlsbench.run.loading import Effort, Loader
from vlsbench.run.throttle import Gate, Halt

ROLES: Mapping[str, str] = {
    "describe": "author",
    "perceive": "author",
    "twin": "author",
    "ask_benignly": "author",
    "rewrite": "rewriter",
    "screen": "screen",
    "inspect": "inspector",
    "categorise": "categoriser",
}
"""Which role fills in each prompt."""


def name_of(model: str | Model) -> str:
    """The name by which the results of a model are known; nothing is loaded."""
    if not isinstance(model, str):
        return model.name
    if model.startswith(WORLD):
        return world.name_of(model)
    return models.canonical(model)


def named_before(model: str | Model) -> str:
    """The name by which earlier versions knew them."""
    if isinstance(model, str) and not model.startswith(WORLD):
        return models.named_before(model)
    return name_of(model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Everybody who is asked: roles by the name of their prompt, and the painter, where there is one."""

    roles: Mapping[str, Role]
    studio: Studio | None
    gates: tuple[Gate, ...]
    loader: Loader
    painting: painters.Loaded | None

    def gate_of(self) -> dict[str, Gate]:
        """The slots of each step that asks somebody."""
        found = {name: role.gate for name, role in self.roles.items()}
        return found | ({"paint": self.studio.gate} if self.studio is not None else {})

    async def close(self) -> None:
        """Close the models that were made here."""
        if self.painting is not None:
            await self.painting.close()
        await self.loader.close()


def assemble(
    recipe: Recipe,
    prompts: Mapping[str, PromptFile],
    gallery: PictureStore,
    effort: Effort,
    key_envs: Mapping[str, str],
    servers: Mapping[str, str],
    halt: Halt,
    truth: Record | None,
    steps: Collection[str],
) -> Crew:
    """Load everybody who works on some steps; roles of one model share it and its slots.

    Args:
        recipe: Who is who.
        prompts: By name.
        gallery: Where pictures go.
        effort: Slots, time limit, how local models are loaded.
        key_envs: The environment variable of each role's key, where one is named.
        servers: Where each role's model is served, where that is not in its reference.
        halt: The user's wish to stop.
        truth: Where the painter of the miniature world records what its pictures show.
        steps: The steps that are to be done; nobody is loaded for others.

    Raises:
        UserError: A model cannot be made.
    """
    refs = {prompt: recipe.model_of(role) for prompt, role in ROLES.items() if prompt in steps}
    loader = Loader(effort, tuple(refs.values()))
    made: dict[tuple[str, str | None, str | None], tuple[Model, Gate]] = {}
    roles = {}
    for prompt, ref in refs.items():
        role = ROLES[prompt]
        key_env = key_envs.get(role)
        places = servers.get(role if getattr(recipe, role) is not None else "author")
        name = ref if isinstance(ref, str) else f"{ref.name}#{id(ref)}"
        if (name, key_env, places) not in made:
            gate = Gate(effort.concurrency, halt)
            scripted = world.find(ref) if isinstance(ref, str) else None
            loaded = scripted or loader.model(ref, key_env, places)
            made[name, key_env, places] = (loading.patient(loaded, gate), gate)
        model, gate = made[name, key_env, places]
        roles[prompt] = Role(name=prompt, model=model, gate=gate, prompt=prompts[prompt])
    gates = [gate for _, gate in made.values()]
    studio = painting = None
    if recipe.painter is not None and "paint" in steps:
        painting = painters.load(recipe.painter, recipe.brush, effort, key_envs.get("painter"), loader.refs, truth)
        gate = Gate(1 if painting.alone else effort.concurrency, halt)
        studio = Studio(painting.painter, gate, gallery)
        gates.append(gate)
    return Crew(roles=roles, studio=studio, gates=tuple(gates), loader=loader, painting=painting)
