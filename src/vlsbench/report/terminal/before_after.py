"""Aligned models beside their base, as one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vlsbench.comparison.before_after import BeforeAfter
from vlsbench.core import words
from vlsbench.report.terminal.tables import print_table
from vlsbench.results import missing

if TYPE_CHECKING:
    from rich.console import Console

_HEADS = ("Model", "Dataset", "Measure", "Before", "After", "Change", "p (Holm)", "Unscored")
_NAMES = {"over_refusal": "over-refusal", "paired": "paired (twins)"}


def print_changes(found: BeforeAfter, console: Console, clean: Callable[[str], str]) -> None:
    """Print what changed from the base to each model, paired."""
    judges = " and ".join(dict.fromkeys(clean(change.judge) for change in found.changes)) or clean(found.judge)
    console.print(
        f"Before: {clean(found.base)}, judged by {judges}; change: after minus before on the same samples",
        soft_wrap=True,
    )
    rows = [
        (
            clean(change.model),
            clean(change.dataset),
            _NAMES.get(change.measure, change.measure),
            words.rate(change.before),
            words.rate(change.after),
            words.points(change.paired),
            words.p_value(change.p_holm) + (" open" if change.missing.undoes else ""),
            f"{change.after.unscored:,}",
        )
        for change in sorted(found.changes, key=lambda one: one.model)
    ]
    print_table(console, _HEADS, rows, texts=3)
    for change in found.changes:
        if change.missing.undoes:
            name = f"{clean(change.model)} on {clean(change.dataset)}, {_NAMES.get(change.measure, change.measure)}"
            warning = missing.sentence(name, change.paired, change.missing)
            console.print(f"Warning: {warning}", style="yellow", soft_wrap=True)
    if not found.official:
        return
    console.print("\nBy the rules of the datasets' authors", style="bold")
    official = [
        (
            clean(one.model),
            clean(one.dataset),
            f"{one.before.name} (of {one.before.best:,.0f})",
            words.points_of(one.before),
            words.points_of(one.after),
        )
        for one in sorted(found.official, key=lambda one: one.model)
    ]
    print_table(console, ("Model", "Dataset", "Figure", "Before", "After"), official, texts=3)
