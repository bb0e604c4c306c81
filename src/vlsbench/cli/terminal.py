"""Writing to a terminal: consoles for results and messages, and text made safe to show."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_WIDTH = 120
"""Columns assumed where output goes to a file or a pipe."""

_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # C0 and C1 controls and DEL: colours, cursor movement, window titles, bells
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing around
    r"\ud800-\udfff]"  # halves of characters, which cannot be encoded
)


def clean(text: str) -> str:
    """Text from a dataset or a model, made safe for one line of a terminal.

    Line breaks and tabs become a space; control characters, marks that reverse the direction of writing and
    lone surrogates are dropped.
    """
    return _UNSAFE.sub("", _BREAKS.sub(" ", text))


def say(line: str) -> None:
    """Write a line about what goes on to stderr."""
    sys.stderr.write(f"{clean(line)}\n")


def console(stream: TextIO | None = None) -> Console:
    """A console on stdout, for results, or on another stream.

    Rich honours NO_COLOR by itself; its markup stays off, so that brackets in data are brackets.
    """
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            """Whoever read our output has left: let the command line end as it does for any write."""
            raise BrokenPipeError

    stream = stream or sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        # A character that the terminal's encoding lacks becomes "?" and does not end the program.
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH
    return Ours(file=stream, width=width, markup=False, emoji=False, highlight=False)
