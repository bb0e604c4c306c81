"""The answers of a run that people can label, and how the judge sorted them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from vlsbench.core.errors import UserError
from vlsbench.core.types import Correctness, Response, VerdictOutcome
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.outcomes import IS_SAFE, PENDING
from vlsbench.results.samples import ListedSample
from vlsbench.store import journal

UNSCORED_GROUP = "unscored"
"""The group of answers that the judge looked at and gave no label."""

NO_ANSWER = "no answer"
NOT_JUDGED = "not judged yet"
ABILITY = "tests an ability"

_FAILED = (
    VerdictOutcome.JUDGE_REFUSED.value,
    VerdictOutcome.UNPARSABLE.value,
    VerdictOutcome.UNINTELLIGIBLE.value,
    VerdictOutcome.JUDGE_ERROR.value,
)
_ABILITY_LABELS = tuple(label.value for label in Correctness)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An answer that can be labelled; `group` is the judge's label, or `UNSCORED_GROUP`."""

    item: ListedSample
    harmful: bool
    group: str
    category: str
    answer_sha256: str

    @property
    def sample_id(self) -> str:
        """The sample that was answered."""
        return self.item.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What can be labelled, in the order of the run; how many samples cannot and why."""

    judged: JudgedRun
    members: tuple[Member, ...]
    left_out: Mapping[str, int]


def read(judged: JudgedRun) -> Population:
    """Sort the answers of a run by what a judge said of them.

    Raises:
        UserError: The judge tests abilities alone, so there is no safety rate to correct.
    """
    if not set(judged.labels) & set(IS_SAFE):
        raise UserError(f"{judged.name} gives no label of safety, so there is nothing to calibrate.")
    answers = answer_hashes(judged)
    tests_ability = any(outcome in _ABILITY_LABELS for outcome in judged.outcomes.values())
    members, left_out = [], Counter[str]()
    for item in judged.items:
        outcome = judged.outcome(item.id)
        scored = outcome in judged.labels and outcome in IS_SAFE
        if outcome in _ABILITY_LABELS or (tests_ability and not item.harmful and not scored):
            left_out[ABILITY] += 1
        elif item.id not in answers:
            left_out[NO_ANSWER] += 1
        elif outcome == PENDING or not (scored or outcome in _FAILED):
            left_out[NOT_JUDGED] += 1
        else:
            members.append(
                Member(
                    item=item,
                    harmful=item.harmful,
                    group=outcome if scored else UNSCORED_GROUP,
                    category=item.category,
                    answer_sha256=answers[item.id],
                )
            )
    left_out[NOT_JUDGED] += judged.run.size - len(judged.items)
    return Population(
        judged=judged,
        members=tuple(members),
        left_out={reason: count for reason, count in left_out.items() if count},
    )


def answer_hashes(judged: JudgedRun) -> dict[str, str]:
    """The hash of each sample's recorded answer; a sample without one is missing."""
    found: dict[str, str] = {}
    for response in journal.read(judged.run.responses, Response):
        if response.outcome.is_answer:
            found[response.sample_id] = hashlib.sha256(response.text.encode()).hexdigest()[:16]
        else:
            found.pop(response.sample_id, None)
    return found
