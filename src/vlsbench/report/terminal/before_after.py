"""Aligned models beside their base, as one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vlsbench.comparison.before_after import BeforeAfter
from vlsbench.report.terminal.ablation import p_value, points
from vlsbench.report.terminal.summary import new_table, percent

if TYPE_CHECKING:
    from rich.console import Console

_NAMES = {"over_refusal": "over-refusal", "paired": "paired (twins)"}


def print_changes(found: BeforeAfter, console: Console, clean: Callable[[str], str]) -> None:
    """Print what changed from the base to each model, paired."""
    console.print(
        f"Before: {clean(found.base)}, judged by {clean(found.judge)}; after minus before on the same samples"
    )
    table = new_table()
    for head in ("Model", "Dataset", "Measure"):
        table.add_column(head)
    for head in ("Before", "After", "Change", "p (Holm)", "Unscored"):
        table.add_column(head, justify="right")
    for change in sorted(found.changes, key=lambda one: one.model):
        table.add_row(
            clean(change.model),
            clean(change.dataset),
            _NAMES.get(change.measure, change.measure),
            percent(change.before),
            percent(change.after),
            points(change.paired),
            p_value(change.p_holm),
            f"{change.after.unscored:,}",
        )
    console.print(table)
