"""Unpack a tar archive from elsewhere: plain files and folders inside one folder, all of them or none."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from vlsbench.errors import DatasetError

MAX_MEMBERS = 1_000_000
"""Most files in an archive, against one that would exhaust the file system's entries."""


def unpack(archive: Path, folder: Path, *, workspace: Path) -> list[str]:
    """Unpack an uncompressed tar archive into a folder.

    Everything is unpacked in `workspace` first and moved by renaming, so that an interrupted call leaves the
    folder without the archive's files rather than with some of them.

    Args:
        archive: The archive.
        folder: Where its top-level entries go.
        workspace: A folder on the same file system.

    Returns:
        The names of the top-level entries.

    Raises:
        DatasetError: The archive is damaged, a member leaves the folder or is neither a file nor a folder, or
            the folder already has an entry of that name.
        OSError: The disk gave out.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    for left_over in workspace.glob("unpacking-*"):
        shutil.rmtree(left_over)
    with tempfile.TemporaryDirectory(prefix="unpacking-", dir=workspace) as temporary:
        inside = Path(temporary)
        try:
            with tarfile.open(archive, "r:") as tar:
                _extract(tar, inside, archive.stat().st_size)
        except (tarfile.TarError, EOFError, UnicodeError) as error:
            raise DatasetError(f"{archive.name} cannot be unpacked: it is damaged ({error}).") from error
        names = sorted(path.name for path in inside.iterdir())
        for name in names:
            if os.path.lexists(folder / name):
                raise DatasetError(f"{folder / name} exists already. Move it away, or choose another folder with --to.")
        for name in names:
            os.rename(inside / name, folder / name)
    return names


def _extract(tar: tarfile.TarFile, inside: Path, limit: int) -> None:
    total = 0
    for number, member in enumerate(tar):
        target = inside.joinpath(*_parts(member))
        total += member.size
        # A sparse file claims more bytes than the archive has: the tar form of a bomb.
        if number >= MAX_MEMBERS or total > limit:
            raise DatasetError(
                f"The archive is cut off, or claims more than it holds ({member.name!r}). It is not unpacked."
            )
        try:
            _place(tar, member, target)
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            raise DatasetError(f"The archive holds {member.name!r} twice. It is not unpacked.") from error


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise DatasetError(f"The archive's member {member.name!r} cannot be read. It is not unpacked.")
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _parts(member: tarfile.TarInfo) -> list[str]:
    """A member's path below the folder.

    Raises:
        DatasetError: It is neither a plain file nor a folder, or its path leaves the folder.
    """
    name = member.name
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise DatasetError(f"The archive's member {name!r} is a link, a device or the like. It is not unpacked.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    unsafe = name.startswith(("/", "\\")) or ".." in parts or any(c in name for c in "\\\0:")
    if unsafe or (not parts and not member.isdir()) or (parts and parts[0].startswith(".vlsbench-")):
        raise DatasetError(f"The archive's member {name!r} points outside of its folder. It is not unpacked.")
    return parts
