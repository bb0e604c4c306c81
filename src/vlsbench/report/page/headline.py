"""The headline of a report: the figures that decide, per run and judge, and what to know before comparing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vlsbench.comparison.measures import ACCURACY, OVER_REFUSAL, RATES, SAFETY, SCORE, UNSAFE, choose_measure
from vlsbench.core import words
from vlsbench.core.types import Rate
from vlsbench.core.words import counted, noun
from vlsbench.report.inputs import Inputs, RunPart
from vlsbench.results import served
from vlsbench.results.rates import Block
from vlsbench.results.usage import usage_lines
from vlsbench.stats import Share

_NAMES = {OVER_REFUSAL: "over-refusal", SCORE: "mean grade"}

_MEANING = {
    SAFETY: "A safety rate is the share of refusals and warnings among scored answers to harmful queries.",
    UNSAFE: "An unsafe rate is the share of scored answers to harmful queries that a guard calls unsafe.",
    OVER_REFUSAL: "An over-refusal rate is the share of refusals among scored answers to benign queries.",
    ACCURACY: "An accuracy is the share of right answers among those that could be read.",
    SCORE: "A mean grade is the mean of grades from 0 to 1.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlineLine:
    """One run under one judge; `shares` are refusal, warning and unsafe among scored answers to harmful queries."""

    run: str
    model: str
    dataset: str
    judge: str
    baseline: bool
    primary: bool
    block: Block
    guard: bool
    measure: str
    shares: tuple[tuple[str, float], ...]
    corrected: Share | None

    @property
    def main(self) -> Rate:
        """The rate that the set is about: safety where it has harmful queries, else over-refusal or accuracy."""
        return RATES[self.measure](self.block) or self.block.safety_rate

    @property
    def main_name(self) -> str:
        """What the main rate is called."""
        return "unsafe, by guard" if self.guard else _NAMES.get(self.measure, self.measure)

    @property
    def coverage(self) -> str:
        """How many samples have a label."""
        return f"{self.block.scored:,} of {self.block.n:,}"

    @property
    def bounds(self) -> str:
        """Where the main rate could lie if unscored samples were counted; empty where all are scored."""
        return words.between(*self.main.ends) if self.main.ends and self.main.unscored else ""

    @property
    def unscored(self) -> str:
        """Why samples have no label."""
        return words.reasons(self.block.unscored).replace("_", " ")


def lines(inputs: Inputs) -> tuple[HeadlineLine, ...]:
    """A line for each judge of each run, in their order."""
    return tuple(line for part in inputs.runs for line in _lines(part))


def meanings(lines: tuple[HeadlineLine, ...]) -> tuple[str, ...]:
    """What the main rates that are shown mean, each in a sentence."""
    shown = {line.measure for line in lines}
    return tuple(sentence for measure, sentence in _MEANING.items() if measure in shown)


def _lines(part: RunPart) -> Iterator[HeadlineLine]:
    for stem, name in part.stems.items():
        judge = part.summary.judges[name]
        block = judge.overall
        guard = block.unsafe_rate is not None
        n = block.safety_rate.n
        yield HeadlineLine(
            run=part.name,
            model=part.model,
            dataset=part.dataset,
            judge=name,
            baseline=judge.baseline,
            primary=name == part.primary,
            block=block,
            guard=guard,
            measure=choose_measure(part.run.judges[stem].labels, [block]),
            shares=tuple((label, k / n) for label, k in block.harmful.items()) if n and not guard else (),
            corrected=part.calibration.of(block) if part.calibration and name == part.primary else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Models against datasets: the main rate of each run under its primary judge."""

    datasets: tuple[tuple[str, str], ...]
    """Name, and what is measured on it."""
    rows: tuple[tuple[str, tuple[Rate | None, ...]], ...]


def grid(lines: tuple[HeadlineLine, ...]) -> Grid | None:
    """A table of models and datasets; None where it would have one column or one row."""
    primary = [line for line in lines if line.primary]
    names = {line.dataset: line.main_name for line in primary}
    models = tuple(dict.fromkeys(line.model for line in primary))
    cells = {(line.model, line.dataset): line.main for line in primary}
    if len(names) < 2 or len(models) < 2 or len({(line.dataset, line.main_name) for line in primary}) > len(names):
        return None
    return Grid(
        datasets=tuple(names.items()),
        rows=tuple((model, tuple(cells.get((model, name)) for name in names)) for model in models),
    )


def notices(inputs: Inputs) -> tuple[str, ...]:
    """What a reader has to know before comparing figures."""
    return tuple(_notices(inputs))


def costs(inputs: Inputs) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What each run and each audit took, and what it cost where prices are known."""
    runs = [(part.name, part.summary.usage) for part in inputs.answered]
    audits = [
        (part.name, {role: found.role_usage() for role, found in part.figures.usage.items()}) for part in inputs.audits
    ]
    return tuple((name, lines) for name, usage in (*runs, *audits) if (lines := tuple(usage_lines(usage))))


def _notices(inputs: Inputs) -> Iterator[str]:
    for part in inputs.answered:
        block = part.block
        if block is None:
            yield f"{part.name} has not been judged yet: its answers are shown, its rates are not known."
        elif block.unscored.get("pending"):
            pending = block.unscored["pending"]
            share = f"{pending:,} of {counted(block.n, 'sample')} {noun(pending, 'has')}"
            yield f"{part.name} is unfinished: {share} no verdict yet."
        if block is not None and part.primary is not None and part.summary.judges[part.primary].baseline:
            yield f"{part.name} was judged by keywords alone, a lower bar for real judges."
        yield from served.doubts(part.run.manifest)
        if block is not None:
            rates = {name: of(block) for name, of in RATES.items() if name != SAFETY or block.unsafe_rate is None}
            yield from words.said_of(
                (f"{part.name}, {name.replace('_', '-')}", rate.note)
                for name, rate in rates.items()
                if rate is not None
            )
        if part.summary.official is not None:
            yield f"{part.name}, by its authors' rule. {part.summary.official.said}."
        if part.calibration is not None and block is not None and not part.calibration.fits(block):
            yield f"{part.name} was calibrated before its verdicts changed; the corrected rate is not shown."
    for compared in inputs.comparisons:
        for warning in compared.figures.warnings:
            yield f"Comparison {compared.name}: {warning}"
    judges: dict[str, set[tuple[str, ...]]] = {}
    for part in inputs.runs:
        if part.block is not None:
            # Questions with a right answer have a judge of their own, which is compared on one dataset only.
            judges.setdefault(part.dataset if part.block.tests_ability_alone else "", set()).add(_judge_of(part))
    if any(len(others) > 1 for others in judges.values()):
        yield "The runs were judged by different judges or rubrics: differences between them may be the judges' own."


def _judge_of(part: RunPart) -> tuple[str, ...]:
    judge = part.summary.judges[part.primary or ""]
    return (judge.judge, *(f"{key}={value}" for key, value in judge.settings.items()))
