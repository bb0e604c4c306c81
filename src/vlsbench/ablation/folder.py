"""The parent folder of an ablation's runs: what it is called, and whether it may be continued."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from vlsbench.ablation.conditions import CONDITIONS, FULL
from vlsbench.core.errors import RunError
from vlsbench.core.types import VerdictOutcome
from vlsbench.results import outcomes
from vlsbench.run.flow import Judging
from vlsbench.store import folders, journal
from vlsbench.store.identity import Identity
from vlsbench.store.run_folder import Run

RESULT = "ablation.json"

_KNOWN = frozenset({RESULT, FULL})
_WHAT = f"the folder of an ablation (it has no {FULL})"


def default_name(identity: Identity, stem: str) -> str:
    """``ablation-<model>-<dataset>-<hash8>``; unlike a run's, it differs by judge, for an ablation has just one."""
    run, _, digest = identity.folder_name().rpartition("-")
    return f"ablation-{run}-{hashlib.sha256(f'{digest} {stem}'.encode()).hexdigest()[:8]}"


def check(path: Path) -> None:
    """Nothing where an ablation may be made or continued.

    Raises:
        RunError: There is something else at this path.
    """
    occupied = folders.is_occupied(path)
    if (path / "manifest.json").exists():
        raise RunError(f"{path} is a run folder, not the parent of an ablation's; choose another --out.")
    if occupied:
        folders.require_known(path, _KNOWN, _WHAT)


def set_aside(path: Path) -> None:
    """Rename the folder of an earlier ablation, where there is one.

    Raises:
        RunError: Another process is working on it.
    """
    if folders.is_occupied(path):
        folders.set_aside(path, _KNOWN, _WHAT)


def share_images(full: Run, run: Run) -> None:
    """Let a run have the pictures that came inside the records, which full keeps as files, without a second copy.

    Where the file system has no hard links, the run keeps its own, as any run does.
    """
    kept = full.path / "images"
    if run.path == full.path or not kept.is_dir():
        return
    run.make_folder("images")
    for file in kept.iterdir():
        with contextlib.suppress(OSError):
            os.link(file, run.path / "images" / file.name)


def require_same_judge(path: Path, judging: Judging) -> None:
    """Nothing where no other judge than this one has given verdicts in the runs of an ablation.

    Raises:
        RunError: A run holds verdicts of other judges only.
    """
    for name in CONDITIONS:
        if not (path / name / "manifest.json").exists():
            continue
        run = Run(path / name)
        own = judging.stem_in(run)
        others = [stem for stem in run.judges if stem != own and _has_verdicts(run, stem)]
        if others and own not in run.judges:
            names = outcomes.judge_names(run)
            raise RunError(
                f"{run.path} was judged by {', '.join(names[stem] for stem in others)}, and you ask for "
                f"{judging.judge.name} (or the same judge with other settings). Choose another --out, or --fresh to "
                "start over (the old folder is kept aside)."
            )


def _has_verdicts(run: Run, stem: str) -> bool:
    return any(outcome == VerdictOutcome.SCORED for _, _, outcome, _, _ in journal.heads(run.verdicts(stem)))
