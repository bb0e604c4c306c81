"""Do the intervals cover what they say? Simulated, and the table written into docs/statistics.md.

    python -m benchmarks.bench_stats [--quick] [--write]      (make bench-stats)

Each cell draws many sets of known truth, gives them to the functions that make the figures of a run, and
counts how often the 95 % interval holds the truth, or how often a test is significant where nothing differs.
The designs are in `bench_stats_figures`.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.bench_stats_figures import FIGURES, Cell, Figure, drawer

QUICK = 4
REPEATS = 2000

Job = tuple[int, Cell, int]
Found = list[float | None]


def simulate(job: Job) -> Found:
    """Of the sets to which each column applies, the share in which it held."""
    number, cell, repeats = job
    rng = np.random.default_rng([number, FIGURES[number].cells.index(cell)])
    draw = drawer(number, cell)
    columns = zip(*(draw(rng) for _ in range(repeats)), strict=True)
    applies = [[held for held in column if held is not None] for column in columns]
    return [sum(column) / len(column) if column else None for column in applies]


def misses(value: float, limits: tuple[float, float], repeats: int) -> bool:
    """Whether a share is outside its limits by more than two standard errors of the simulation."""
    low, high = limits
    return value + _error(low, repeats) < low or value - _error(high, repeats) > high


def _error(share: float, repeats: int) -> float:
    return 2 * math.sqrt(share * (1 - share) / repeats)


def markdown(repeats: int, workers: int) -> tuple[str, list[str]]:
    """The tables, and the cells that miss their limits."""
    jobs: list[Job] = [(number, cell, repeats) for number, figure in enumerate(FIGURES) for cell in figure.cells]
    found: dict[tuple[int, Cell], Found] = {}
    with multiprocessing.Pool(workers) as pool:
        for job, shares in zip(jobs, pool.imap(simulate, jobs), strict=True):
            found[job[:2]] = shares
            print(FIGURES[job[0]].name, *job[1], shares, file=sys.stderr, flush=True)
    lines, missed = [], []
    for number, figure in enumerate(FIGURES):
        table, out = tabulate(figure, [found[number, cell] for cell in figure.cells], repeats)
        lines += table
        missed += out
    return "\n".join(lines), missed


def tabulate(figure: Figure, found: Sequence[Found], repeats: int) -> tuple[list[str], list[str]]:
    """The table of one figure, and the cells that miss their limits."""
    lines = [f"**{figure.name}** ({repeats:,} sets per cell; in %)", ""]
    lines.append(f"| {' | '.join((*figure.axes, *figure.columns))} |")
    lines.append("|" + ":---|" * len(figure.axes) + "---:|" * len(figure.columns))
    missed = []
    for cell, shares in zip(figure.cells, found, strict=True):
        texts = []
        limits = figure.limits(*cell)
        for place, (column, value) in enumerate(zip(figure.columns, shares, strict=True)):
            miss = value is not None and misses(value, limits[min(place, len(limits) - 1)], repeats)
            texts.append("–" if value is None else f"{100 * value:.1f}" + (" ✗" if miss else ""))
            if miss:
                missed.append(f"{figure.name}, {', '.join(map(str, cell))}, {column}: {texts[-1]}")
        lines.append(f"| {' | '.join((*map(_shown, cell), *texts))} |")
    return [*lines, ""], missed


def _shown(value: object) -> str:
    return value if isinstance(value, str) else f"{value:,g}" if isinstance(value, float) else f"{value:,}"


def write(page: Path, table: str) -> None:
    """Put the table between its marks on a page."""
    text = page.read_text(encoding="utf-8")
    marks = r"(<!-- simulated: begin -->\n).*?(<!-- simulated: end -->)"
    new, count = re.subn(marks, lambda found: found[1] + table.strip() + "\n" + found[2], text, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{page} has no place for the table (<!-- simulated: begin --> and end)")
    page.write_text(new, encoding="utf-8")


def main() -> None:
    """Simulate, print the tables, and exit 1 where a cell misses its limits."""
    parser = argparse.ArgumentParser(description="Simulated coverage of the intervals and error of the tests.")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it work at all?")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--repeats", type=int, default=REPEATS, metavar="N", help=f"sets per cell (default: {REPEATS})")
    args = parser.parse_args()
    table, missed = markdown(QUICK if args.quick else args.repeats, args.workers)
    print(table)
    if args.write:
        write(Path(__file__).resolve().parent.parent / "docs" / "statistics.md", table)
    if missed and not args.quick:
        sys.exit("outside the limits: " + "; ".join(missed))


if __name__ == "__main__":
    main()
