"""Folders that hold results: made, written to by one process at a time, and set aside but never deleted."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Set
from pathlib import Path

from vlsbench.core.errors import RunError, Stopped


def is_occupied(path: Path) -> bool:
    """Whether a folder holds anything that is not hidden.

    Raises:
        RunError: It is a file.
    """
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file; choose another --out.")
    return path.is_dir() and any(not entry.name.startswith(".") for entry in path.iterdir())


def default_folder(name: str, earlier: str) -> Path:
    """Where results go if nothing is said: ``runs/NAME``, or where an earlier version put the same under another name.

    Raises:
        RunError: It is a file.
    """
    path, before = Path("runs") / name, Path("runs") / earlier
    return before if is_occupied(before) and not is_occupied(path) else path


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where missing.

    Raises:
        Stopped: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stopped(f"Cannot make the folder {path}: {error.strerror}.") from error


def acquire_lock(path: Path) -> int:
    """Become the only writer of a folder, until the handle is closed or the process ends.

    Returns:
        The handle of the lock file.

    Raises:
        RunError: Another process is writing.
        Stopped: The lock file cannot be made.
    """
    file = path / ".lock"
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Stopped(f"Cannot write in {path}: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise RunError(
            f"Another process (pid {holder}) is working on {path}. Wait for it, or choose another --out."
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def set_aside(path: Path, known: Set[str], what: str) -> None:
    """Rename an old folder of results, also one whose files can no longer be read.

    Raises:
        RunError: As `require_known`, or another process is writing to it.
    """
    require_known(path, known, what)
    lock = acquire_lock(path)
    path.rename(_free_name(path))
    os.close(lock)


def require_known(path: Path, known: Set[str], what: str) -> None:
    """Nothing where a folder holds results of some kind.

    Args:
        path: The folder.
        known: Names of which such a folder holds at least one.
        what: What it would be, for the message.

    Raises:
        RunError: It is no such folder.
    """
    if not known & {entry.name for entry in path.iterdir()}:
        raise RunError(f"{path} is not {what}; choose another --out.")


def _free_name(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    candidates = (
        path.with_name(f"{path.name}.old-{stamp}{suffix}") for suffix in ("", *(f"-{n}" for n in range(2, 1000)))
    )
    return next(candidate for candidate in candidates if not candidate.exists())
