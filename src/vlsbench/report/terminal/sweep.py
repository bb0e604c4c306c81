"""A sweep in a terminal: what failed, the table, and for each dataset the ranks and the differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vlsbench.core import words
from vlsbench.report.documents import comparison, formats, leaderboard, matrix
from vlsbench.sweep.making import Made
from vlsbench.sweep.overview import Overview

if TYPE_CHECKING:
    from rich.console import Console

Clean = Callable[[str], str]


def print_sweep(made: Sequence[Made], found: Overview, console: Console, clean: Clean) -> None:
    """Print what a sweep came to.

    Args:
        made: What became of each cell.
        found: Its runs side by side.
        console: Where to.
        clean: Makes a text safe to print.
    """
    for laid_out in found.tables:
        formats.print_document(matrix.document(laid_out), console, clean)
    ranked, compared = dict(found.leaderboards), dict(found.comparisons)
    for name in dict.fromkeys((*ranked, *compared)):
        console.print(f"\n{clean(name)}", style="bold", soft_wrap=True)
        if name in ranked:
            formats.print_document(leaderboard.document(ranked[name]), console, clean)
        if name in compared:
            formats.print_document(comparison.document(compared[name], 0), console, clean)
    for note in found.notes:
        console.print(f"\n{clean(note)}", soft_wrap=True)
    passed = sum(one.passed_over for one in made)
    failed = [one for one in made if one.error]
    waiting = [one for one in made if one.waiting]
    finished = words.counted(len(made) - passed - len(failed) - len(waiting), "cell")
    waits = f", {len(waiting):,} {words.noun(len(waiting), 'waits')}" if waiting else ""
    console.print(f"\n{finished} made or continued, {passed:,} finished before{waits}, {len(failed):,} failed.")
    for one in waiting:
        console.print(clean(f"  {one.cell.name}: {one.waiting}"), soft_wrap=True)
    for one in failed:
        console.print(clean(f"  failed: {one.cell.name}: {one.error}"), soft_wrap=True)
    if made:
        console.print(f"Folders: {clean(str(made[0].cell.path.parent))}", soft_wrap=True)
