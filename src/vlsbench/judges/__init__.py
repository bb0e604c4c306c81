"""Turns a judge reference into a `Judge`: rubrics, guards, baselines, and how a verdict is read.

A judge that asks a model is given one; it never loads it. Whether a label is good is for `results`.
"""

from __future__ import annotations

from collections.abc import Callable

from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.protocols import Judge, Model
from vlsbench.core.types import Sees
from vlsbench.judges import graded

OFFLINE = ("refusal", "template", "choice")
"""Judges that ask no model: the keyword baseline, the exact judge of the miniature world, and that of right answers."""


_GUARD = "guard:"


def is_offline(ref: str) -> bool:
    """Whether a judge reference names a judge that asks no model."""
    return ref in OFFLINE


def needs_right_answers(ref: str) -> bool:
    """Whether a judge reference names one that compares answers with the right ones, which samples have to hold."""
    return ref == "choice" or graded.take_apart(ref) is not None


def model_ref(ref: str) -> str | None:
    """The reference of the model that a judge asks, or None where it asks none.

    Raises:
        UnknownName: Neither a judge nor a model reference.
    """
    if is_offline(ref):
        return None
    if ":" not in ref:
        known = (*OFFLINE, "openai:NAME", "openai:NAME@URL", "hf:REPO", "guard:MODEL", "graded:MODEL")
        raise UnknownName("judge", ref, known)
    if (grading := graded.take_apart(ref)) is not None:
        return grading[1]
    return ref.removeprefix(_GUARD)


def load(ref: str, *, sees: Sees, rubric: str | None, model: Callable[[str], Model]) -> Judge:
    """The judge a reference names.

    Args:
        ref: ``refusal``, ``template`` or ``choice``; a model reference (a language model with a rubric);
            ``guard:`` and the reference of a guard model; or ``graded:`` and that of a model that grades.
        sees: What a model judge is shown.
        rubric: A packaged rubric's name or a file; None for the default.
        model: Makes the model of a model reference.

    Raises:
        UnknownName: Neither a judge nor a model reference.
        RubricError: The rubric cannot be used.
        UserError: A judge without a rubric was given one, or was asked to see something that it cannot.
    """
    asked = model_ref(ref)
    if asked is None and (sees is not Sees.IMAGE or rubric is not None):
        raise UserError(f"The judge {ref} reads the answer alone: leave out --judge-sees and --rubric.")
    if ref == "template":
        from vlsbench.judges.template import TemplateJudge

        return TemplateJudge()
    if ref == "choice":
        from vlsbench.judges.choice import ChoiceJudge

        return ChoiceJudge()
    if asked is None:
        from vlsbench.judges.refusal import RefusalJudge

        return RefusalJudge()
    if ref.startswith(_GUARD):
        if sees is not Sees.IMAGE or rubric is not None:
            raise UserError("A guard has a rubric of its own and sees the image: leave out --judge-sees and --rubric.")
        from vlsbench.judges.guard import GuardJudge

        return GuardJudge(model(asked))
    if (grading := graded.take_apart(ref)) is not None:
        if sees is not Sees.IMAGE:
            raise UserError("A grading judge sees the right answer and no image: leave out --judge-sees.")
        return graded.GradedJudge(model(asked), graded.prompt_of(rubric), grading[0])
    from vlsbench.judges import rubric_file
    from vlsbench.judges.rubric import RubricJudge

    loaded = rubric_file.load(rubric, sees)
    return RubricJudge(model(asked), loaded, sees)
