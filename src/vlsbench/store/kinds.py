"""Folders that a user may take for a run: what they are, and which runs they hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vlsbench.core.words import counted

RUN = "manifest.json"
ABLATION = "ablation.json"
AUDIT = "audit.json"
GUARD = "guard"
"""The condition of the run that an audit's guard makes: three verdicts a sample, and no answers."""

_BUILD_STEPS = "steps"

_SHOWN = 6


def no_run(folder: Path) -> str:
    """Why a folder is no run, in a sentence, and what of it can be named in its place."""
    if not folder.exists():
        return f"{folder} does not exist."
    what, more = _kind(folder)
    return " ".join(filter(None, (f"{folder} is {what} (it has no {RUN}).", more, _runs_in(folder))))


def is_build(folder: Path) -> bool:
    """Whether a folder is that of a build, which has a manifest of its own kind."""
    return (folder / _BUILD_STEPS).is_dir()


def runs_below(folder: Path) -> Iterator[Path]:
    """The runs in a folder of runs, and those of the ablations in it, in order of their names."""
    children = sorted(child for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []
    for child in children:
        if (child / RUN).is_file() and not is_build(child):
            yield child
        elif (child / ABLATION).is_file():
            yield from runs_below(child)


def _kind(folder: Path) -> tuple[str, str]:
    if (folder / AUDIT).is_file():
        commands = "`vlsbench show` and `vlsbench report` take it, `vlsbench audit export` writes what tests vision."
        return "the folder of an audit, not a run folder", commands
    if (folder / ABLATION).is_file():
        return "the folder of an ablation, not a run folder", ""
    if not folder.is_dir():
        return "a file, not a run folder", ""
    return "not a run folder", ""


def _runs_in(folder: Path) -> str:
    if (folder / AUDIT).is_file():
        return ""  # the guard's run has no answers
    inside = list(runs_below(folder))
    if not inside:
        return ""
    names = ", ".join(str(each) for each in inside[:_SHOWN]) + (", …" if len(inside) > _SHOWN else "")
    return f"It holds {counted(len(inside), 'run')}: {names}. Name one of them."
