"""The scripted models of the miniature: they read the prompts as any model would, and answer by rule and by chance.

world:author, world:rewriter, world:screen, world:categoriser
world:inspector             the packaged VLM where the ``hf`` extra is installed, else the scripted one
world:scripted-inspector    reads the note in the picture's file, and errs at a known rate
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Mapping

from vlsbench import models
from vlsbench.construct.world import facts
from vlsbench.construct.world.errs import ERRS, chance
from vlsbench.core.errors import RequestFailed, UnknownName
from vlsbench.core.protocols import Closing, LocalModel, Model
from vlsbench.core.types import Prompt, Reply, ResponseOutcome
from vlsbench.miniworld import language

INSPECTOR, SCRIPTED_INSPECTOR = "world:inspector", "world:scripted-inspector"
_SCRIPTED_STAND_IN = f"{INSPECTOR} (scripted)"

_MATERIAL = re.compile(r"\[([a-z ]+) ([0-9a-f]{16})\]\n(.*?)\n\[end of \1 \2\]", re.DOTALL)

Said = Mapping[str, object]
Material = Mapping[str, str]


class Scripted:
    """A model that answers by a function of the material in its prompt. Implements `Model`."""

    def __init__(self, name: str, answer: Callable[[Material, Prompt], Said]) -> None:
        self.name = name
        self._answer = answer

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        material = {name: text for name, _, text in _MATERIAL.findall(prompt.text)}
        try:
            said = self._answer(material, prompt)
        except (KeyError, StopIteration, TypeError) as error:
            raise RequestFailed(
                f"{self.name} knows only the miniature world, and not this prompt ({error!r})"
            ) from error
        return Reply(outcome=ResponseOutcome.OK, text=json.dumps(said), model=self.name)


def _author(given: Material, prompt: Prompt) -> Said:  # noqa: ARG001
    if "query" in given:
        return {"query": chance("ask", given["query"], given["description"]).choice(language.NAMING)}
    if "queries" in given:
        return _twin(given["description"])
    words = given["element"]
    scene = facts.scene_of(words)
    if scene is None:
        raise KeyError(words)
    queries = [text.format(item=scene["item"]) for text in language.LEAKY]
    return {"description": f"A {words}.", "queries": chance("author", words).sample(queries, len(queries))}


def _twin(description: str) -> Said:
    scene = facts.scene_of(description)
    if scene is None:
        raise KeyError(description)
    fitting = [item for item in language.ORDINARY if item != scene["item2"]]
    harmless = chance("twin", description).choice(fitting)
    text = description.replace(f"{scene['colour']} {scene['item']}", f"{scene['colour']} {harmless}", 1)
    return {"element": text.removeprefix("A ").removesuffix("."), "description": text}


def _rewriter(given: Material, prompt: Prompt) -> Said:  # noqa: ARG001
    query, description = given["query"], given["description"]
    scene = facts.scene_of(description)
    if scene is None:
        raise KeyError(description)
    number = next(place for place, text in enumerate(language.LEAKY) if text.format(item=scene["item"]) == query)
    neutral = language.NEUTRAL[number]
    rng = chance("rewrite", query, description)
    kinds = ("named", "hinted", "lost", "neutral")
    shares = (ERRS.rewriter_names_the_item, ERRS.rewriter_hints_at_danger, ERRS.rewriter_loses_the_meaning)
    kind = rng.choices(kinds, (*shares, 1 - sum(shares)))[0]
    if kind == "named":
        return {"query": query}
    if kind == "hinted":
        pattern = r"the item in front|this item|the item in the picture|\bthis\b"
        return {"query": re.sub(pattern, rng.choice(facts.HINTS), neutral)}
    return {"query": rng.choice(facts.LOST) if kind == "lost" else neutral}


def _screen(given: Material, prompt: Prompt) -> Said:  # noqa: ARG001
    query = given["query"]
    rng = chance("screen", query, given["description"])
    leaks, lost = facts.leaks(query), not facts.means_harm(query)
    caught = rng.random() >= ERRS.screen_misses if leaks or lost else rng.random() < ERRS.screen_false_alarms
    return {
        "reason": "In this invented world the item in the picture is dangerous and should not be used.",
        "text_harmful": caught and not lost,
        "image_harmful": False,
        "pair_harmful": not (caught and lost),
    }


def _categoriser(given: Material, prompt: Prompt) -> Said:  # noqa: ARG001
    scene = facts.scene_of(given["description"])
    if scene is None:
        raise KeyError(given["description"])
    rng = chance("categorise", given["query"], given["description"])
    wrong = rng.random() < ERRS.categoriser_errs
    return {"reason": "By the item.", "sub_category": rng.choice(language.HAZARDS) if wrong else scene["item"]}


def _inspect(given: Material, prompt: Prompt) -> Said:
    wanted = facts.scene_of(given["element"])
    if wanted is None or prompt.image is None:
        raise KeyError(given["element"])
    shown = facts.seen(prompt.image.read())
    rng = chance("inspect", given["element"], prompt.image.sha256)
    fits = shown == wanted["item"]
    if rng.random() < ERRS.inspector_misses:
        fits = not fits
    return _inspected(shown, given["prompt"], fits=fits)


def _inspected(shown: str, prompt: str, *, fits: bool) -> Said:
    return {
        "caption": f"A {shown}." if shown else "Something that cannot be named.",
        "minors": False,
        "visible": fits,
        "realistic": True,
        "better_prompt": prompt,
    }


class SeeingInspector:
    """The packaged VLM as inspector: asked for the item's name, its answer put into words. Implements `LocalModel`."""

    name = f"{INSPECTOR} (mini:base)"

    def __init__(self) -> None:
        model = models.load("mini:base")
        if not isinstance(model, LocalModel):
            raise TypeError("a packaged model is a local one")
        self._model = model

    @property
    def width(self) -> int:
        """How many requests the VLM wants in flight."""
        return self._model.width

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        asked = await self._model.generate(Prompt(text=language.NAMING[0], image=prompt.image, max_tokens=16))
        shown = language.parse(asked.text).item
        eyes = Scripted(self.name, lambda given, _: _compared(shown, given))
        return await eyes.generate(prompt)

    async def close(self) -> None:
        """Free the VLM."""
        if isinstance(self._model, Closing):
            await self._model.close()


def _compared(shown: str, given: Material) -> Said:
    wanted = facts.scene_of(given["element"])
    return _inspected(shown, given["prompt"], fits=wanted is not None and shown == wanted["item"])


_SCRIPTS: Mapping[str, Callable[[Material, Prompt], Said]] = {
    "world:author": _author,
    "world:rewriter": _rewriter,
    "world:screen": _screen,
    "world:categoriser": _categoriser,
    SCRIPTED_INSPECTOR: _inspect,
}


def can_see() -> bool:
    """Whether the packaged VLM can be loaded here."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))


def require_known(ref: str) -> None:
    """Nothing where there is a scripted model of that name.

    Raises:
        UnknownName: There is none.
    """
    if ref != INSPECTOR and ref not in _SCRIPTS:
        raise UnknownName("model of the miniature", ref, (*_SCRIPTS, INSPECTOR))


def name_of(ref: str) -> str:
    """The name of a scripted model: an inspector that sees and a scripted one are two."""
    if ref != INSPECTOR:
        return ref
    return SeeingInspector.name if can_see() else _SCRIPTED_STAND_IN


def find(ref: str) -> Model | None:
    """The scripted model of a reference; None where it is no ``world:`` reference.

    Raises:
        UnknownName: There is no such one.
    """
    if not ref.startswith("world:"):
        return None
    if ref == INSPECTOR and can_see():
        return SeeingInspector()
    chosen = SCRIPTED_INSPECTOR if ref == INSPECTOR else ref
    require_known(chosen)
    return Scripted(_SCRIPTED_STAND_IN if ref == INSPECTOR else ref, _SCRIPTS[chosen])
