"""Short names for runs, different wherever the runs are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vlsbench.core.names import model_name, shortest
from vlsbench.store.run_folder import Run

SETTINGS = ("max_tokens", "temperature", "system", "seed")
"""What else decides a model's answers, beside the model."""


def shown_names(runs: Sequence[Run]) -> list[str]:
    """Each run's model, followed by the condition under which it was asked, where there is one."""
    models = shortest((run.manifest.model for run in runs), model_name)
    names = ((models[run.manifest.model], run.condition) for run in runs)
    return [name if condition is None else f"{name} ({condition})" for name, condition in names]


def run_names(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its model and condition; where several share them, followed by the run folder.

    Args:
        runs: Different folders.
    """
    short = shown_names(runs)
    folders = [run.path.resolve().name for run in runs]
    paths = [str(run.path.resolve()) for run in runs]
    return told_apart(short, told_apart([f"{a} [{b}]" for a, b in zip(short, folders, strict=True)], paths))


def told_apart(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    """Each name that occurs once as it is, each other in its longer form."""
    counts = Counter(names)
    return [name if counts[name] == 1 else long for name, long in zip(names, longer, strict=True)]
