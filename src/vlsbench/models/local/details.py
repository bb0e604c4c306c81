"""What a local model was, for the run's manifest: its files, its dtype, and what computed it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SETTINGS = ("config.json", "adapter_config.json")
_WEIGHTS = (".safetensors", ".bin")


def describe(model: PreTrainedModel, folder: Path, adapter: Path | None = None) -> dict[str, str]:
    """A loaded model's details.

    Args:
        model: The model; its dtype is the one it computes in, which ``auto`` leaves open.
        folder: Where it was loaded from.
        adapter: Where the adapter on it was loaded from.

    Returns:
        ``dtype``, ``torch``, ``transformers``, and ``commit`` for a repository or ``digest`` for a folder; the
        same with ``adapter_`` before it for an adapter.
    """
    import torch
    import transformers

    details = {"dtype": str(model.dtype).removeprefix("torch.")} | _origin(folder)
    if adapter is not None:
        details |= {f"adapter_{name}": value for name, value in _origin(adapter).items()}
    return details | {"torch": str(torch.__version__), "transformers": str(transformers.__version__)}


def _origin(folder: Path) -> dict[str, str]:
    # The hub's cache names the folder of a snapshot after its commit.
    if folder.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", folder.name):
        return {"commit": folder.name}
    return {"digest": digest(folder)}


def digest(folder: Path) -> str:
    """SHA-256 over the settings' bytes and the names and sizes of the weight files.

    Weights themselves are not read, which would take minutes; nor do times count, which a copy changes.
    """
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name in _SETTINGS:
            data = path.read_bytes()
            found.update(f"{path.name}\0{len(data)}\0".encode() + data)
        elif path.suffix in _WEIGHTS and path.is_file():
            found.update(f"{path.name}\0{path.stat().st_size}\0".encode(errors="surrogateescape"))
    return found.hexdigest()
