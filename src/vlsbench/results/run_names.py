"""Short names for runs and datasets, different wherever the things are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vlsbench.store.run_folder import Run

SETTINGS = ("max_tokens", "temperature", "system", "seed")
"""What else decides a model's answers, beside the model."""

_FILES = ("jsonl", "csv", "parquet")


def model_name(model: str) -> str:
    """A model's reference without its server's address: ``openai:NAME``, or the folder's name of ``hf:FOLDER``."""
    name = re.sub(r"@https?://.*$", "", model)
    scheme, colon, rest = name.partition(":")
    if colon and rest.startswith(("/", "./", "../", "~")):
        return f"{scheme}:{rest.rstrip('/').rsplit('/', 1)[-1]}"
    return name


def shown_name(run: Run) -> str:
    """A run's model, followed by the condition under which it was asked, where there is one."""
    name = model_name(run.manifest.model)
    return name if run.condition is None else f"{name} ({run.condition})"


def run_names(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its model and condition; where several share them, followed by the run folder.

    Args:
        runs: Different folders.
    """
    short = [shown_name(run) for run in runs]
    folders = [run.path.resolve().name for run in runs]
    paths = [str(run.path.resolve()) for run in runs]
    return _told_apart(short, _told_apart([f"{a} [{b}]" for a, b in zip(short, folders, strict=True)], paths))


def dataset_name(reference: str) -> str:
    """A dataset's reference without folders: ``vlsbench``, ``mm_safetybench/SD``, ``jsonl:my-set``, ``mini:leaky``."""
    scheme, colon, rest = reference.partition(":")
    if scheme == "mini":
        return re.sub(r":200:0$", "", reference)
    if scheme in _FILES:
        return f"{scheme}:{Path(rest).stem}"
    if colon and (rest.startswith((".", "~")) or "/" in rest) and not scheme.startswith("hf"):
        return scheme
    return reference if scheme.startswith("hf") else scheme


def _told_apart(names: list[str], longer: list[str]) -> list[str]:
    """Each name that occurs once as it is, each other in its longer form."""
    counts = Counter(names)
    return [name if counts[name] == 1 else long for name, long in zip(names, longer, strict=True)]
