"""The runs of a report by the rows and columns of the paper's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vlsbench import models
from vlsbench.ablation.conditions import FULL
from vlsbench.core.types import Rate
from vlsbench.paper.recipe import PaperColumn, PaperModel, PaperRecipe
from vlsbench.report.inputs import AuditPart, Inputs, RunPart
from vlsbench.results.rates import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRuns:
    """What a report has of what a recipe asks for."""

    recipe: PaperRecipe
    inputs: Inputs

    def run(self, model: PaperModel, column: PaperColumn) -> RunPart | None:
        """The run of a model in a column, named as its row; None where there is none."""
        found = next((part for part in self._runs(column) if part.summary.model == named(model)), None)
        return replace(found, name=model.title, model=model.title) if found is not None else None

    def runs(self, column: PaperColumn) -> list[RunPart]:
        """The runs of a column, in the order of the rows."""
        return [part for model in self.recipe.models if (part := self.run(model, column)) is not None]

    def models(self, columns: Sequence[PaperColumn]) -> list[PaperModel]:
        """The rows that have a run in one of the columns."""
        return [model for model in self.recipe.models if any(self.run(model, column) for column in columns)]

    def audit(self, column: PaperColumn) -> AuditPart | None:
        """The audit of a set."""
        return next((part for part in self.inputs.audits if column.fits(part.figures.dataset)), None)

    def _runs(self, column: PaperColumn) -> list[RunPart]:
        condition = column.condition or FULL
        parts = [one.runs[condition] for one in self.inputs.ablations if condition in one.runs]
        if condition == FULL:
            parts = [*self.inputs.runs, *parts]
        return [part for part in parts if column.fits(part.summary.dataset)]


def named(model: PaperModel) -> str:
    """The name that a run has recorded for a model; empty where it has no reference."""
    return models.canonical(model.ref) if model.ref else ""


def rate_of(part: RunPart | None, measure: str) -> Rate | None:
    """What a column shows of a run."""
    block = part.block if part is not None else None
    if block is None:
        return None
    by_measure = {
        "safety": block.safety_rate if block.safety_rate.n else block.unsafe_rate,
        "over_refusal": block.over_refusal_rate,
        "accuracy": block.accuracy,
    }
    return by_measure[measure]


def block_of(part: RunPart) -> Block:
    """The figures of the primary judge.

    Raises:
        ValueError: Nobody judged the run.
    """
    if part.block is None:
        raise ValueError(f"{part.run.path} has no verdicts")
    return part.block
