"""A guard that remembers: what it said of a text, a picture or a pair is asked once, however often the set changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from vlsbench.construct.gate.gate import element_of
from vlsbench.construct.steps import Done, Step, StepOutcome, digest
from vlsbench.core.errors import RequestFailed
from vlsbench.core.types import Image, Sample, VerdictOutcome
from vlsbench.judges.guard import Finding
from vlsbench.leakage.guards import Around, Guard
from vlsbench.leakage.protocol import Part

_REMEMBERED = 4096
"""Verdicts of this session that are at hand; those of earlier ones are in the step's journal."""


class RememberingGuard(Around[Guard]):
    """Puts a durable step around a guard. Implements `vlsbench.leakage.guards.Guard`.

    A benign twin has the text of its pair, and several pairs share a picture: neither is asked about twice.

    Args:
        guard: Who judges.
        step: Remembers; its settings hold those of the guard.
    """

    def __init__(self, guard: Guard, step: Step) -> None:
        super().__init__(guard)
        self._step = step
        self._recent: OrderedDict[str, asyncio.Future[Done]] = OrderedDict()

    async def check(self, sample: Sample, part: Part, image: Image | None) -> Finding:
        """Judge one part of a sample.

        Raises:
            RequestFailed: The guard could not be asked.
        """
        sha256 = image.sha256 if image is not None and part is not Part.TEXT else ""
        given = {"part": part.value, "text": sample.text if part is not Part.IMAGE else "", "sha256": sha256}
        about = {
            Part.PAIR: f"{sample.id}/pair",
            Part.TEXT: f"{sample.twin_of or sample.id}/text",
            Part.IMAGE: f"{element_of(sample.id)}/{sha256}/image",
        }[part]
        found = await self._once(about, given, lambda: self._ask(sample, part, image))
        if "outcome" not in found.output:
            raise RequestFailed(found.reason)
        output = found.output
        return Finding(
            outcome=VerdictOutcome(output["outcome"]),
            label=output["label"],
            categories=tuple(output["categories"]),
            p_unsafe=output["p_unsafe"],
            why=output["why"],
            model=found.model,
        )

    async def _once(self, about: str, given: Mapping[str, str], ask: Callable[[], Awaitable[Done]]) -> Done:
        """The step's result; twins and queries about one picture stand close together, and often ask at once."""
        key = digest(about, given)
        asked = self._recent.get(key)
        if asked is not None:
            return await asyncio.shield(asked)
        asked = self._recent[key] = asyncio.ensure_future(self._step(about, given, ask))
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        found = await asked
        if not found.outcome.is_final:
            self._recent.pop(key, None)
        return found

    async def _ask(self, sample: Sample, part: Part, image: Image | None) -> Done:
        said = await self.inner.check(sample, part, image)
        output = {
            "outcome": said.outcome.value,
            "label": said.label,
            "categories": list(said.categories),
            "p_unsafe": said.p_unsafe,
            "why": said.why,
        }
        scored = said.outcome is VerdictOutcome.SCORED
        return Done(
            outcome=StepOutcome.OK if scored else StepOutcome.UNPARSABLE,
            output=output,
            reason=said.why,
            model=said.model,
        )
