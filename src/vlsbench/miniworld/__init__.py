"""The miniature world: drawn scenes, templated text, and tiny VLMs that were trained on them.

A designed demonstration of how visual leakage fools textual alignment. It shows a mechanism; it is no
evidence about real models. This module names the packaged weights and checks that they are whole; what trains and
shows them is in `demo`.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from vlsbench.core.errors import UnknownName, UserError

VARIANTS = ("base", "textual-sft", "multimodal-sft", "mixed-sft")

WEIGHTS = Path(__file__).parent / "weights"
"""Folder of the packaged variants, one folder each, and of the record of how they were made."""

RECORD = "results.json"


def record(folder: Path = WEIGHTS) -> dict[str, Any]:
    """What was measured when the packaged weights were made, and the SHA-256 of their files.

    Raises:
        UserError: The record is missing or damaged.
    """
    try:
        found: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(
            f"The packaged weights have no readable {RECORD} in {folder}. Install vlsbench again."
        ) from error
    return found


def check_variant(variant: str) -> None:
    """Whether there is a variant of that name.

    Raises:
        UnknownName: There is none.
    """
    if variant not in VARIANTS:
        raise UnknownName("variant of the miniature world", variant, VARIANTS)


def weights(variant: str, folder: Path = WEIGHTS) -> Path:
    """The folder of a packaged variant, after checking that every file is as it was recorded.

    Args:
        variant: One of `VARIANTS`.
        folder: Where the variants are.

    Raises:
        UnknownName: There is no such variant.
        UserError: A file is missing or damaged.
    """
    check_variant(variant)
    for name, expected in record(folder)["files"][variant].items():
        path = folder / variant / name
        if not path.is_file() or digest(path) != expected:
            raise UserError(f"The packaged weights are damaged: {path} fails its checksum. Install vlsbench again.")
    return folder / variant


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return _digest(path, path.stat().st_mtime_ns, path.stat().st_size)


@cache
def _digest(path: Path, _changed: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
