"""A guard that remembers: what it said of a text, a picture or a pair is asked once, however often the set changes."""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.construct.gate.gate import element_of
from vlsbench.construct.steps import Done, Step, StepOutcome
from vlsbench.core.errors import RequestFailed
from vlsbench.core.types import Image, Sample, VerdictOutcome
from vlsbench.judges.guard import Finding
from vlsbench.leakage.guards import Guard
from vlsbench.leakage.protocol import Part


class RememberingGuard:
    """Puts a durable step around a guard. Implements `vlsbench.leakage.guards.Guard`.

    A benign twin has the text of its pair, and several pairs share a picture: neither is asked about twice.

    Args:
        guard: Who judges.
        step: Remembers; its settings hold those of the guard.
    """

    def __init__(self, guard: Guard, step: Step) -> None:
        self.inner = guard
        self._step = step

    @property
    def name(self) -> str:
        """The guard's reference."""
        return self.inner.name

    @property
    def settings(self) -> Mapping[str, str]:
        """The guard's settings."""
        return self.inner.settings

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
        found = await self._step(about, given, lambda: self._ask(sample, part, image))
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
