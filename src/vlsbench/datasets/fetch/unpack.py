"""Unpack a tar or zip archive from elsewhere: plain files and folders inside one folder, all of them or none."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO

from vlsbench.core.errors import DatasetError
from vlsbench.datasets.fetch import names
from vlsbench.datasets.fetch.names import short

MAX_MEMBERS = 1_000_000
"""Most files in an archive, against one that would exhaust the file system's entries."""

MAX_EXPANSION = 10
"""Most times its own size that a zip archive may claim to hold; pictures hardly shrink."""

_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How members of a zip archive may be packed. The others are not used for pictures, and theirs are the bombs."""

_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, UnicodeError, IndexError, OverflowError, NotImplementedError),
)
"""What the modules raise at a damaged archive, by their documentation and by experiment."""

_ZIP = b"PK\x03\x04"
_WHOSE = "The archive's member"


def unpack(
    archive: Path,
    folder: Path,
    *,
    workspace: Path,
    ours: Collection[str] = (),
    before_placing: Callable[[list[str]], None] = lambda _: None,
) -> list[str]:
    """Unpack an uncompressed tar archive, or a zip archive, into a folder.

    Everything is unpacked in `workspace` first and moved by renaming, so that an interrupted call leaves the
    folder without the archive's files rather than with some of them.

    Args:
        archive: The archive.
        folder: Where its top-level entries go.
        workspace: A folder on the same file system.
        ours: Entries that an interrupted call for the same archive may have placed: what is there stays.
        before_placing: Receives the names of the top-level entries before the first of them moves.

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
            if _is_zip(archive):
                _extract_zip(archive, inside)
            else:
                with tarfile.open(archive, "r:") as tar:
                    _extract(tar, inside, archive.stat().st_size)
        except _DAMAGED as error:
            raise DatasetError(f"{archive.name} cannot be unpacked: it is damaged ({error}).") from error
        except OSError as error:
            # A damaged directory of a zip archive points to places before its beginning.
            if error.errno != errno.EINVAL:
                raise
            raise DatasetError(f"{archive.name} cannot be unpacked: it is damaged ({error.strerror}).") from error
        entries = sorted(path.name for path in inside.iterdir())
        for name in entries:
            if name not in ours and os.path.lexists(folder / name):
                raise DatasetError(f"{folder / name} exists already. Move it away, or choose another folder with --to.")
        before_placing(entries)
        for name in entries:
            if not os.path.lexists(folder / name):
                os.rename(inside / name, folder / name)
    return entries


def _extract(tar: tarfile.TarFile, inside: Path, limit: int) -> None:
    total = 0
    for number, member in enumerate(tar):
        plain = (member.isreg() or member.isdir()) and not member.issparse()
        target = inside.joinpath(*_parts(member.name, plain=plain, is_folder=member.isdir()))
        total += member.size
        # A sparse file claims more bytes than the archive has: the tar form of a bomb.
        if number >= MAX_MEMBERS or member.size < 0 or total > limit:
            raise DatasetError(
                f"The archive is cut off, or claims more than it holds ({member.name!r}). It is not unpacked."
            )
        _place(member.name, target, None if member.isdir() else tar.extractfile(member))


def _extract_zip(archive: Path, inside: Path) -> None:
    with zipfile.ZipFile(archive) as whole:
        members = [member for member in whole.infolist() if not member.filename.startswith("__MACOSX/")]
        total = sum(member.file_size for member in members)
        if len(members) > MAX_MEMBERS or total > MAX_EXPANSION * archive.stat().st_size:
            raise DatasetError("The archive claims far more than pictures can be packed into. It is not unpacked.")
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            plain = kind in (0, stat.S_IFREG, stat.S_IFDIR) and not member.flag_bits & 1  # the flag: encrypted
            target = inside.joinpath(*_parts(member.filename, plain=plain, is_folder=member.is_dir()))
            if member.compress_type not in _PACKINGS:
                raise DatasetError(
                    f"The archive's member {short(member.filename)} is packed in a way that is not supported "
                    f"(method {member.compress_type}; stored and deflated are). It is not unpacked."
                )
            source = None if member.is_dir() else whole.open(member)
            _place(member.filename, target, source)


def _is_zip(archive: Path) -> bool:
    with archive.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def _place(name: str, target: Path, source: IO[bytes] | None) -> None:
    """Write a member, or make the folder that it is where `source` is None."""
    try:
        if source is None:
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with source, target.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise DatasetError(f"The archive holds {name!r} twice. It is not unpacked.") from error
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
            raise
        raise DatasetError(
            f"The archive's member {short(name)} cannot have this name here ({error.strerror}). It is not unpacked."
        ) from error


def _parts(name: str, *, plain: bool, is_folder: bool) -> list[str]:
    """A member's path below the folder.

    Raises:
        DatasetError: It is neither a plain file nor a folder, or its name is refused.
    """
    found = names.parts(name, _WHOSE, is_folder=is_folder)
    if not plain:
        raise DatasetError(f"{_WHOSE} {name!r} is a link, a device or the like, or encrypted. It is not unpacked.")
    return found
