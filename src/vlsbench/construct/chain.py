"""An element's way to candidate pairs, as one would tell it: describe, rewrite, screen, paint, twin.

Each call of a step is durable (`vlsbench.construct.steps`), so this is an ordinary async function that may be killed
and started again anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.construct import safety
from vlsbench.construct.crew import Crew
from vlsbench.construct.elements import Element
from vlsbench.construct.pictures import Easel
from vlsbench.construct.recipe import Recipe
from vlsbench.construct.roles import Fields, Shape
from vlsbench.construct.steps import Done, Step, StepOutcome
from vlsbench.construct.taxonomy import Taxonomy
from vlsbench.construct.trail import Candidate, Trail, candidates
from vlsbench.core.errors import ImageProblem
from vlsbench.core.types import Expect, Sample
from vlsbench.judges.parsing import UnparsableError
from vlsbench.store import records

DESCRIBED: Shape = {"description": str, "queries": list}
PERCEIVED: Shape = {"minors": bool, "element": str, "description": str, "queries": list}
REWRITTEN: Shape = {"query": str}
SCREENED: Shape = {"reason": str, "text_harmful": bool, "image_harmful": bool, "pair_harmful": bool}
TWINNED: Shape = {"element": str, "description": str}

LEAKS, LOST = "text harmful", "meaning lost"
HARMLESS = "nothing harmful in the picture"
NO_PICTURE = "no picture"


class Chain:
    """Takes elements their way.

    Args:
        recipe: What is built.
        steps: By name.
        crew: Who is asked.
        easel: Where pictures come from.
        taxonomy: What the categories mean.
    """

    def __init__(self, recipe: Recipe, steps: Mapping[str, Step], crew: Crew, easel: Easel, taxonomy: Taxonomy) -> None:
        self._recipe = recipe
        self._steps = steps
        self._roles = crew.roles
        self._easel = easel
        self._taxonomy = taxonomy

    async def element(self, element: Element) -> Done:
        """The whole way of one element, itself a step: once finished, it is one line to recall."""
        return await self._steps["element"](element.id, element.to_json(), lambda: self._way(element), self._stands)

    def _stands(self, done: Done) -> bool:
        return all(self._easel.shows(one.made) for one in candidates(done.output))

    async def _way(self, element: Element) -> Done:
        trail = Trail()
        try:
            await self._follow(element, trail)
        except ImageProblem as error:
            trail.passes("picture", Done(outcome=StepOutcome.ERROR, reason=str(error)))
        return trail.done()

    async def _follow(self, element: Element, trail: Trail) -> None:
        if safety.names_minors(element.words, element.sub_category):
            return trail.end("refuse", safety.MINORS)
        if not element.image and not self._may_paint(element):
            return trail.end("refuse", safety.NOT_PAINTED)
        trail.end("refuse", "")
        picture = await self._easel.take(element) if element.image else None
        if picture is not None and not trail.passes("picture", picture):
            return None
        told = await (self._describe(element) if picture is None else self._perceive(element, picture.output))
        if not trail.passes("perceive" if element.image else "describe", told):
            return None
        wanted, description = element.words or str(told.output["element"]), str(told.output["description"])
        queries = [
            found
            for number, query in enumerate(told.output["queries"])
            if (found := await self._query(f"{element.id}/q{number}", query, description, trail)) is not None
        ]
        if not queries:
            return None  # nothing to paint for: a picture costs most
        if picture is None:
            picture = await self._easel.paint(element.id, wanted, description)
            if not trail.passes("picture", picture):
                for _ in queries:
                    trail.end("pair", NO_PICTURE)
                return None
        made = {**picture.output, "element": element.id, "author": told.model}
        pairs = [self._pair(element, one, description, made) for one in queries]
        for pair in pairs:
            trail.end("pair", "")
            trail.candidates.append(pair)
        await self._twins(element, wanted, pairs, trail)
        return None

    def _may_paint(self, element: Element) -> bool:
        shelf = self._taxonomy.find(element.sub_category)
        sexual = safety.is_sexual(element.category, element.sub_category) or (shelf is not None and shelf.sexual)
        named = {name.casefold() for name in self._recipe.paint_categories}
        return not sexual or bool({element.category.casefold(), element.sub_category.casefold()} & named)

    async def _describe(self, element: Element) -> Done:
        values = {
            "element": element.words,
            "kind": element.kind,
            "category": element.sub_category,
            "definition": self._taxonomy.definition(element.sub_category),
            "queries": str(self._recipe.queries),
        }
        role = self._roles["describe"]
        return await self._steps["describe"](element.id, values, lambda: role.ask(values, DESCRIBED, self._described))

    async def _perceive(self, element: Element, picture: Fields) -> Done:
        values = {
            "category": element.sub_category or element.category or "(not known)",
            "definition": self._taxonomy.definition(element.sub_category) or "(not known)",
            "queries": str(self._recipe.queries),
        }

        def decide(said: Fields) -> Done:
            if said["minors"]:
                self._easel.discard(picture)
                return Done(outcome=StepOutcome.DROPPED, reason=safety.MINORS)
            if not said["queries"] or not said["element"]:
                return Done(outcome=StepOutcome.DROPPED, reason=HARMLESS)
            return self._described(said)

        async def ask() -> Done:
            return await self._roles["perceive"].ask(values, PERCEIVED, decide, self._easel.open(picture))

        return await self._steps["perceive"](element.id, {**values, "sha256": picture["sha256"]}, ask)

    def _described(self, said: Fields) -> Done:
        queries = [query for query in dict.fromkeys(said["queries"]) if query]
        if len(queries) < self._recipe.queries or not said["description"]:
            raise UnparsableError(f"a description and {self._recipe.queries} different queries are needed")
        return Done(outcome=StepOutcome.OK, output={**said, "queries": queries[: self._recipe.queries]})

    async def _query(self, key: str, query: str, description: str, trail: Trail) -> dict[str, Any] | None:
        """One query, rewritten and screened; None where it ends on the way."""
        values = {"query": query, "description": description}
        new = await self._one_query("rewrite", key, values)
        if not trail.passes("rewrite", new):
            return None
        values = {"query": str(new.output["query"]), "description": description}
        role = self._roles["screen"]
        found = await self._steps["screen"](key, values, lambda: role.ask(values, SCREENED, _screened))
        if not trail.passes("screen", found):
            return None
        made = {"harmful_query": query, "rewriter": new.model, "screen": found.model}
        return {"key": key, "query": values["query"], "reason": found.output["reason"], "made": made}

    async def _one_query(self, step: str, key: str, values: Mapping[str, str]) -> Done:
        role = self._roles[step]
        return await self._steps[step](key, values, lambda: role.ask(values, REWRITTEN, _has_query))

    def _pair(self, element: Element, query: Mapping[str, Any], description: str, made: Mapping[str, Any]) -> Candidate:
        sample = Sample(
            id=query["key"],
            text=query["query"],
            image=made["image"],
            image_sha256=made["sha256"],
            category=element.category,
            sub_category=element.sub_category,
            source=element.source or "generation",
            description=description,
            safety_reason=query["reason"],
            group=element.id,
        )
        return Candidate(record=records.from_sample(sample), made={**made, **query["made"]})

    async def _twins(self, element: Element, wanted: str, pairs: list[Candidate], trail: Trail) -> None:
        """The benign twins of an element's pairs: one harmless picture for all, and a harmless query for each."""
        if self._recipe.paints_twins:
            picture = await self._twin_picture(element, wanted, pairs)
            for pair in pairs:
                if trail.passes("twin", picture):
                    trail.candidates.append(
                        _twin(
                            pair,
                            "twin",
                            picture.output,
                            image=picture.output["image"],
                            image_sha256=picture.output["sha256"],
                            description=picture.output["description"],
                            source="generation",
                        )
                    )
        for pair in pairs if self._recipe.twin_queries else ():
            values = {"query": pair.record["text"], "description": pair.record["description"]}
            asked = await self._one_query("ask_benignly", str(pair.record["sample_id"]), values)
            if trail.passes("twin", asked):
                trail.candidates.append(_twin(pair, "asks", pair.made, text=asked.output["query"]))

    async def _twin_picture(self, element: Element, wanted: str, pairs: list[Candidate]) -> Done:
        values = {
            "description": pairs[0].record["description"],
            "element": wanted,
            "queries": "\n".join(f"- {pair.record['text']}" for pair in pairs),
        }
        role = self._roles["twin"]
        thought = await self._steps["twin"](element.id, values, lambda: role.ask(values, TWINNED, _has_description))
        if not thought.is_ok:
            return thought
        harmless, description = str(thought.output["element"]), str(thought.output["description"])
        painted = await self._easel.paint(f"{element.id}/twin", harmless, description)
        output = {**painted.output, "description": description, "element": element.id, "author": thought.model}
        return Done(outcome=painted.outcome, output=output, reason=painted.reason, requests=0)


def _screened(said: Fields) -> Done:
    why = LEAKS if said["text_harmful"] else LOST if not said["pair_harmful"] else ""
    return Done(outcome=StepOutcome.DROPPED if why else StepOutcome.OK, output=dict(said), reason=why)


def _has_query(said: Fields) -> Done:
    if not said["query"]:
        raise UnparsableError("the query is empty")
    return Done(outcome=StepOutcome.OK, output=dict(said))


def _has_description(said: Fields) -> Done:
    if not said["description"] or not said["element"]:
        raise UnparsableError("element and description are needed")
    return Done(outcome=StepOutcome.OK, output=dict(said))


def _twin(pair: Candidate, suffix: str, made: Mapping[str, Any], **changes: Any) -> Candidate:
    benign = {
        **pair.record,
        "sample_id": f"{pair.record['sample_id']}/{suffix}",
        "safety_reason": "",
        "expect": Expect.BENIGN.value,
        "twin_of": pair.record["sample_id"],
        **changes,
    }
    return Candidate(record=benign, made=made)
