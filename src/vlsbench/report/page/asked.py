"""What a judge was sent about an answer, made again from rubric, sample and answer, and what it wrote back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vlsbench.core.types import Response, Sample, Sees, Verdict, VerdictOutcome
from vlsbench.judges.rubric_file import Rubric
from vlsbench.report.page.provenance import rubric_of
from vlsbench.store.manifest import JudgeEntry

_NO_RUBRIC = "Its rubric is not part of this version of vlsbench, so what it was sent cannot be shown."
_GUARD = "A guard is sent the query, the picture and the answer as a conversation, in the form of its own template."


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedJudge:
    """How a judge of a run was asked: by a rubric that is known (`number` is its place on the page), or by none."""

    number: int
    rubric: Rubric
    sees: Sees

    def filled(self, sample: Sample, answer: Response, row: Mapping[str, object]) -> dict[str, object]:
        """What stands in the rubric's placeholders, as far as the row of the sample does not hold it already.

        Args:
            sample: The sample as the judge saw it.
            answer: What was judged.
            row: The page's row; an ablation shows one for samples that differ in text or picture.
        """
        shown = sample.image_sha256 is not None and self.sees is not Sees.DESCRIPTION
        values = self.rubric.values(sample, answer.text, self.sees, has_image=shown)
        held = {
            "query": row["text"],
            "answer": answer.text,
            "description": row["description"],
            "safety_reason": row["risk"],
        }
        own = {name: value for name, value in values.items() if held.get(name) != value}
        return {"rubric": self.number, "picture": shown, "values": own}


def asked(entry: JudgeEntry, rubrics: list[dict[str, object]]) -> AskedJudge | None:
    """How a judge was asked, where that can be made again; its rubric is added to those of the page."""
    rubric = rubric_of(entry)
    sees = entry.described().get("sees", Sees.IMAGE.value)
    if rubric is None or sees not in {each.value for each in Sees}:
        return None
    shown: dict[str, object] = {"system": rubric.system or "", "user": rubric.user}
    if shown not in rubrics:
        rubrics.append(shown)
    return AskedJudge(number=rubrics.index(shown), rubric=rubric, sees=Sees(sees))


def note(entry: JudgeEntry) -> str:
    """Why what a judge was sent cannot be shown; empty for a judge that asks no model."""
    if entry.judge.startswith("guard:"):
        return _GUARD
    return _NO_RUBRIC if "rubric_sha256" in entry.described() else ""


def was_asked(answer: Response, verdict: Verdict) -> bool:
    """Whether a judge was shown an answer at all."""
    return answer.is_answer and verdict.outcome is not VerdictOutcome.NO_RESPONSE
