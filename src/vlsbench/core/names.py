"""Short names for models and datasets: what a reader needs to tell them apart, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_SCHEME = re.compile(r"^(openai|hf|mini|guard|jsonl|vlsbench|figstep):")


def model_name(ref: str) -> str:
    """``openai:org/NAME@http://…`` and ``hf:/folder/NAME`` become ``NAME``; an adapter stays beside its base."""
    bare = _SCHEME.sub("", re.sub(r"@https?://.*$", "", ref))
    parts = [part.rstrip("/").rsplit("/", 1)[-1] for part in bare.split("+")]
    return "+".join(part for part in parts if part) or ref


def dataset_name(ref: str) -> str:
    """``jsonl:/folder/NAME.jsonl`` becomes ``NAME``, ``figstep/tiny:/folder`` and the like lose their folder."""
    head, _, place = ref.partition(":")
    if head == "jsonl":
        return re.sub(r"\.jsonl$", "", place.rsplit("/", 1)[-1]) or ref
    if head == "mini":
        return ":".join(ref.split(":")[:2])
    return head if place.startswith(("/", ".", "~")) else ref


def distinct(refs: Iterable[str], short: Callable[[str], str]) -> dict[str, str]:
    """A name for each reference, short where that leaves no two of them alike."""
    refs = list(dict.fromkeys(refs))
    names = [short(ref) for ref in refs]
    return {ref: name if names.count(name) == 1 else ref for ref, name in zip(refs, names, strict=True)}
