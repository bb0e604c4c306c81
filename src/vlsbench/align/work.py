"""The folder in which a training works: its settings, its checkpoints, and how it becomes the output.

Work happens in ``OUT.training`` beside the output folder. The same command after a kill goes on from the
last complete checkpoint; the output folder appears in one step when everything is in it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.core.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

SETTINGS = "settings.json"


def check_free(out: Path) -> None:
    """Refuse an output folder that exists, before any time is spent.

    Raises:
        UserError: It exists.
    """
    if out.exists():
        raise UserError(f"{out} exists already. Remove it, or choose another --out.")


def open_work(out: Path, settings: Mapping[str, object]) -> Path:
    """The work folder of an output folder, new or left by a killed training with the same settings.

    Raises:
        UserError: The work folder belongs to something else.
    """
    work = out.with_name(out.name + ".training")
    recorded = work / SETTINGS
    wanted = json.dumps(settings, indent=2) + "\n"
    if recorded.is_file():
        if recorded.read_text() != wanted:
            raise UserError(
                f"{work} holds an unfinished training with other settings. Remove it, or choose another --out."
            )
        return work
    if work.exists() and any(work.iterdir()):
        raise UserError(f"{work} is in the way and is no training of ours. Move it, or choose another --out.")
    work.mkdir(parents=True, exist_ok=True)
    recorded.write_text(wanted)
    return work


def last_checkpoint(work: Path) -> Path | None:
    """The newest checkpoint that was written to its end; a cut-off one is removed."""
    for folder in sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True):
        # The trainer writes its state last.
        try:
            json.loads((folder / "trainer_state.json").read_text())
        except (OSError, ValueError):
            shutil.rmtree(folder)
        else:
            return folder
    return None


def deliver(work: Path, out: Path, model: PreTrainedModel, processor: ProcessorMixin, card: str) -> Path:
    """Write model, processor and card inside the work folder, then move them into place."""
    final = work / "final"
    shutil.rmtree(final, ignore_errors=True)
    model.save_pretrained(final)
    processor.save_pretrained(final)
    (final / "README.md").write_text(card)
    final.rename(out)
    shutil.rmtree(work)
    return out
