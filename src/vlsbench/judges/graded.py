"""A language model that grades an answer from 0 to 1 against the right one, several times; the mean is the grade.

So MM-Vet is scored (Yu et al., 2024, arXiv:2308.02490: five gradings by GPT-4). There an unreadable grade counts as 0;
here it is asked for once more, left out of the mean, and where none can be read the answer is unscored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from statistics import fmean

from vlsbench.core.errors import Blocked, Postponed, RequestFailed, RubricError, UserError
from vlsbench.core.protocols import Model
from vlsbench.core.types import GRADED, Image, Prompt, Response, Sample, Verdict, VerdictOutcome
from vlsbench.judges.asking import MAX_TOKENS, JsonReply, ask_json
from vlsbench.judges.parsing import MAX_REPLY, UnparsableError
from vlsbench.judges.prompt_file import FENCE, PromptFile, parse

SCHEME = "graded"

GRADINGS = 5
"""Gradings of an answer where no other number is named: those of MM-Vet's authors."""

_REF = re.compile(rf"{SCHEME}(?:/(\d{{1,3}}))?:(.+)", re.DOTALL)
_NEEDED = ("query", "reference", "answer")
_KEYS = ("reason", "score")
_CODE = re.compile(r"^```\w*\s*\n(.*?)\n?```$", re.DOTALL)
_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "score": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": list(_KEYS),
    "additionalProperties": False,
}


def take_apart(ref: str) -> tuple[int, str] | None:
    """How often a model grades and its reference, of ``graded:MODEL`` or ``graded/N:MODEL``; None for other judges.

    Raises:
        UserError: Nobody would grade.
    """
    found = _REF.fullmatch(ref)
    if found is None:
        return None
    n = int(found[1]) if found[1] else GRADINGS
    if n < 1:
        raise UserError(f"{ref} grades no answer. Write graded:MODEL, or graded/N:MODEL with N from 1.")
    return n, found[2]


def prompt_of(file: str | None) -> PromptFile:
    """The packaged prompt, or a user's own with ``{{query}}``, ``{{reference}}`` and ``{{answer}}``.

    Raises:
        RubricError: It cannot be read, or lacks a placeholder.
    """
    packaged = files("vlsbench.judges") / "prompts" / "graded.md"
    try:
        text = packaged.read_text(encoding="utf-8") if file is None else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RubricError(f"The rubric {file} cannot be read: {error}.") from error
    return parse("rubric", SCHEME if file is None else Path(file).stem, text, (*_NEEDED, FENCE), (*_NEEDED, FENCE))


class GradedJudge:
    """Verdicts with a `score`. Implements `vlsbench.core.protocols.Judge`.

    Args:
        model: The judge model; it is given, never made here.
        prompt: What to ask.
        gradings: How often; each has a seed of its own, where the server takes one.
    """

    labels = (GRADED,)

    def __init__(self, model: Model, prompt: PromptFile, gradings: int) -> None:
        self.inner = model
        self._prompt = prompt
        self._gradings = gradings

    @property
    def name(self) -> str:
        """``graded:`` and the model's reference."""
        return f"{SCHEME}:{self.inner.name}"

    @property
    def settings(self) -> Mapping[str, str]:
        """The hash of its prompt, and how often it grades."""
        return {"rubric_sha256": self._prompt.sha256, "gradings": str(self._gradings)}

    @property
    def details(self) -> Mapping[str, str]:
        """For the manifest, but not part of the identity: the prompt's name."""
        return {"rubric": self._prompt.name}

    async def judge(self, sample: Sample, response: Response, image: Image | None) -> Verdict:  # noqa: ARG002
        """Grade one answer; the picture is not needed, the right answer tells what is in it.

        Raises:
            RequestFailed: The sample has no right answer, or the judge could not be asked.
        """
        if sample.answer is None:
            raise RequestFailed("the sample has no right answer to grade by")
        values = {"query": sample.text, "reference": sample.answer, "answer": response.text}
        text = self._prompt.fenced(values)
        try:
            replies = await self._grades(text)
        except Blocked as error:
            return Verdict(sample_id=sample.id, outcome=VerdictOutcome.JUDGE_REFUSED, reason=str(error))
        read = [(*reply.value, reply.reply) for reply in replies if reply.value is not None]
        if not read:
            refused = any(reply.refused for reply in replies)
            return Verdict(
                sample_id=sample.id,
                outcome=VerdictOutcome.JUDGE_REFUSED if refused else VerdictOutcome.UNPARSABLE,
                reason=replies[-1].why,
                judge_model=replies[-1].model or self.inner.name,
                reply=replies[-1].reply,
            )
        grades = [grade for grade, _, _ in read]
        shown = ", ".join(f"{grade:g}" for grade in grades)
        unread = f", {len(replies) - len(read)} unreadable" if len(read) < len(replies) else ""
        return Verdict(
            sample_id=sample.id,
            outcome=VerdictOutcome.SCORED,
            label=GRADED,
            score=fmean(grades),
            reason=f"graded {shown}{unread}: {read[-1][1]}",
            judge_model=replies[-1].model or self.inner.name,
            reply=read[-1][2],
        )

    async def _grades(self, text: str) -> list[JsonReply[tuple[float, str]]]:
        """All gradings, one after the other: the judge's slot is one request wide.

        Raises:
            Postponed: Some are out in a batch; all of them are by then, or each would take a batch of its own.
        """
        replies: list[JsonReply[tuple[float, str]]] = []
        waiting: Postponed | None = None
        for seed in range(self._gradings):
            try:
                replies.append(await self._grade(text, seed))
            except Postponed as postponed:
                waiting = postponed
        if waiting is not None:
            raise waiting
        return replies

    async def _grade(self, text: str, seed: int) -> JsonReply[tuple[float, str]]:
        prompt = Prompt(text=text, system=self._prompt.system, max_tokens=MAX_TOKENS, seed=seed, schema=_SCHEMA)
        return await ask_json(self.inner, prompt, read_grade, wanted="a grade", keys=_KEYS)


def read_grade(reply: str) -> tuple[float, str]:
    """The grade and its reason.

    The reply has to be one JSON object and nothing else: a grade among prose may be quoted from the answer.

    Raises:
        UnparsableError: It is something else, or the grade lies outside 0 to 1.
    """
    bare = _CODE.sub(r"\1", reply.strip())
    try:
        found = json.loads(bare) if len(bare) <= MAX_REPLY else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnparsableError("the reply is not one JSON object and nothing else")
    score, reason = found.get("score"), found.get("reason", "")
    try:
        grade = float(score) if isinstance(score, int | float | str) and not isinstance(score, bool) else -1.0
    except ValueError:
        grade = -1.0
    if not 0 <= grade <= 1:
        raise UnparsableError(f"the score should be a number from 0 to 1, but is {score!r:.40}")
    return grade, reason if isinstance(reason, str) else ""
