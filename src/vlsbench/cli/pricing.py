"""Options that say what models cost, and the prices that they amount to."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from vlsbench.cli import terminal
from vlsbench.core.errors import UserError
from vlsbench.core.names import model_behind

if TYPE_CHECKING:
    from vlsbench.core.usage import Price, Prices

_LOCAL = ("hf", "mini")
"""Schemes of models that cost nothing per token."""


def add_price_options(parser: argparse.ArgumentParser, *, target: bool = True) -> None:
    """Prices from a file, or for the target and the judge.

    Args:
        parser: The command.
        target: Whether the command asks a model under test.
    """
    prices = _add_file(parser)
    if target:
        prices.add_argument("--price-in", type=price, metavar="X", help="of the model's input (and the judge's)")
        prices.add_argument("--price-out", type=price, metavar="Y", help="of the model's output (and the judge's)")
    prices.add_argument("--judge-price-in", type=price, metavar="X", help="of the judge's input")
    prices.add_argument("--judge-price-out", type=price, metavar="Y", help="of the judge's output")


def add_guard_price_options(parser: argparse.ArgumentParser) -> None:
    """Prices from a file, or for the guard, which takes the judge's place and is all that an audit asks."""
    prices = _add_file(parser)
    parser.set_defaults(judge_price_option="guard-price")  # what it is called where a message names it
    for option, dest, metavar in (("--guard-price-in", "in", "X"), ("--guard-price-out", "out", "Y")):
        names = (option, option.replace("guard-", ""))
        told = f"of the guard's {dest}put"
        prices.add_argument(*names, dest=f"judge_price_{dest}", type=price, metavar=metavar, help=told)


def _add_file(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    prices = parser.add_argument_group("what it costs (per million tokens)")
    prices.add_argument(
        "--prices",
        metavar="FILE.toml",
        help='prices by model: tables ["openai:NAME"] with input, output, cached and batch',
    )
    return prices


def price(text: str) -> float:
    """A number of 0 or more."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"should be a price of 0 or more, not {text!r}")
    return number


def prices(args: argparse.Namespace) -> Prices | None:
    """The prices that a command was given; None where it was given none.

    Raises:
        UserError: They make no sense.
    """
    target, judge = _pair(args, "price"), _pair(args, "judge_price")
    file = getattr(args, "prices", None)
    if file is None and target is None and judge is None:
        return None
    from dataclasses import replace

    from vlsbench.core.usage import Prices
    from vlsbench.run import prices as files

    listed = files.read(file) if file is not None else Prices(models={})
    currency = next((each.currency for each in listed.models.values()), "")
    if judge is None and file is None:
        judge = target  # one pair for both
    return Prices(
        models=listed.models,
        target=None if target is None else replace(target, currency=currency),
        judge=None if judge is None else replace(judge, currency=currency),
    )


def _pair(args: argparse.Namespace, name: str) -> Price | None:
    value_in, value_out = getattr(args, f"{name}_in", None), getattr(args, f"{name}_out", None)
    option = getattr(args, f"{name}_option", name.replace("_", "-"))
    if (value_in is None) != (value_out is None):
        raise UserError(f"--{option}-in and --{option}-out go together: prices per million tokens.")
    if value_in is None or value_out is None:
        return None
    from vlsbench.core.usage import Price

    return Price(input=value_in, output=value_out)


def check(args: argparse.Namespace) -> None:
    """Name the models of a command that are not in its file of prices, as `check_for` does.

    Raises:
        UserError: None of the models that are asked has a price.
    """
    check_for(args, getattr(args, "model", None), getattr(args, "judge", None))


def check_for(args: argparse.Namespace, target: str | None, *judges: str | None) -> None:
    """Name those models that are not in a command's file of prices: a warning, unless there are no others.

    Args:
        args: The command.
        target: The model under test; None where it has a price or is not asked.
        judges: The judges likewise.

    Raises:
        UserError: None of the models has a price.
    """
    found = prices(args)
    if found is None:
        return
    from vlsbench.run import prices as files

    asked = ((target, found.of_target), *((judge, found.of_judge) for judge in judges))
    known = [price for ref, price_of in asked if ref is not None and (price := price_of(ref)) is not None]
    _doubt(files.doubts(known, from_file=args.prices is not None))
    if judges and getattr(args, "judge_price_in", None) is not None and all(map(_asks_nobody, judges)):
        _doubt(["The price of the judge is of no use here: it asks no model."])
    if args.prices is None:
        return
    refs = [_served(ref) for ref in (target, *judges)]
    _complain(files.missing(found, *refs), refs)


def check_all(asked: Iterable[tuple[object, Prices | None]]) -> None:
    """Name those models of a sweep that are not in its prices: a warning, unless there are no others.

    Args:
        asked: Every model that is asked, and the prices that hold for it.

    Raises:
        UserError: None of the models has a price.
    """
    from vlsbench.run import prices as files

    priced = {ref: found for model, found in asked if found is not None and (ref := _served(model)) is not None}
    known = [price for ref, found in priced.items() if (price := found.of_target(ref)) is not None]
    _doubt(files.doubts(known, from_file=any(found.models for found in priced.values())))
    missing: dict[str, str] = {}
    for ref, found in priced.items():
        if found.models and found.of_target(ref) is None:
            missing |= files.missing(found, None, ref)
    _complain(missing, priced)


def _doubt(said: Iterable[str]) -> None:
    for line in said:
        terminal.say(f"vlsbench: {line}")


def _asks_nobody(judge: str | None) -> bool:
    return judge is not None and ":" not in judge


def _complain(missing: Mapping[str, str], asked: Iterable[str | None]) -> None:
    """Say which models have no price.

    Raises:
        UserError: None has one.
    """
    if not missing:
        return
    said = " ".join(missing.values())
    if set(missing) == {ref for ref in asked if ref is not None}:
        raise UserError(f"{said} Add it to the file of --prices, or leave that out.")
    terminal.say(f"vlsbench: {said} What it takes is counted, its cost is not.")


def _served(ref: object) -> str | None:
    """The reference of a model behind a server; None for any other, and for a judge that asks none."""
    if not isinstance(ref, str):
        return None
    bare = model_behind(ref)
    return bare if ":" in bare and bare.partition(":")[0] not in _LOCAL else None
