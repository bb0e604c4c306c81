"""The servers that a user names for one model: a list, or a file that may grow while the run goes."""

from __future__ import annotations

import contextlib
import re
import stat
import time
from pathlib import Path

from vlsbench.core.errors import UserError
from vlsbench.models.api import keys

_LOOK_EVERY_S = 1.0

_OTHERS = stat.S_IWGRP | stat.S_IWOTH

_BETWEEN = re.compile(r"[,\s]+")


class ServerList:
    """The base URLs behind ``URL,URL,…`` or ``@FILE``.

    A file holds an address a line, and comments after ``#``. It is read again when it changes; it may be empty, or not
    be there yet. A line in it that is no address is passed over and named, for somebody may be writing it.

    Args:
        text: What the user wrote.

    Attributes:
        is_open: Whether others may write to the file although a key goes to the servers in it: then it names none.
        doubt: Which lines of the file are no addresses, and why; mostly empty.

    Raises:
        UserError: A list holds no address, or something that is none; or a file can never be read.
    """

    def __init__(self, text: str) -> None:
        self.file = Path(text[1:]).expanduser().absolute() if text.startswith("@") else None
        self._looked = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._is_private = False
        self.is_open = False
        self.doubt = ""
        self._found: tuple[str, ...] = ()
        if self.file is None:
            words = list(filter(None, _BETWEEN.split(text)))
            if not words:
                raise UserError("Name at least one server: URL,URL,… or @FILE with an address a line.")
            self._found = tuple(dict.fromkeys(map(_address, words)))
        else:
            if not self.file.parent.is_dir():
                raise UserError(f"There is no folder {self.file.parent}, where the servers are to be named.")
            if self.file.is_dir():
                raise UserError(f"{self.file} is a folder. @FILE names a file with the address of a server a line.")
            self._read(self.file)

    def now(self) -> tuple[str, ...]:
        """The addresses at this moment, each once, in order."""
        if self.file is None or time.monotonic() - self._looked < _LOOK_EVERY_S:
            return self._found
        self._looked = time.monotonic()
        try:
            facts = self.file.stat()
        except OSError:
            self._found, self._seen = (), None
            return self._found
        self.is_open = self._is_private and bool(facts.st_mode & _OTHERS)
        if self.is_open:
            self._found, self._seen = (), None
            return self._found
        if self._seen != (facts.st_mtime_ns, facts.st_size):
            self._seen = facts.st_mtime_ns, facts.st_size
            with contextlib.suppress(UserError):  # it cannot be read at this moment
                self._read(self.file)
        return self._found

    @property
    def notice(self) -> str:
        """What requests wait for where no server is named, or an empty text."""
        if self.now():
            return ""
        if self.is_open:
            return f"waiting until nobody else may write to {self.file} (chmod go-w), since a key goes there"
        is_there = self.file is not None and self.file.exists()
        return f"waiting for a server in {self.file} ({'no address in it yet' if is_there else 'no such file yet'})"

    def require_private(self) -> None:
        """Nothing where nobody but the user can name servers: an API key goes to each of them.

        A file to which others may write later on names no server (`is_open`) until that has changed.

        Raises:
            UserError: Others may write to the file.
        """
        self._is_private = True
        if self.file is not None and self.file.exists() and self.file.stat().st_mode & _OTHERS:
            raise UserError(
                f"Others may write to {self.file}, and the API key goes to every server in it. Take the right away "
                f"(chmod go-w {self.file}), or leave the key out."
            )

    def _read(self, file: Path) -> None:
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise UserError(f"{file} cannot be read: {error.strerror}.") from error
        found: dict[str, None] = {}
        doubts = []
        for number, line in enumerate(lines, 1):
            for word in filter(None, _BETWEEN.split(line.partition("#")[0])):
                try:
                    found[_address(word)] = None
                except UserError as error:
                    doubts.append(f"Line {number} of {file} is passed over: {error}")
        self._found, self.doubt = tuple(found), " ".join(dict.fromkeys(doubts))


def _address(word: str) -> str:
    keys.origin(word)
    return word.rstrip("/")
