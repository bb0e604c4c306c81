"""The lines of a build's files as JSON objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlsbench.store import journal

Record = dict[str, Any]


def read(path: Path) -> Iterator[Record]:
    """The objects of a file, one per line; damaged lines are passed over, and a missing file has none."""
    return journal.read(path, Record)
