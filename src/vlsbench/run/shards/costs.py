"""What the models of a joined run cost: one price each, named once for all folders or the same in all of them.

A run has one price for each model, as far back as its first answer. Which of two that differ holds is not for us to
choose, nor is the later one: a cost that nobody can add up again is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vlsbench.core.errors import RunError
from vlsbench.core.usage import Price, Prices
from vlsbench.run.prices import in_words
from vlsbench.run.shards.pieces import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedPrices:
    """The price of the model under test, and those of the judges by the stems of their files; None where unknown."""

    target: Price | None
    judges: Mapping[str, Price | None]


def joined_prices(pieces: Sequence[Piece], prices: Prices | None) -> JoinedPrices:
    """The prices of a joined run.

    Args:
        pieces: The folders; one that was given no price takes that of the others.
        prices: Named for all of it; they come before those that the folders were given.

    Raises:
        RunError: Two folders were given different prices of a model, and none is named here.
    """
    model = pieces[0].run.manifest.model
    given = [(piece, piece.run.manifest.price) for piece in pieces]
    target = (prices.of_target(model) if prices is not None else None) or _agreed(model, given)
    judges: dict[str, Price | None] = {}
    names = {stem: entry.judge for piece in pieces for stem, entry in piece.run.judges.items()}
    for stem, judge in names.items():
        entries = [(piece, entry.price) for piece in pieces if (entry := piece.run.judges.get(stem)) is not None]
        judges[stem] = (prices.of_judge(judge) if prices is not None else None) or _agreed(judge, entries)
    return JoinedPrices(target=target, judges=judges)


def _agreed(model: str, given: Iterable[tuple[Piece, Price | None]]) -> Price | None:
    found: dict[Price, Piece] = {}
    for piece, price in given:
        if price is not None:
            found.setdefault(price, piece)
    if len(found) > 1:
        said = "; ".join(f"{in_words(price)} in {piece.run.path}" for price, piece in found.items())
        raise RunError(
            f"The folders were given different prices of {model}: {said}. Name the one that holds for all of them, "
            "with --prices or the options of prices; what each cost at its own, `vlsbench show` says of each folder."
        )
    return next(iter(found), None)
