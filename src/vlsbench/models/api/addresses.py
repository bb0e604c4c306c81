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
    be there yet. What in it is no address is passed over once the run goes, for somebody may be writing it.

    Args:
        text: What the user wrote.

    Attributes:
        is_open: Whether others may write to the file although a key goes to the servers in it: then it names none.

    Raises:
        UserError: There is no address in it, or something that is none.
    """

    def __init__(self, text: str) -> None:
        self.file = Path(text[1:]).expanduser() if text.startswith("@") else None
        self._looked = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._is_private = False
        self.is_open = False
        if self.file is None:
            self._found = _addresses(text)
            if not self._found:
                raise UserError("Name at least one server: URL,URL,… or @FILE with an address a line.")
        else:
            if not self.file.absolute().parent.is_dir():
                raise UserError(f"There is no folder {self.file.absolute().parent}, where the servers are to be named.")
            self._found = _addresses(self._text())

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
                self._found = _addresses(self._text(), patient=True)
        return self._found

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

    def _text(self) -> str:
        assert self.file is not None  # noqa: S101 - a list has no text
        try:
            lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise UserError(f"{self.file} cannot be read: {error.strerror}.") from error
        return "\n".join(line.partition("#")[0] for line in lines)


def _addresses(text: str, *, patient: bool = False) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for word in filter(None, _BETWEEN.split(text)):
        try:
            keys.origin(word)
        except UserError:
            if not patient:
                raise
        else:
            found[word.rstrip("/")] = None
    return tuple(found)
