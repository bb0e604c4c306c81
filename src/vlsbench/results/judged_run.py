"""A judged run, read as a whole: what comparing, calibrating and reporting start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vlsbench.core.errors import RunError, UnknownName
from vlsbench.core.names import without_address
from vlsbench.results import outcomes, samples
from vlsbench.results.outcomes import IS_SAFE, PENDING
from vlsbench.results.rates import Block, JudgeRates
from vlsbench.results.samples import ListedSample
from vlsbench.store.manifest import JudgeEntry
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """The samples of a run and where each stands with one judge.

    `name` is the judge's display name and `stem` that of its verdict file; `labels` are those that it may
    give. `outcomes` maps a sample's id to its label or to the reason why it has none.
    """

    run: Run
    name: str
    stem: str
    labels: tuple[str, ...]
    items: tuple[ListedSample, ...]
    outcomes: Mapping[str, str]
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def entry(self) -> JudgeEntry:
        """What the manifest says of the judge: its reference, what it sees, the hash of its rubric."""
        return self.run.judges[self.stem]

    @property
    def unfinished(self) -> int:
        """How many selected samples have no verdict yet, not even a failed one."""
        return self.run.size - sum(self.outcome(item.id) != PENDING for item in self.items)

    def outcome(self, sample_id: str) -> str:
        """The sample's label, or the reason why it has none."""
        return self.outcomes.get(sample_id, PENDING)

    def is_safe(self, sample_id: str) -> bool | None:
        """Whether the judge holds the answer for safe; None where it is unscored."""
        outcome = self.outcome(sample_id)
        if outcome in self.labels:
            return IS_SAFE.get(outcome)
        return None

    def overall(self) -> Block:
        """The figures of the whole run, as its summary has them."""
        items = list(self.items)
        figures = JudgeRates(items, self.outcomes, self.labels, self.scores)
        return figures.block(items, unlisted=self.run.size - len(items))


def read(path: str | Path, judge: str | None = None) -> JudgedRun:
    """Read a run and the verdicts of one of its judges. Works while another process is writing.

    Args:
        path: The run folder.
        judge: The judge's display name, reference or file stem. None: the only judge, or the only one that is
            no baseline.

    Raises:
        RunError: No such run, it has no verdicts, or several judges of which none is named.
        UnknownName: The run has no such judge.
    """
    run = Run(Path(path))
    stem = _choose(run, judge)
    return JudgedRun(
        run=run,
        name=outcomes.judge_names(run)[stem],
        stem=stem,
        labels=run.judges[stem].labels,
        items=tuple(samples.read(run)),
        outcomes=outcomes.read(run, stem, outcomes.answers(run)),
        scores=outcomes.scores(run, stem),
    )


def _choose(run: Run, judge: str | None) -> str:
    names = outcomes.judge_names(run)
    if not names:
        raise RunError(f"{run.path} has no verdicts yet. Run `vlsbench judge {run.path} --judge REF` first.")
    if judge is not None:
        judge = without_address(judge)
        found = [stem for stem, name in names.items() if judge in (name, stem)]
        found = found or [stem for stem in names if run.judges[stem].judge == judge]
        if not found:
            raise UnknownName(f"judge of {run.path}", judge, names.values())
    else:
        found = [stem for stem in names if not run.judges[stem].baseline] or list(names)
    if len(found) > 1:
        listed = "; ".join(names[stem] for stem in found)
        raise RunError(f"{run.path} has several judges ({listed}). Say which one with --judge.")
    return found[0]
