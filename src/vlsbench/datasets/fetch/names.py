"""Names from elsewhere, of archives and of the hub: plain paths inside one folder, or refused."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from vlsbench.core.errors import DatasetError

MAX_DEPTH = 32
"""Most folders that a file may lie in; far deeper ones cannot even be removed again."""

_UNREADABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that can deceive a terminal or a log, or that stand for bytes that are not UTF-8."""


def parts(name: str, whose: str, *, is_folder: bool = False) -> list[str]:
    """A path below a folder, taken apart.

    Args:
        name: What the archive or the hub calls it.
        whose: How a message begins, for example ``"The archive's member"``.
        is_folder: Whether it may be the folder itself.

    Raises:
        DatasetError: It leaves the folder, is a name of this program's own records, is unreadable, or lies too deep.
    """
    if any(unicodedata.category(character) in _UNREADABLE for character in name):
        raise DatasetError(f"{whose} {short(name)} has unreadable characters. It is refused.")
    found = [part for part in name.split("/") if part not in ("", ".")]
    unsafe = name.startswith(("/", "\\")) or ".." in found or any(c in name for c in "\\\0:")
    if unsafe or (not found and not is_folder) or (found and found[0].startswith(".vlsbench-")):
        raise DatasetError(f"{whose} {name!r} points outside of its folder. It is refused.")
    if len(found) > MAX_DEPTH:
        raise DatasetError(f"{whose} {short(name)} lies {len(found)} folders deep; {MAX_DEPTH} are allowed.")
    return found


def check_place(name: str, folder: Path, whose: str) -> None:
    """See to it that a file of this name comes to lie inside the folder, also where links are in the way.

    Raises:
        DatasetError: It would not.
    """
    home = os.path.realpath(folder)
    place = folder
    for part in parts(name, whose)[:-1]:
        place /= part
        if os.path.commonpath((home, os.path.realpath(place))) != home:
            raise DatasetError(f"{place} is a link that leads out of {folder}. Move it away, or choose another --to.")


def short(name: str) -> str:
    """A name for a message: quoted, in ASCII, its beginning where it is long."""
    return f"{name!a}" if len(name) <= 100 else f"{name[:100] + '...'!a}"
