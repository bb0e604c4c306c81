"""The folder in which a training works: its settings, its checkpoints, and how it becomes the output.

Work happens in ``OUT.training`` beside the output folder, by one training at a time.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vlsbench.core.errors import UserError
from vlsbench.store.folders import acquire_lock, make_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

SETTINGS = "settings.json"
ADAPTER = "adapter"
"""Sub-folder of the output where the adapter of a LoRA training is kept by itself."""

RECORD = "alignment.json"
"""File of the output that holds the settings, for `base_of`."""

_FINAL = "final"


def check_free(out: Path) -> None:
    """Refuse an output folder that exists, before any time is spent.

    Raises:
        UserError: It exists.
    """
    if out.exists():
        raise UserError(f"{out} exists already. Remove it, or choose another --out.")


class WorkFolder:
    """The work folder of an output folder, new or left by a killed training with the same settings.

    Locked while the block lasts. What the user has to change first leaves nothing.

    Args:
        out: The output folder.
        settings: What the training is recognised by.
        owner: Whether this process makes and locks the folder; others of the same training only use it.

    Raises:
        UserError: The work folder belongs to something else.
        RunError: Another process is working in it.
    """

    def __init__(self, out: Path, settings: Mapping[str, object], *, owner: bool = True) -> None:
        self.out = out
        self.path = out.with_name(out.name + ".training")
        self._wanted = json.dumps(settings, indent=2) + "\n"
        self._owner = owner
        self._lock: int | None = None
        self._new = False

    def __enter__(self) -> WorkFolder:
        recorded = self.path / SETTINGS
        if not self._owner:
            return self
        if self.path.exists() and not recorded.is_file() and any(name.name != ".lock" for name in self.path.iterdir()):
            raise UserError(f"{self.path} is in the way and is no training of ours. Move it, or choose another --out.")
        make_folder(self.path)
        self._lock = acquire_lock(self.path)
        if not recorded.is_file():
            self._new = True
            recorded.write_text(self._wanted)
        elif recorded.read_text() != self._wanted:
            self._unlock()
            raise UserError(
                f"{self.path} holds an unfinished training with other settings. Remove it, or choose another --out."
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, UserError) and self._new and not any(self.path.rglob("checkpoint-*")):
            self.discard()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def discard(self) -> None:
        """Remove the folder: nothing in it is worth going on from."""
        if self._owner:
            shutil.rmtree(self.path, ignore_errors=True)

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written to its end; a cut-off one is removed."""
        found = sorted(self.path.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
        for folder in found:
            # The trainer writes its state last.
            try:
                json.loads((folder / "trainer_state.json").read_text())
            except (OSError, ValueError):
                shutil.rmtree(folder)
            else:
                return folder
        return None

    def save(self, model: PreTrainedModel, processor: ProcessorMixin, *, lora: bool) -> Any:
        """Write the model and its processor, to be delivered.

        Args:
            model: The trained model.
            processor: Its processor.
            lora: The model is a PEFT model: its adapter is kept by itself and merged into the weights.

        Returns:
            The model that was written, merged.
        """
        final = self.path / _FINAL
        shutil.rmtree(final, ignore_errors=True)
        if lora:
            model.save_pretrained(final / ADAPTER, selected_adapters=["default"])
            (final / ADAPTER / "README.md").unlink(missing_ok=True)  # PEFT's empty form
            model = model.merge_and_unload(adapter_names=["default"])
        model.save_pretrained(final)
        processor.save_pretrained(final)
        return model

    def deliver(self, card: str) -> None:
        """Add the card and move everything into place."""
        final = self.path / _FINAL
        (final / "README.md").write_text(card)
        (final / RECORD).write_text(self._wanted)
        final.rename(self.out)
        shutil.rmtree(self.path)


def base_of(folder: Path) -> str:
    """The reference of the model that a folder was aligned from.

    Raises:
        UserError: It was not made by `align`.
    """
    try:
        found = json.loads((folder / RECORD).read_text())["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} has no readable {RECORD}. Say with --base which model it was made from.") from error
    return str(found)
