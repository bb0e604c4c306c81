"""The parser of the command line."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

_NUMBER = re.compile(r"-\d+|-\d*\.\d+")
"""What looks like an option and is a value."""


class Parser(argparse.ArgumentParser):
    """A parser that suggests the name that was perhaps meant.

    Options are written in full: ``--batch``, where a command has none, must not pass for ``--batch-size``. One that is
    unknown is named by the command that does not know it, before its value can pass for something else.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"allow_abbrev": False} | kwargs))

    def parse_known_args(  # type: ignore[override]  # typeshed has overloads, one for each kind of namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; an option that is unknown is an error of this command."""
        words = list(args) if args is not None else sys.argv[1:]
        self._require_known(words)
        return super().parse_known_args(words, namespace)

    def _require_known(self, words: Sequence[str]) -> None:
        """Nothing where the words before a command of this one, if it has any, hold no option that it does not know."""
        known = [option for action in self._actions for option in action.option_strings]
        commands = {
            name for action in self._actions if action.nargs == argparse.PARSER for name in action.choices or ()
        }
        for word in words:
            if word == "--" or word in commands:
                return
            name = word.partition("=")[0]
            if len(name) < 2 or name[0] != "-" or " " in word or _NUMBER.fullmatch(word) or name in known:
                continue
            if name[1] == "-" or name[:2] not in known:  # -hx is -h -x
                self.error(f"No option named {name!r}.{_perhaps(name, known)} See {self.prog} --help.")

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with 2."""
        found = re.match(r"argument COMMAND: invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if found is not None:
            known = re.findall(r"[\w-]+", found[2])
            message = f"No command named {found[1]!r}.{_perhaps(found[1], known)} Known: {', '.join(known)}."
            if not any(action.required for action in self._actions if action.nargs == argparse.PARSER):
                message += " Everything else is an option: see --help."
        super().error(message)

    def leave_out_defaults(self) -> None:
        """Have only those options in the namespace that were given."""
        for action in self._actions:
            action.default = argparse.SUPPRESS


def _perhaps(name: str, known: Sequence[str]) -> str:
    bare = {each.lstrip("-"): each for each in known}  # dashes are no likeness
    close = difflib.get_close_matches(name.lstrip("-").lower(), bare, n=1)
    return f" Did you mean {bare[close[0]]!r}?" if close else ""
