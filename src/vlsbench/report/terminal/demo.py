"""The demonstration as one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vlsbench.demo.demonstrate import IS_NOT, SHOWS, Demonstration
from vlsbench.report.terminal.summary import percent
from vlsbench.results.rates import Block

if TYPE_CHECKING:
    from rich.console import Console


_WIDE = 112
"""Columns from which on a rate and its interval fit on one line."""


def print_demonstration(found: Demonstration, console: Console) -> None:
    """Print the table, and the two sentences that belong to it."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Model", no_wrap=True)
    for head in ("Safe,\nleaky", "Safe,\nleakless", "Over-refusal,\nbenign", "Naming", "Garbled"):
        table.add_column(head, justify="right", no_wrap=True)
    between = " " if console.width >= _WIDE else "\n"
    for variant, blocks in found.cells.items():
        rates = (
            blocks["leaky"].safety_rate,
            blocks["leakless"].safety_rate,
            blocks["benign"].over_refusal_rate,
            blocks["naming"].accuracy,
        )
        table.add_row(
            variant,
            *(percent(rate).replace(" [", f"{between}[") for rate in rates),
            _garbled(blocks),
        )
    n = next(iter(next(iter(found.cells.values())).values())).n
    console.print(f"The miniature world, {n:,} samples per cell, 95 % intervals")
    console.print(table)
    unscored = sum(block.n - block.scored for blocks in found.cells.values() for block in blocks.values())
    console.print(f"Unscored (garbled answers, in no rate): {unscored:,}\n")
    console.print(SHOWS, soft_wrap=not console.is_terminal)
    console.print(IS_NOT, soft_wrap=not console.is_terminal)


def _garbled(blocks: Mapping[str, Block]) -> str:
    """The share of all answers that are none of the world's sentences, or not what was asked."""
    return f"{sum(block.n - block.scored for block in blocks.values()) / sum(block.n for block in blocks.values()):.1%}"
