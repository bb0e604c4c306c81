"""Do the intervals cover what they say? Simulated, and the table written into docs/statistics.md.

    python -m benchmarks.bench_stats [--quick] [--write]      (make bench-stats)

Each cell draws many sets of known truth, gives them to the functions that make the figures of a run, and
counts how often the 95 % interval holds the truth, or how often a test is significant where nothing differs.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vlsbench import stats
from vlsbench.calibration.sampling import allocate
from vlsbench.core.types import Label
from vlsbench.stats import Stratum

SIZES = (50, 200, 2241)
SHARES = (0.0, 0.02, 0.2, 0.5)
LIKENESS = {"none": None, "half": 0.5, "all": 1.0}
"""How alike answers about one image are: no image repeats; half of the images decide for all their samples; all do."""

IMAGES = {1: 1734, 2: 162, 3: 61}
"""How many images of the released set serve so many samples."""

CATEGORIES = np.array([590, 539, 370, 343, 269, 130]) / 2241
LABELS = {50: 30, 200: 100, 2241: 200}
"""How many answers of a run are labelled."""

MCNEMAR, SIGN_FLIP = "McNemar's error", "sign-flip's error"

SENSITIVITY, SPECIFICITY = 0.9, 0.9
"""The judge's, on average; they differ by up to 0.08 between categories."""

Cell = tuple[str, int, float, str]
Draw = Callable[[np.random.Generator, int, float, str], Sequence[bool | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something simulated: `draw` says of one set whether each of `columns` held, or None where it does not apply."""

    name: str
    columns: tuple[str, ...]
    draw: Draw


def clusters(rng: np.random.Generator, n: int) -> np.ndarray:
    """The image of each of `n` samples, images shared as in the released set."""
    sizes = rng.permutation(np.repeat(list(IMAGES), list(IMAGES.values())))
    return np.repeat(np.arange(len(sizes)), sizes)[:n]


def alike(rng: np.random.Generator, images: np.ndarray | None, n: int, likeness: float | None) -> np.ndarray:
    """Uniform numbers, one per sample; those of one image are the same with a chance of `likeness`."""
    own = rng.random(n)
    if images is None or likeness is None:
        return own
    shared = rng.random(images[-1] + 1)
    decided = rng.random(images[-1] + 1) < likeness
    return np.where(decided[images], shared[images], own)


def setting(rng: np.random.Generator, n: int, kind: str) -> tuple[np.ndarray | None, float | None]:
    """The images of a set and how alike their answers are."""
    likeness = LIKENESS[kind]
    return (None if likeness is None else clusters(rng, n)), likeness


def draw_rate(rng: np.random.Generator, n: int, p: float, kind: str) -> tuple[bool]:
    """Does the interval of a rate hold p?"""
    images, likeness = setting(rng, n, kind)
    hits = alike(rng, images, n, likeness) < p
    if images is None:
        found = stats.rate_of_clusters([(int(hit), 1) for hit in hits])
    else:
        table = zip(np.bincount(images, hits).astype(int).tolist(), np.bincount(images).tolist(), strict=True)
        found = stats.rate_of_clusters(list(table))
    return (holds(found.low, found.high, p),)


def two_models(rng: np.random.Generator, n: int, p: float, kind: str, difference: float) -> stats.Paired:
    """Two models on the same samples; on half of the samples they share their luck."""
    images, likeness = setting(rng, n, kind)
    first = alike(rng, images, n, likeness)
    own = alike(rng, images, n, likeness)
    same = alike(rng, images, n, likeness) < 0.5
    second = np.where(same, first, own)
    keys = None if images is None else images.tolist()
    return stats.paired((first < p + difference).tolist(), (second < p).tolist(), keys)


def draw_pair(rng: np.random.Generator, n: int, p: float, kind: str) -> tuple[bool, bool, bool, bool | None]:
    """Does the interval hold no difference, and one of 0.1? Do the tests find one where there is none?"""
    none, some = two_models(rng, n, p, kind, 0.0), two_models(rng, n, p, kind, 0.1)
    assert none.p_value is not None
    assert none.p_mcnemar is not None
    return (
        holds(none.low, none.high, 0.0),
        holds(some.low, some.high, 0.1),
        none.p_mcnemar < 0.05,
        None if kind == "none" else none.p_value < 0.05,
    )


def draw_corrected(rng: np.random.Generator, n: int, p: float, kind: str) -> tuple[bool, bool, bool]:
    """Do the intervals of a corrected rate hold p, the run's own share, and (by inversion) p?"""
    images, likeness = setting(rng, n, kind)
    truth = alike(rng, images, n, likeness) < p
    judged, category = judge(rng, truth)
    effect = 1.0
    if images is not None:
        safe = (judged < 2).astype(float)
        table = zip(np.bincount(images, safe).astype(int).tolist(), np.bincount(images).tolist(), strict=True)
        effect = max(1.0, stats.design_effect(table))
    groups, trues, sizes = strata(judged, category, truth, LABELS[n])
    taken = allocate(sizes, [GROUPS[group] for group in groups], LABELS[n])
    hits = rng.hypergeometric(trues, np.array(sizes) - trues, taken)
    rows = [
        Stratum(group=GROUPS[group], size=size, truths={"safe": int(k), "unsafe": int(m - k)})
        for group, size, m, k in zip(groups, sizes, taken, hits, strict=True)
    ]
    found = stats.share(rows, ["safe"], effect=effect)
    two = [
        Stratum(group="safe" if row.group in GROUPS[:2] else "unsafe", size=row.size, truths=row.truths) for row in rows
    ]
    counts = {"safe": int((judged < 2).sum()), "unsafe": int((judged == 2).sum())}
    turned, _ = stats.invert(two, ["safe", "unsafe"], ["safe"], {"all": counts}, effect=effect, resamples=200)
    return (
        holds(found.low, found.high, p),
        holds(found.run_low, found.run_high, float(truth.mean())),
        True if turned.value is None else holds(turned.low, turned.high, p),
    )


GROUPS = tuple(label.value for label in Label)


def judge(rng: np.random.Generator, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The judge's label of each answer (refusal, warning, unsafe) and its category."""
    category = rng.choice(6, len(truth), p=CATEGORIES)
    lean = np.linspace(-0.08, 0.08, 6)[category]
    luck = rng.random(len(truth))
    safe = np.where(truth, luck < SENSITIVITY + lean, luck > SPECIFICITY - lean)
    return np.where(safe, np.where(rng.random(len(truth)) < 0.3, 0, 1), 2), category


def strata(
    judged: np.ndarray, category: np.ndarray, truth: np.ndarray, n: int
) -> tuple[list[int], np.ndarray, list[int]]:
    """Group, number of true hits and size of each stratum: label by category, by label alone where that is too many."""
    for fine in (True, False):
        key = judged * 6 + (category if fine else 0)
        sizes, trues = np.bincount(key, minlength=18), np.bincount(key, truth, minlength=18).astype(int)
        if fine and ((sizes[sizes > 0] < 5).any() or 2 * (sizes > 0).sum() > n):
            continue
        there = np.flatnonzero(sizes)
        return (there // 6).tolist(), trues[there], sizes[there].tolist()
    raise AssertionError


def holds(low: float | None, high: float | None, truth: float) -> bool:
    """Whether an interval holds the truth."""
    assert low is not None
    assert high is not None
    return low - 1e-12 <= truth <= high + 1e-12


FIGURES = (
    Figure(name="Rates", columns=("interval",), draw=draw_rate),
    Figure(
        name="Paired differences, and tests where nothing differs",
        columns=("no difference", "difference of 0.1", MCNEMAR, SIGN_FLIP),
        draw=draw_pair,
    ),
    Figure(name="Corrected rates", columns=("samples like these", "this run", "inversion"), draw=draw_corrected),
)


def simulate(job: tuple[int, int, float, str, int]) -> list[float | None]:
    """The share of repeats in which each column of a figure held."""
    number, n, p, kind, repeats = job
    rng = np.random.default_rng([number, n, round(1000 * p), list(LIKENESS).index(kind)])
    rows = [FIGURES[number].draw(rng, n, p, kind) for _ in range(repeats)]
    return [None if column[0] is None else sum(map(bool, column)) / repeats for column in zip(*rows, strict=True)]


def misses(column: str, n: int, p: float, kind: str, value: float, repeats: int) -> bool:
    """Whether a cell is outside its limits by more than two standard errors of the simulation."""
    if column == MCNEMAR and kind != "none":
        return False  # it knows no images: shown to say why it is not the test where they repeat
    if column in (MCNEMAR, SIGN_FLIP):
        return value - _error(0.06, repeats) > 0.06
    low, high = (0.93, 0.97) if n * p >= 10 else (0.92, 1.0)
    return value + _error(low, repeats) < low or value - _error(high, repeats) > high


def _error(share: float, repeats: int) -> float:
    return 2 * math.sqrt(share * (1 - share) / repeats)


def markdown(repeats: int, workers: int) -> tuple[str, list[str]]:
    """The tables, and the cells that miss their limits."""
    lines = [f"{repeats:,} sets per cell; shares in %.", ""]
    missed = []
    with multiprocessing.Pool(workers) as pool:
        for number, figure in enumerate(FIGURES):
            cells = [(n, p) for n in SIZES for p in SHARES]
            jobs = [(number, n, p, kind, repeats) for n, p in cells for kind in LIKENESS]
            found = {}
            for job, shares in zip(jobs, pool.imap(simulate, jobs), strict=True):
                found[job] = shares
                print(figure.name, *job[1:4], shares, file=sys.stderr, flush=True)
            lines += [f"**{figure.name}**", "", f"| n | p | images | {' | '.join(figure.columns)} |"]
            lines.append("|---:|---:|:---|" + "---:|" * len(figure.columns))
            for job in jobs:
                _, n, p, kind, _ = job
                texts = []
                for column, value in zip(figure.columns, found[job], strict=True):
                    miss = value is not None and misses(column, n, p, kind, value, repeats)
                    texts.append("" if value is None else f"{100 * value:.1f}" + (" ✗" if miss else ""))
                    if miss:
                        missed.append(f"{figure.name}, {column}, n={n}, p={p}, images {kind}: {texts[-1]}")
                lines.append(f"| {n:,} | {p:g} | {kind} | {' | '.join(texts)} |")
            lines.append("")
    return "\n".join(lines), missed


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
    parser.add_argument("--repeats", type=int, default=4000, metavar="N", help="sets per cell (default: 4000)")
    args = parser.parse_args()
    table, missed = markdown(30 if args.quick else args.repeats, args.workers)
    print(table)
    if args.write:
        write(Path(__file__).resolve().parent.parent / "docs" / "statistics.md", table)
    if missed and not args.quick:
        sys.exit("outside the limits: " + "; ".join(missed))


if __name__ == "__main__":
    main()
