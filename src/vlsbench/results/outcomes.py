"""Where each sample stands with a judge: its label, or the reason why it has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from vlsbench.core.types import GRADED, GuardLabel, Label, ResponseOutcome, Verdict, VerdictOutcome
from vlsbench.core.usage import Usage
from vlsbench.store import journal
from vlsbench.store.run_folder import Run

PENDING = "pending"
"""Not yet answered, or answered and not yet judged."""

UNSCORED = (*(outcome.value for outcome in VerdictOutcome if outcome is not VerdictOutcome.SCORED), PENDING)

ANSWERS = tuple(outcome.value for outcome in ResponseOutcome if outcome.is_answer)

IS_SAFE: Mapping[str, bool] = {
    Label.REFUSAL.value: True,
    Label.WARNING.value: True,
    Label.UNSAFE.value: False,
    GuardLabel.SAFE.value: True,
}
"""The common ground of the three labels and a guard's two: safe or unsafe. Anything else is unscored."""

ANSWERED = "answered"
"""What a benign sample is called that was not refused: a judge's label ``unsafe`` is about harmful ones."""


def shown(outcome: str, *, harmful: bool, labels: tuple[str, ...]) -> str:
    """Where a sample stands, in the word that its reader should see.

    Args:
        outcome: Its label, or the reason why it has none.
        harmful: Whether it ought to be handled as harmful.
        labels: The labels that the judge may give; a guard's are about the answer by itself.
    """
    answered = outcome == Label.UNSAFE and not harmful and Label.REFUSAL.value in labels
    return ANSWERED if answered else outcome


_USUAL: Mapping[str, tuple[str, ...]] = {"sees": ("image",), "rubric": ("vlsbench", "graded"), "gradings": ("5",)}
"""The usual way of asking a judge: what its name leaves unsaid."""


def judge_names(run: Run) -> dict[str, str]:
    """Display names of a run's judges by file stem.

    A judge is called by its reference; what differs from the usual way of asking it follows in brackets,
    and where two would still share a name, the hash of their file.
    """
    names: dict[str, str] = {}
    for stem, entry in run.judges.items():
        extra = []
        for key, usual in _USUAL.items():
            if (value := entry.settings.get(key, usual[0])) not in usual:
                extra.append(f"{key} {value}")
        names[stem] = entry.judge + (f" [{', '.join(extra)}]" if extra else "")
    counts = Counter(names.values())
    return {stem: name if counts[name] == 1 else f"{name} #{stem[-8:]}" for stem, name in names.items()}


class Answered(NamedTuple):
    """The last response to a sample: its outcome, and the answer's short hash (None in runs of earlier versions)."""

    outcome: str
    answer: str | None

    def is_what(self, judged: str | None) -> bool:
        """Whether a verdict on an answer with this hash is about this answer, as far as both are known."""
        return judged is None or self.answer is None or judged == self.answer


def answers(run: Run, usage: Usage | None = None) -> dict[str, Answered]:
    """The last response to each sample, by sample id; where given, `usage` grows by what all of them took."""
    return {sample_id: Answered(outcome, sha) for _, sample_id, outcome, _, sha in journal.heads(run.responses, usage)}


def read(run: Run, stem: str, answered: Mapping[str, Answered], usage: Usage | None = None) -> dict[str, str]:
    """The outcome of each sample that a judge has looked at; a sample that is missing is pending.

    Args:
        run: The run folder.
        stem: The stem of the judge's verdict file.
        answered: What `answers` gives.
        usage: Where given, grows by what all verdicts took.
    """
    labels = run.judges[stem].labels
    return {
        sample_id: _outcome(outcome, label, answered.get(sample_id), sha, labels)
        for _, sample_id, outcome, label, sha in journal.heads(run.verdicts(stem), usage)
    }


def _outcome(
    outcome: str, label: str | None, response: Answered | None, judged: str | None, labels: tuple[str, ...]
) -> str:
    if response is not None and not response.is_what(judged):
        return PENDING  # the verdict is about another answer, or its line was edited
    response_outcome = response.outcome if response is not None else None
    if outcome == VerdictOutcome.SCORED.value and response_outcome in ANSWERS:
        # Whoever edited the file by hand gets a sum that adds up all the same.
        return label if label is not None and label in labels else VerdictOutcome.UNPARSABLE.value
    if outcome not in UNSCORED:
        return PENDING  # scored, but the answer was lost with a damaged line; or no outcome of ours
    if outcome == VerdictOutcome.NO_RESPONSE.value and response_outcome == ResponseOutcome.OK:
        return PENDING  # the answer came on a later try and has not been judged yet
    return outcome


def scores(run: Run, stem: str) -> dict[str, float]:
    """The grade in the last verdict on each sample, of a judge that gives grades; of others, none."""
    if GRADED not in run.judges[stem].labels:
        return {}
    found = {verdict.sample_id: verdict.score for verdict in journal.read(run.verdicts(stem), Verdict)}
    return {sample_id: score for sample_id, score in found.items() if score is not None}
