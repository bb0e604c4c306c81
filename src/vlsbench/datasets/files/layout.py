"""Find the files of a published set in a folder, and say what is missing and how to get it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, OnBad, Records, Ref
from vlsbench.datasets.files.tables import TableFile, ToSamples, samples

Part = tuple[TableFile, ToSamples]
"""A file, and how its rows become samples."""


def find_file(root: Path, names: Sequence[str], entry: Entry) -> Path:
    """The first of some files that is there.

    Args:
        root: The folder that the user named.
        names: Where the file lies, relative to the folder; the published place first.
        entry: The dataset, for the message.

    Raises:
        DatasetError: None is there. The message says what was looked for, and the folder that has it, if one near has.
    """

    def look(folder: Path) -> list[Path]:
        return [folder / name for name in names if os.path.isfile(folder / name)]

    return _found(root, names, entry, look)[0]


def find_files(root: Path, patterns: Sequence[str], entry: Entry) -> list[Path]:
    """The files of the first of some patterns that fits any, in the order of their names.

    Args:
        root: The folder that the user named.
        patterns: Where the files lie, relative to the folder; the published place first.
        entry: The dataset, for the message.

    Raises:
        DatasetError: None fits. The message says what was looked for, and the folder that has it, if one near has.
    """

    def look(folder: Path) -> list[Path]:
        return next(filter(None, (sorted(folder.glob(pattern)) for pattern in patterns)), [])

    return _found(root, patterns, entry, look)


def find_images(root: Path, names: Sequence[str], entry: Entry, *, archives: Sequence[str] = ()) -> str:
    """The first of some folders of images that is there, relative to the root; ``""`` stands for the root.

    Args:
        root: The folder that the user named.
        names: Where the images lie; the published place first.
        entry: The dataset, for the message.
        archives: Where they may still be packed.

    Raises:
        DatasetError: None is there. Where an archive is, the message has the command that unpacks it.
    """
    found = next((name for name in names if os.path.isdir(root / name)), None)
    if found is not None:
        return found
    for archive in (root / name for name in archives):
        if os.path.isfile(archive):
            packed, folder = shlex.quote(str(archive)), shlex.quote(str(archive.parent))
            how = f"unzip -q {packed} -d" if archive.suffix == ".zip" else f"tar -xf {packed} -C"
            raise DatasetError(f"The images are still packed. Unpack them: {how} {folder}")
    raise DatasetError(f"{root} has no folder {' and none '.join(names)} with the images. {entry.get}")


def opened(ref: Ref, root: Path, parts: Sequence[Part], wanted: Sequence[str]) -> Records:
    """The dataset that some tables make up, one after the other.

    Args:
        ref: What it is called.
        root: The folder that images lie in.
        parts: The files.
        wanted: Fields that the rows of each must have.
    """
    from vlsbench.datasets.fetch import hub

    def scan(on_bad: OnBad) -> Iterator[Sample]:
        for table, to_samples in parts:
            yield from samples(table, to_samples, wanted, on_bad)

    files = tuple(dict.fromkeys(table.file for table, _ in parts))
    return Records(name=str(ref), root=root, scan=scan, files=files, revision=hub.fetched_commit(root))


def under(folder: str, name: str) -> str:
    """A path below a folder that may be the root itself."""
    return f"{folder}/{name}" if folder else name


def _found(root: Path, names: Sequence[str], entry: Entry, look: Callable[[Path], list[Path]]) -> list[Path]:
    if found := look(root):
        return found
    near = next((folder for folder in _folders(root) if look(folder)), None)
    hint = f" Did you mean {entry.name}:{near}?" if near else f" {entry.get}"
    raise DatasetError(f"There is no {' and no '.join(names)} in {root}.{hint}")


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if os.path.isdir(path))
    except OSError:
        return []
