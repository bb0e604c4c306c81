"""Which split of a dataset a file belongs to, by its name: ``data/train-00000-of-00002.parquet`` to ``train``."""

from __future__ import annotations

import re
from pathlib import PurePath

_SHARD = re.compile(r"[-_.]?\d+([-_]of[-_]\d+)?$")


def split_of(path: PurePath) -> str:
    """The split of a file, by its path in the repository; a folder ``data`` at the top is no part of its name."""
    stem = _SHARD.sub("", path.stem)
    parts = [*path.parent.parts, stem] if stem else list(path.parent.parts)
    if len(parts) > 1 and parts[0] == "data":
        parts = parts[1:]
    return "/".join(parts) or path.stem
