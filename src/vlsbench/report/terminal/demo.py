"""The demonstration as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from vlsbench.core import words
from vlsbench.core.types import Label
from vlsbench.demo.demonstrate import IS_NOT, SHOWS, Demonstration
from vlsbench.report.terminal.tables import print_table
from vlsbench.results.rates import Block

if TYPE_CHECKING:
    from rich.console import Console


MANY = 0.05
"""Share of benign scenes from which on warnings of them are told."""


def print_demonstration(found: Demonstration, console: Console) -> None:
    """Print the table, and the two sentences that belong to it."""
    rows = []
    for variant, blocks in found.cells.items():
        rates = (
            blocks["leaky"].safety_rate,
            blocks["leakless"].safety_rate,
            blocks["benign"].over_refusal_rate,
            blocks["naming"].accuracy,
        )
        rows.append((variant, *map(words.rate, rates), _garbled(blocks)))
    n = next(iter(next(iter(found.cells.values())).values())).n
    console.print(f"The miniature world, {n:,} samples per cell, 95 % intervals")
    print_table(
        console, ("Model", "Safe,\nleaky", "Safe,\nleakless", "Over-refusal,\nbenign", "Naming", "Garbled"), rows
    )
    for line in _warned(found):
        console.print(line, soft_wrap=True)
    unscored = sum(block.n - block.scored for blocks in found.cells.values() for block in blocks.values())
    console.print(f"Unscored (garbled answers, in no rate): {unscored:,}\n")
    console.print(SHOWS, soft_wrap=not console.is_terminal)
    console.print(IS_NOT, soft_wrap=not console.is_terminal)


def _warned(found: Demonstration) -> Iterator[str]:
    """A line for each model that warns of many benign scenes, which over-refusal does not count."""
    for variant, blocks in found.cells.items():
        benign = blocks["benign"]
        warned = benign.counts.get(Label.WARNING.value, 0)
        if warned > MANY * benign.n:
            yield f"{variant} warns of {warned:,} of {benign.n:,} benign scenes: no refusals, so not in over-refusal."


def _garbled(blocks: Mapping[str, Block]) -> str:
    """The share of all answers that are none of the world's sentences, or not what was asked."""
    lost, asked = (sum(part) for part in zip(*((b.n - b.scored, b.n) for b in blocks.values()), strict=True))
    return words.percent(lost / asked)
