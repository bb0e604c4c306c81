"""``shard.json``: which samples of the whole set a run that holds one shard of it selected."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from vlsbench.core.errors import RunError
from vlsbench.store import json_file

FILE = "shard.json"
VERSION = 1

_REMEDY = "Continue the run, and it is written anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFile:
    """A shard (``I/N``) of a set of `size` samples: their `numbers`, counted from 0, in order."""

    shard: str
    size: int
    numbers: tuple[int, ...]


def write(folder: Path, found: ShardFile) -> None:
    """Write the file.

    Raises:
        Stopped: It cannot be written.
    """
    json_file.write(folder / FILE, {"version": VERSION, **asdict(found)})


def read(folder: Path) -> ShardFile:
    """Read the file.

    Raises:
        RunError: It is missing or damaged.
    """
    path = folder / FILE
    if not path.exists():
        raise RunError(f"{path} is missing. {_REMEDY}")
    found = json_file.read_version(path, ShardFile, VERSION, _REMEDY)
    ordered = all(one < other for one, other in zip((-1, *found.numbers), (*found.numbers, found.size), strict=True))
    if not ordered:
        raise RunError(f"{path} is damaged: its numbers are in no order. {_REMEDY}")
    return found
