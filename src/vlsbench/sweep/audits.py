"""A dataset and a guard as a cell of a sweep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vlsbench.core.errors import ImageProblem
from vlsbench.core.protocols import Model
from vlsbench.leakage import findings
from vlsbench.leakage.audit import AuditPlan, ask, conclude, make_way
from vlsbench.leakage.checking import impossible
from vlsbench.leakage.guards import Desk, Guard, model_ref
from vlsbench.leakage.protocol import Part
from vlsbench.leakage.signals.measures import Measures
from vlsbench.run import fingerprint
from vlsbench.run.estimate import Estimate, measure_picture, tokens_of
from vlsbench.run.loading import Effort
from vlsbench.sweep.cells import Making, SweepCell, locked

GUARD_TOKENS = 20
"""Length assumed of a guard's verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCell(SweepCell):
    """One dataset before one guard. `say` is told, in one line each, what is left out."""

    path: Path
    guard: str | Guard
    plan: AuditPlan
    say: Callable[[str], None] | None = None

    @property
    def name(self) -> str:
        """``audit of DATASET by GUARD``."""
        guard = self.guard if isinstance(self.guard, str) else self.guard.name
        return f"audit of {self.plan.selection.data.name} by {guard}"

    @property
    def asked(self) -> tuple[tuple[str | Model, Effort], ...]:
        """The guard's model, where it has one of a scheme."""
        ref = model_ref(self.guard) if isinstance(self.guard, str) else None
        return ((ref, self.plan.effort),) if ref is not None else ()

    @property
    def size(self) -> int:
        """Verdicts that it takes, at most."""
        return self.plan.selection.found.size * len(Part)

    def is_finished(self) -> bool:
        """Whether the figures are there, of these samples, and no pair lacks a verdict."""
        if not (self.path / "audit.json").is_file():
            return False
        found = findings.read(self.path)
        same = found.dataset_hash == self.plan.selection.found.sha256 and found.limit == self.plan.limit
        return same and found.guarded is not None and found.unscored_share == 0

    def estimate(self, *, fresh: bool) -> Estimate:
        """What a guard would be asked, but for its own prompt; all of it where the audit is not finished."""
        selection = self.plan.selection
        asks = bool(self.asked) and (fresh or not self.is_finished())
        image_bytes = tokens = requests = problems = 0
        for sample in fingerprint.selection(selection.data, self.plan.limit) if asks else ():
            n_bytes = n_tokens = 0
            try:
                for image in sample.images:
                    size, taken = measure_picture(image, selection.data.root)
                    n_bytes, n_tokens = n_bytes + size, n_tokens + taken
            except ImageProblem:
                problems += 1
            parts = [part for part in Part if not impossible(sample, part)]
            requests += len(parts)
            image_bytes += n_bytes * sum(part is not Part.TEXT for part in parts)
            tokens += n_tokens * sum(part is not Part.TEXT for part in parts)
            tokens += tokens_of(len(sample.text)) * sum(part is not Part.IMAGE for part in parts)
        found = Estimate(
            samples=selection.found.size,
            answer_requests=0,
            judge_requests=requests,
            image_bytes=image_bytes,
            image_problems=problems,
            input_tokens=tokens,
            output_tokens=requests * GUARD_TOKENS,
            judge_input_tokens=tokens,
            judge_output_tokens=requests * GUARD_TOKENS,
        )
        return found.priced(None, self.plan.price)

    async def make(self, making: Making) -> float:
        """Ask the guard, and write the figures down."""
        make_way(self.path, self.plan, fresh=making.fresh)
        with locked(self.path):
            name = self.plan.selection.data.name
            desk = Desk(self.guard, name, self.plan.effort, making.halt, None, making.progress, making.shared)
            await ask(self.plan, self.path, desk, making.halt, making.progress)
            measures = Measures(embedder=None, ocr=None, say=self.say)
            return (await asyncio.to_thread(conclude, self.path, self.plan, None, measures)).unscored_share
