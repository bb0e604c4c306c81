"""Do intervals hold where samples share a picture that is not their first?

    python -m benchmarks.bench_shared_pictures [--sets N] [--quick]

Each of 200 samples has a first picture of its own and a second one that it shares with others, as questions with one
diagram or one reference card do. The second picture decides for all of its samples with some probability. Counts how
often a 95 % interval holds the true rate: with clusters by the first picture alone, and by any.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from statistics import mean

from vlsbench import stats
from vlsbench.core.types import Rate
from vlsbench.results import samples
from vlsbench.results.samples import ListedSample

N, TRUTH = 200, 0.3


def drawn(rng: random.Random, sharing: int, alike: float) -> tuple[list[ListedSample], list[bool]]:
    """A set, and which of its samples hit.

    Args:
        rng: The source of luck.
        sharing: Samples to one second picture.
        alike: The share of second pictures whose samples are all of one mind.
    """
    items, hits = [], []
    for number in range(N):
        if number % sharing == 0:
            one_mind = rng.random() < TRUTH if rng.random() < alike else None
        items.append(_listed(number, f"second {number // sharing}"))
        hits.append(rng.random() < TRUTH if one_mind is None else one_mind)
    return items, hits


def _listed(number: int, second: str) -> ListedSample:
    return ListedSample(
        id=str(number),
        category="",
        sub_category="",
        source="",
        harmful=True,
        cluster=f"first {number}",
        twin_of=None,
        more_images=(second,),
    )


def main() -> None:
    """Simulate, print a table."""
    parser = argparse.ArgumentParser(description="Intervals where samples share a picture that is not their first.")
    parser.add_argument("--sets", type=int, default=1000, help="sets per row")
    parser.add_argument("--quick", action="store_true", help="20 sets per row: does it run at all?")
    args = parser.parse_args()
    print("| samples to a second picture | of one mind | by the first | width | by any | width |")
    print("|---|---|---|---|---|---|")
    for sharing, alike in ((2, 0.5), (4, 0.0), (4, 0.5), (4, 1.0), (10, 0.5), (10, 1.0)):
        rng = random.Random(f"{sharing} {alike}")
        found: list[list[Rate]] = [[], []]
        for _ in range(20 if args.quick else args.sets):
            items, hits = drawn(rng, sharing, alike)
            for rates, one in zip(found, ([replace(item, more_images=()) for item in items], items), strict=True):
                rates.append(stats.rate_of(hits, samples.dependence(one)))
        cells = []
        for rates in found:
            ends = [(rate.low, rate.high) for rate in rates if rate.low is not None and rate.high is not None]
            cells.append(f"{100 * mean(low <= TRUTH <= high for low, high in ends):.1f} %")
            cells.append(f"{100 * mean(high - low for low, high in ends):.1f}")
        print(f"| {sharing} | {100 * alike:.0f} % | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
