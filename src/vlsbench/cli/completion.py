"""``vlsbench completion SHELL``: what makes a shell complete commands, options, files and folders."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from vlsbench.core.errors import MissingExtra

_DESCRIPTION = """Print a script that completes vlsbench's commands and options in a shell. For bash:
vlsbench completion bash > ~/.local/share/bash-completion/completions/vlsbench
for zsh a file _vlsbench in a folder of $fpath, for fish ~/.config/fish/completions/vlsbench.fish."""

SHELLS = ("bash", "zsh", "fish", "tcsh")

_FOLDERS = ("DIR", "RUN", "AUDIT", "FOLDER", "DIR|RUN")
_FILES = ("FILE",)
"""Beginnings of the words by which the help calls a place."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``completion``."""
    parser = subparsers.add_parser("completion", help="a script for your shell", description=_DESCRIPTION)
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    try:
        import shtab
    except ImportError as error:
        raise MissingExtra("shtab", "completion") from error
    parser: argparse.ArgumentParser = args.parser
    _mark_places(parser, shtab.FILE, shtab.DIRECTORY)
    sys.stdout.write(f"{shtab.complete(parser, args.shell)}\n")
    return 0


def _mark_places(parser: argparse.ArgumentParser, file: object, folder: object) -> None:
    """Say of each argument that is a file or a folder how a shell finds one."""
    for action in _actions(parser):
        called = action.metavar if isinstance(action.metavar, str) else ""
        if called.startswith(_FILES):
            setattr(action, "complete", file)  # noqa: B010 - an attribute of shtab's, which argparse does not know
        elif called.startswith(_FOLDERS):
            setattr(action, "complete", folder)  # noqa: B010


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of all its commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its arguments
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action
