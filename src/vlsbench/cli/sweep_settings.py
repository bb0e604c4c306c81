"""The options of ``vlsbench eval`` as settings of a sweep: their names, and how their values are read.

Both come from the command's own parser, so that an option that ``eval`` gets is a setting of a sweep as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import NoReturn

from vlsbench.cli import eval as eval_
from vlsbench.cli.parser import Parser
from vlsbench.core.errors import UnknownName, UserError

Table = Mapping[str, object]
"""A table as TOML has it."""

_OF_THE_COMMAND = frozenset(
    {"model", "dataset", "judge", "shard", "out", "fresh", "dry_run", "max_unscored"}
    | {"quiet", "json", "run", "command"}
)
"""Options of ``eval`` that are about one run as a whole, or about its display."""

OF_A_JUDGE = ("judge_sees", "rubric", "judge_concurrency", "judge_key_env", "judge_servers")
OF_THE_ANSWERS = (
    *("columns", "limit", "max_tokens", "temperature", "system", "seed", "image_max_side"),
    *("concurrency", "model_key_env", "servers"),
)

OF_A_GUARD = {
    "guard_concurrency": "judge_concurrency",
    "guard_key_env": "judge_key_env",
    "guard_servers": "judge_servers",
}
"""In an audit the guard takes the judge's place."""


class _Strict(Parser):
    """A parser that raises what it would print."""

    def error(self, message: str) -> NoReturn:
        raise UserError(message)


@cache
def parser() -> argparse.ArgumentParser:
    """The parser of ``vlsbench eval``."""
    commands: argparse._SubParsersAction[argparse.ArgumentParser]
    commands = _Strict(add_help=False).add_subparsers(parser_class=_Strict)
    eval_.add(commands)
    return commands.choices["eval"]


@cache
def names() -> frozenset[str]:
    """The names of the settings."""
    return frozenset(vars(parser().parse_args([]))) - _OF_THE_COMMAND


def namespace(settings: Table, given: Table, *, model: str, dataset: str, judge: str) -> argparse.Namespace:
    """The options of an ``eval`` of these references.

    Args:
        settings: Settings as a file has them.
        given: Settings as the command line read them; they come first.
        model: Its reference, as the next two.
        dataset: Likewise.
        judge: Likewise.

    Raises:
        UserError: A value cannot be read.
    """
    found = parser().parse_args(list(_words(settings)))
    for name, value in {**given, "model": model, "dataset": dataset, "judge": judge}.items():
        setattr(found, name, value)
    return found


def check(settings: Table, where: str, *, besides: Collection[str] = (), but: Collection[str] = ()) -> None:
    """Nothing where a table holds settings that can be read.

    Args:
        settings: The table.
        where: Its place in the file, for the message.
        besides: Names that it may hold as well; their values are checked elsewhere.
        but: Settings that do not go there.

    Raises:
        UserError: A name is unknown, or a value cannot be read.
    """
    for name, value in settings.items():
        if name in besides:
            continue
        if name in but or name not in names():
            raise UserError(f"{where}: {UnknownName('setting', name, (names() | set(besides)) - set(but))}")
        try:
            parser().parse_args(list(_words({name: value})))
        except UserError as error:
            raise UserError(f"{where}: {error}") from error


def _words(settings: Table) -> Iterator[str]:
    """Settings as the words of a command line."""
    for name, value in settings.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value is not False:
            yield f"{option}={_text(name, value)}"


def _text(name: str, value: object) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ",".join(map(str, value))
    if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return ",".join(f"{key}={each}" for key, each in value.items())
    raise UserError(f"{name} takes a text, a number, true or false, not {value!r}.")
