"""The parser of the command line."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that suggests the name that was perhaps meant.

    Options are written in full: ``--batch``, where a command has none, must not pass for ``--batch-size``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"allow_abbrev": False} | kwargs))

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with 2."""
        found = re.match(r"argument COMMAND: invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if found is not None:
            known = re.findall(r"[\w-]+", found[2])
            close = difflib.get_close_matches(found[1].lower(), known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            message = f"No command named {found[1]!r}.{hint} Known: {', '.join(known)}."
        super().error(message)

    def leave_out_defaults(self) -> None:
        """Have only those options in the namespace that were given."""
        for action in self._actions:
            action.default = argparse.SUPPRESS
