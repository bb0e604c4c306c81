"""The file of a batch while it is written, and where one file ends and the next begins."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from vlsbench.core.errors import Stopped
from vlsbench.core.hashing import sha256_of
from vlsbench.models.batches import Limits

SHARE = 0.95
"""How full a file gets, as a share of what the provider takes: what else it counts is not for us to know."""


def fits(n_lines: int, n_bytes: int, line_bytes: int, limits: Limits) -> bool:
    """Whether a line still goes into a file.

    Args:
        n_lines: Lines that are in it.
        n_bytes: Their bytes.
        line_bytes: The bytes of the next line.
        limits: What the provider takes.
    """
    return n_lines + 1 <= SHARE * limits.requests and n_bytes + line_bytes <= SHARE * limits.n_bytes


class Spool:
    """A file of requests that grows line by line.

    Args:
        path: The file; what an earlier process left of it is overwritten.

    Raises:
        Stopped: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: list[int] = []
        self.digests: list[str] = []
        self.n_bytes = 0
        self._sha256 = hashlib.sha256()
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise Stopped(f"Cannot write {path}: {error.strerror}.") from error

    def add(self, line: Sequence[bytes], number: int, digest: str) -> None:
        """One more request.

        Raises:
            Stopped: The disk is full or gone.
        """
        try:
            self._file.writelines(line)
        except OSError as error:
            raise Stopped(f"Cannot write {self.path}: {error.strerror}.") from error
        for piece in line:
            self._sha256.update(piece)
        self.n_bytes += sum(map(len, line))
        self.numbers.append(number)
        self.digests.append(digest)

    def finish(self) -> str:
        """Put the file on the disk and close it; returns its SHA-256.

        Raises:
            Stopped: The disk is full or gone.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise Stopped(f"Cannot write {self.path}: {error.strerror}.") from error
        return self._sha256.hexdigest()

    def abandon(self) -> None:
        """Close and delete the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def is_file_of(path: Path, sha256: str) -> bool:
    """Whether there is a file, with this SHA-256."""
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False
