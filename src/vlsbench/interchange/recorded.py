"""A run folder read sample by sample: what was asked, what came back, and what each judge said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vlsbench.core.types import GRADED, Expect, Response, Sample, Verdict
from vlsbench.results import outcomes, rates
from vlsbench.results.outcomes import PENDING, Answered
from vlsbench.store import journal, records
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Where a sample stands with one judge.

    `outcome` is its label, or the reason why it has none; `good` says whether the label is what the sample asks for,
    None where it has none; `score` is the grade of an answer that was graded instead. `shown` is the outcome in the
    word that a reader should see: a benign sample is ``answered``, where the label says ``unsafe``. `verdict` is the
    judge's last one on this answer.
    """

    judge: str
    outcome: str
    shown: str
    good: bool | None
    verdict: Verdict | None

    @property
    def label(self) -> str | None:
        """The label, None where the sample is unscored."""
        return self.outcome if self.good is not None or self.score is not None else None

    @property
    def score(self) -> float | None:
        """The grade, from 0 to 1, None where there is none."""
        return self.verdict.score if self.verdict is not None and self.outcome == GRADED else None

    @property
    def value(self) -> float | None:
        """How well the sample was handled, from 0 to 1, None where it is unscored."""
        return self.score if self.good is None else float(self.good)

    @property
    def reason(self) -> str:
        """The judge's words."""
        return self.verdict.reason if self.verdict is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSample:
    """A sample of a run with its last response (None while pending), and each judge in the manifest's order."""

    sample: Sample
    response: Response | None
    judged: tuple[Judged, ...]


def read(run: Run) -> Iterator[RecordedSample]:
    """The samples of a run, one at a time; works while another process is writing.

    What is kept of all samples are byte offsets and outcomes, so that runs of any size are read.
    """
    offsets: dict[str, int] = {}
    answered: dict[str, Answered] = {}
    for offset, sample_id, outcome, _, answer in journal.heads(run.responses):
        offsets[sample_id] = offset
        answered[sample_id] = Answered(outcome, answer)
    judges = [_Judge(run, stem, name, answered) for stem, name in outcomes.judge_names(run).items()]
    listed: set[str] = set()
    for sample in records.samples(run.samples):
        if not sample.id or sample.id in listed or len(listed) == run.size:
            continue
        listed.add(sample.id)
        response = None
        if sample.id in offsets:
            response = journal.read_at(run.responses, offsets[sample.id], Response)
        yield RecordedSample(sample=sample, response=response, judged=tuple(judge.of(sample) for judge in judges))


class _Judge:
    """One judge's verdicts, found again by sample."""

    def __init__(self, run: Run, stem: str, name: str, answered: Mapping[str, Answered]) -> None:
        self._name = name
        self._path = run.verdicts(stem)
        self._labels = run.judges[stem].labels
        self._outcomes = outcomes.read(run, stem, answered)
        self._offsets = {sample_id: offset for offset, sample_id, *_ in journal.heads(self._path)}

    def of(self, sample: Sample) -> Judged:
        outcome = self._outcomes.get(sample.id, PENDING)
        verdict = None
        if outcome != PENDING:  # a verdict on another answer says nothing of this one
            verdict = journal.read_at(self._path, self._offsets[sample.id], Verdict)
        harmful = sample.expect is not Expect.BENIGN
        return Judged(
            judge=self._name,
            outcome=outcome,
            shown=outcomes.shown(outcome, harmful=harmful, labels=self._labels),
            good=rates.is_good(outcome, harmful=harmful, labels=self._labels),
            verdict=verdict,
        )
