"""A dataset and a guard as a cell of a sweep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vlsbench.core.protocols import Model
from vlsbench.leakage import findings
from vlsbench.leakage.audit import AuditPlan, ask, conclude, make_way
from vlsbench.leakage.guards import Desk, Guard, model_ref
from vlsbench.leakage.protocol import Part
from vlsbench.leakage.signals.measures import Measures
from vlsbench.run.loading import Effort
from vlsbench.sweep.cells import Making, SweepCell, locked


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

    async def make(self, making: Making) -> float:
        """Ask the guard, and write the figures down."""
        make_way(self.path, self.plan, fresh=making.fresh)
        with locked(self.path):
            name = self.plan.selection.data.name
            desk = Desk(self.guard, name, self.plan.effort, making.halt, None, making.progress, making.shared)
            await ask(self.plan, self.path, desk, making.halt, making.progress)
            measures = Measures(embedder=None, ocr=None, say=self.say)
            return (await asyncio.to_thread(conclude, self.path, self.plan, None, measures)).unscored_share
