"""Aligned models beside the model that they were made from: what alignment gave, and what it cost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vlsbench.comparison.compare import Comparison, RunFigures, compare
from vlsbench.comparison.measures import RATES
from vlsbench.core.errors import UserError
from vlsbench.core.names import slug
from vlsbench.core.types import Rate
from vlsbench.datasets import ANSWERS, takes_grades, usual_judge
from vlsbench.judges import graded, is_offline
from vlsbench.models import canonical
from vlsbench.results.missing import Missing
from vlsbench.results.official import OfficialFigure, official
from vlsbench.results.summary import Summary
from vlsbench.run.evaluate import evaluate
from vlsbench.run.loading import Effort
from vlsbench.stats import Paired
from vlsbench.store.run_folder import Run

Log = Callable[[str], None]

_GRADES = "mean grade, times 100"
"""How the authors of sets that are graded count. Grades are not compared sample by sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One measure of one aligned model on one dataset.

    `before` and `after` are the rates of base and model on the samples that both were asked; `paired` is after minus
    before on those that both have scored. `p_holm` and `missing` are those of `compare` on the dataset's runs: adjusted
    for every two of them, so that both commands say the same.
    """

    dataset: str
    judge: str
    model: str
    measure: str
    before: Rate
    after: Rate
    paired: Paired
    p_holm: float | None
    missing: Missing

    def to_json(self) -> dict[str, object]:
        """The change as ``vlsbench align compare --json`` lists it."""
        found = asdict(self)
        del found["missing"]
        return found | self.missing.to_json()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialChange:
    """A figure by the rule of a dataset's authors, of base and model."""

    dataset: str
    model: str
    rule: str
    before: OfficialFigure
    after: OfficialFigure


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfter:
    """All changes from one base, by dataset, model and measure. `judge` is that of the first dataset."""

    base: str
    judge: str
    changes: tuple[Change, ...]
    official: tuple[OfficialChange, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The object of ``vlsbench align compare --json``."""
        return {
            "base": self.base,
            "judge": self.judge,
            "changes": [change.to_json() for change in self.changes],
            "official": [asdict(change) for change in self.official],
        }


def before_after(
    base: str,
    models: Sequence[str],
    datasets: Sequence[str],
    *,
    judge: str | None,
    out: Path,
    max_tokens: int = 128,
    limit: int | None = None,
    effort: Effort | None = None,
    log: Log = lambda _line: None,
) -> BeforeAfter:
    """Evaluate a base and models that were made from it on the same datasets, and compare pairwise.

    Args:
        base: The reference of the model before.
        models: References of the models after.
        datasets: Dataset references.
        judge: The judge; sets of questions with a right answer have theirs all the same (`choice`), and the same model
            grades where answers are graded. None: each dataset's usual one.
        out: Where the run folders go; those that are there are continued.
        max_tokens: Length limit of an answer.
        limit: Only the first so many samples of each.
        effort: Concurrency, keys, how local models are loaded.
        log: Takes lines of progress.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out; the same call continues.
    """
    if not models or not datasets:
        raise UserError("Name at least one aligned model and one dataset.")
    judges = [_judge_of(dataset, judge) for dataset in datasets]  # before anything is evaluated for nothing
    changes: list[Change] = []
    figures: list[OfficialChange] = []
    for dataset, asked in zip(datasets, judges, strict=True):
        runs, made = [], []
        for model in (*models, base):
            log(f"evaluating {model} on {dataset}")
            folder = _folder(out, model, dataset)
            summary = evaluate(
                model=model, dataset=dataset, judge=asked, out=folder, max_tokens=max_tokens, limit=limit, effort=effort
            )
            runs.append(folder)
            made.append(summary)
        if graded.take_apart(asked):
            figures += _grades(made, dataset, models)
            continue
        # By the judge that was asked: a folder may hold verdicts of others.
        found = compare(runs, by="none", judge=asked if len(Run(runs[0]).judges) > 1 else None)
        changes += _changes(found, dataset, models)
        figures += _official(runs, dataset, models)
    first = changes[0].judge if changes else judges[0]
    return BeforeAfter(base=base, judge=first, changes=tuple(changes), official=tuple(figures))


def _judge_of(dataset: str, judge: str | None) -> str:
    usual = usual_judge(dataset)
    grading = graded.take_apart(judge) if judge is not None else None
    if takes_grades(dataset):
        if judge is None or is_offline(judge) or judge.startswith("guard:"):
            raise UserError(
                f"Answers to {dataset} are graded by a model: --judge graded:MODEL, which judges datasets about safety "
                "as MODEL does; or compare on this dataset in a command of its own."
            )
        return judge if grading else f"{graded.SCHEME}:{judge}"
    asked = grading[1] if grading else judge
    found = usual if asked is None or usual == ANSWERS else asked
    if found is None:
        raise UserError(f"Name the judge for {dataset}: --judge JUDGE.")
    return found


def _grades(made: Sequence[Summary], dataset: str, models: Sequence[str]) -> list[OfficialChange]:
    *after, before = map(_mean_grade, made)
    return [
        OfficialChange(dataset=dataset, model=model, rule=_GRADES, before=before, after=one)
        for model, one in zip(models, after, strict=True)
    ]


def _mean_grade(made: Summary) -> OfficialFigure:
    """As for other figures of authors there is no value where a sample is missing, only its ends."""
    score = made.judges[made.latest or ""].overall.score
    low, high = score.ends if score is not None and score.ends is not None else (0.0, 1.0)
    return OfficialFigure(
        name="mean grade",
        value=100 * score.value if score is not None and score.value is not None and not score.unscored else None,
        low=100 * low,
        high=100 * high,
        best=100.0,
        headline=True,
    )


def _official(runs: Sequence[Path], dataset: str, models: Sequence[str]) -> list[OfficialChange]:
    *after, before = (official(Run(folder)) for folder in runs)
    return [
        OfficialChange(dataset=dataset, model=model, rule=before.rule, before=one, after=other)
        for model, found in zip(models, after, strict=True)
        if before is not None and found is not None
        for one, other in zip(before.headline, found.headline, strict=True)
    ]


def _changes(found: Comparison, dataset: str, models: Sequence[str]) -> list[Change]:
    last = len(models)  # the base stands last, so that differences are after minus before
    return [
        Change(
            dataset=dataset,
            judge=found.judge,
            model=models[each.first],
            measure=each.measure,
            before=_rate(found.runs[last], each.measure),
            after=_rate(found.runs[each.first], each.measure),
            paired=each.paired,
            p_holm=each.p_holm,
            missing=each.missing,
        )
        for each in found.differences
        if each.second == last and each.group is None
    ]


def _rate(run: RunFigures, measure: str) -> Rate:
    rate = RATES[measure](run.overall)
    assert rate is not None  # noqa: S101 - a measure with units has a rate
    return rate


def _folder(out: Path, model: str, dataset: str) -> Path:
    """The run folder of a model on a dataset; earlier versions called a model by its server's address, too."""
    named, before = (out / f"{slug(ref)}-{slug(dataset)}-{_digest(ref, dataset)}" for ref in (canonical(model), model))
    return before if before.exists() else named


def _digest(*parts: str) -> str:
    """Folders of the same name in different places stay apart."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
