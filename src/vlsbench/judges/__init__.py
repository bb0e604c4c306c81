"""Turns a judge reference into a `Judge`. A judge that asks a model is given one; it never loads it."""

from __future__ import annotations

from collections.abc import Callable

from vlsbench.errors import UnknownName
from vlsbench.types import Judge, Model, Sees

BASELINES = ("refusal",)
"""Judges that ask no model."""


def is_baseline(ref: str) -> bool:
    """Whether a judge reference names a judge that asks no model."""
    return ref in BASELINES


def check(ref: str, check_model: Callable[[str], None]) -> None:
    """Whether a judge reference can be read, without loading anything; raises like `load`."""
    if not is_baseline(ref):
        if ":" not in ref:
            raise _unknown(ref)
        check_model(ref)


def _unknown(ref: str) -> UnknownName:
    return UnknownName("judge", ref, (*BASELINES, "openai:NAME", "openai:NAME@URL"))


def load(ref: str, *, sees: Sees, rubric: str | None, model: Callable[[str], Model]) -> Judge:
    """The judge a reference names: ``refusal``, or a model reference (a language model with a rubric).

    Args:
        ref: The reference.
        sees: What a model judge is shown.
        rubric: A packaged rubric's name or a file; None for the default.
        model: Makes the model of a model reference.

    Raises:
        UnknownName: Neither a judge nor a model reference.
        RubricError: The rubric cannot be used.
    """
    if ref == "refusal":
        from vlsbench.judges.refusal import RefusalJudge

        return RefusalJudge()
    if ":" not in ref:
        raise _unknown(ref)
    from vlsbench.judges import rubric_file
    from vlsbench.judges.rubric import RubricJudge

    loaded = rubric_file.load(rubric, sees)
    return RubricJudge(model(ref), loaded, sees)
