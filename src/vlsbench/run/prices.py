"""Prices of models in a TOML file: one table per model reference, in money per million tokens.

currency = "USD"

["openai:gpt-4o"]
input = 2.50
output = 10.00
cached = 1.25        # may be left out: then as input
batch = 0.5          # the share of these prices that requests in batches cost; where left out, a half
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from vlsbench.core import words
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.names import model_behind, without_address
from vlsbench.core.usage import BATCH_SHARE, Price, Prices

_NEEDED = ("input", "output")
_KNOWN = (*_NEEDED, "cached", "batch")

_LEAST_USUAL = 0.001
_MOST_USUAL = 1_000_000.0
"""Between these a million tokens cost whatever somebody asks for them, in dollars as in dong."""


def read(path: str | Path) -> Prices:
    """The prices of a file.

    Raises:
        UserError: It cannot be read, or holds something that is no price; the message names it.
    """
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The prices {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The prices {path} are no TOML: {error}.") from error
    currency = found.pop("currency", "")
    if not isinstance(currency, str) or len(currency) > 20 or not currency.isprintable():
        raise UserError(f'The prices {path}: currency should be a short text, for example "USD".')
    if not found:
        raise UserError(f'The prices {path} name no model. Write a table for each: ["openai:NAME"] with {_both()}.')
    return Prices(models={model: _price(model, table, currency, path) for model, table in found.items()})


def _price(model: str, table: object, currency: str, path: str | Path) -> Price:
    where = f"The prices {path}, model {model!r}"
    if ":" not in model or not isinstance(table, dict):
        raise UserError(f'{where}: models are tables called as in --model: ["openai:{model}"] with {_both()}.')
    if without_address(model) != model:
        raise UserError(f"{where}: leave out the address; a model costs the same wherever it is asked for.")
    if odd := [name for name in table if name not in _KNOWN]:
        raise UserError(f"{where}: nothing is called {odd[0]!r}. Known: {', '.join(_KNOWN)}.")
    if missing := [name for name in _NEEDED if name not in table]:
        raise UserError(f"{where}: {missing[0]!r} is missing, the price of a million tokens.")
    numbers = {name: _number(value, f"{where}: {name}") for name, value in table.items()}
    if numbers.get("batch", BATCH_SHARE) > 1:
        raise UserError(f"{where}: batch is the share that requests in batches cost, between 0 and 1: 0.5 for a half.")
    if numbers.get("cached", 0.0) > numbers["input"]:
        raise UserError(
            f"{where}: cached should be no more than input, of which it is the price where it was seen before."
        )
    return Price(
        input=numbers["input"],
        output=numbers["output"],
        cached=numbers.get("cached"),
        batch=numbers.get("batch", BATCH_SHARE),
        currency=currency,
    )


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UserError(f"{what} should be a price of 0 or more, not {value!r}.")
    return float(value)


def _both() -> str:
    return " and ".join(_NEEDED)


def doubts(prices: Iterable[Price], *, from_file: bool) -> list[str]:
    """What looks odd about the prices of the models that are asked, a sentence each.

    Args:
        prices: Those that are known.
        from_file: Whether they come from a file, which can name a currency.
    """
    known = list(prices)
    numbers = {number for price in known for number in (price.input, price.output, price.cached or 0.0) if number}
    found = []
    if numbers and max(numbers) < _LEAST_USUAL:
        found.append(f"A price of {max(numbers):g} looks like one of a token: name those of a million tokens.")
    elif numbers and max(numbers) > _MOST_USUAL:
        found.append(f"A price of {max(numbers):g} is unusual for a million tokens; is it one of something else?")
    if from_file and any(not price.currency for price in known):
        found.append(
            'The prices name no currency, so a cost is a bare number: write currency = "USD" above the models.'
        )
    return found


def in_words(price: Price) -> str:
    """A price as a message has it: ``2.5 in, 10 out USD``."""
    cached = f", cached {price.cached:g}" if price.cached is not None else ""
    batch = f", in batches {words.percent(price.batch)}" if price.batch != BATCH_SHARE else ""
    return f"{price.input:g} in, {price.output:g} out{cached}{batch} {price.currency}".rstrip()


def changed(model: str, before: Price | None, now: Price | None) -> str:
    """What there is to say where a run that was priced is continued at another price; empty where it is not."""
    if before is None or now is None or before == now:
        return ""
    return (
        f"{model} was priced at {in_words(before)} so far; {in_words(now)}, as named now, holds for all of the run, "
        "from its first request on."
    )


def missing(prices: Prices, target: str | None, *judges: str | None) -> Mapping[str, str]:
    """The models of a run that have no price, each with what to say about it: which names there are.

    Args:
        prices: The prices.
        target: Reference of the model under test; None where none is asked.
        judges: References of the judges' models; None where none is asked.
    """
    asked = ((target, prices.of_target), *((judge, prices.of_judge) for judge in judges))
    return {ref: _unknown(ref, prices.models) for ref, price_of in asked if ref is not None and price_of(ref) is None}


def _unknown(ref: str, known: Collection[str]) -> str:
    return str(UnknownName("price for a model", model_behind(ref), known))
