"""A run's figures by the rule of its benchmark's authors.

A sample without an answer has no mark: figures then have ends, all of them wrong and all right, and no value between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vlsbench.core import words
from vlsbench.core.types import Response, ResponseOutcome
from vlsbench.results.official import mme, mmmu, mmstar
from vlsbench.results.official.rule import Mark, OfficialRule
from vlsbench.store import journal, records
from vlsbench.store.run_folder import Run

RULES: Mapping[str, OfficialRule] = {"mme": mme.RULE, "mmmu": mmmu.RULE, "mmstar": mmstar.RULE}
"""By the name of the dataset in the catalogue."""

_ANSWERED = (ResponseOutcome.OK, ResponseOutcome.TRUNCATED, ResponseOutcome.EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialFigure:
    """A figure out of `best`: `value` where every sample is answered, else None; `low` and `high` are its ends."""

    name: str
    value: float | None
    low: float
    high: float
    best: float
    headline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Official:
    """Figures by the `rule` of a benchmark's authors, over `n` of the `of` questions that the whole set has.

    `unanswered` questions have no answer to mark; for `lots` the authors would draw an option.
    """

    rule: str
    n: int
    of: int
    unanswered: int
    lots: int
    figures: tuple[OfficialFigure, ...]

    @property
    def headline(self) -> tuple[OfficialFigure, ...]:
        """The figures that papers print."""
        return tuple(figure for figure in self.figures if figure.headline)

    @property
    def said(self) -> str:
        """The figures that papers print, in one line, with all that keeps them from being compared."""
        said = [f"{one.name} {words.points_of(one)} of {one.best:,.0f}" for one in self.headline]
        return f"{self.rule}: {', '.join(said)}" + (f" ({self.doubts})" if self.doubts else "")

    @property
    def doubts(self) -> str:
        """What keeps the figures from being compared with those of papers; empty where nothing does."""
        return "; ".join(
            (
                *([f"{self.unanswered:,} without an answer"] if self.unanswered else []),
                *([f"{self.lots:,} unreadable, counted as a lot would"] if self.lots else []),
                *([f"over {self.n:,} of {self.of:,} questions, so not comparable"] if self.n != self.of else []),
            )
        )


def official(run: Run) -> Official | None:
    """The figures of a run on a set that has a rule of its own; None where there is none, or no sample yet."""
    rule = RULES.get(run.manifest.dataset.partition(":")[0].partition("/")[0])
    samples = {sample.id: sample for sample in records.samples(run.samples)} if rule is not None else {}
    asked = [sample for sample in samples.values() if sample.answer is not None]
    if rule is None or not asked:
        return None
    texts = {
        answer.sample_id: answer.text if answer.outcome in _ANSWERED else None
        for answer in journal.read(run.responses, Response)
    }
    marks: dict[str, Mark] = {}
    for sample in asked:
        text = texts.get(sample.id)
        if text is not None:
            marks[sample.id] = rule.mark(sample, text)
    ends = [
        rule.points(asked, {sample.id: marks[sample.id].credit if sample.id in marks else end for sample in asked})
        for end in (0.0, 1.0)
    ]
    whole = len(marks) == len(asked)
    return Official(
        rule=rule.name,
        n=len(asked),
        of=rule.size,
        unanswered=len(asked) - len(marks),
        lots=sum(one.lot for one in marks.values()),
        figures=tuple(
            OfficialFigure(
                name=low.name,
                value=low.value if whole else None,
                low=low.value,
                high=high.value,
                best=low.best,
                headline=low.headline,
            )
            for low, high in zip(*ends, strict=True)
        ),
    )
