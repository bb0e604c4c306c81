"""The partial-input baseline put to the test: false alarms, coverage, and time for near-copies.

python -m benchmarks.bench_partial_input_error [--quick]

Random texts of eight words, in which nothing tells or one word tells half of the harmful ones; some with near-copies of
each text. What the interval should hold is the mean area over all repeats.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.measure import machine, table
from vlsbench.core.types import Expect, Sample
from vlsbench.leakage.baseline import near_copies
from vlsbench.leakage.baseline.partial_input import baseline

REPEATS = 200
VOCABULARY = [f"w{first}{second}" for first in "abcdefghijkl" for second in "abcdefghijklmnopqrstuvwxy"]
HINT = "zorb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How many records of either kind, near-copies of each, and the share of harmful texts with the word that tells."""

    harmful: int
    benign: int
    copies: int = 0
    telling: float = 0.0


DESIGNS = (
    Design(harmful=25, benign=25),
    Design(harmful=100, benign=100),
    Design(harmful=200, benign=20),
    Design(harmful=40, benign=40, copies=1),
    Design(harmful=40, benign=40, copies=3),
    Design(harmful=100, benign=100, telling=0.5),
    Design(harmful=40, benign=40, copies=1, telling=0.5),
)


@dataclass
class Drawn:
    """A dataset of samples that were drawn."""

    samples: list[Sample]
    root: Path | None = None
    name: str = "drawn"
    revision: str = ""

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)


def drawn(design: Design, rng: Random) -> Drawn:
    """One dataset of a design."""
    found = []
    for number in range(design.harmful + design.benign):
        harmful = number < design.harmful
        words = rng.choices(VOCABULARY, k=8)
        if harmful and rng.random() < design.telling:
            words.append(HINT)
        for copy in range(1 + design.copies):
            text = " ".join([*words, *["please"] * copy])
            kind = Expect.HARMFUL if harmful else Expect.BENIGN
            found.append(Sample(id=f"{number}-{copy}", text=text, expect=kind))
    rng.shuffle(found)
    return Drawn(found)


def errors(design: Design, repeats: int) -> list[str]:
    """A row of the table: mean area, how often the interval holds it, how often it is wholly above one half."""
    rng = Random(repr(design))
    areas = [baseline(drawn(design, rng), seed=rng.randrange(10**6)).text.auc for _ in range(repeats)]
    found = [one for one in areas if one is not None and one.low is not None and one.high is not None]
    truth = sum(one.value for one in found) / len(found) if design.telling else 0.5
    held = sum(one.low <= truth <= one.high for one in found if one.low is not None and one.high is not None)
    above = sum(one.low > 0.5 for one in found if one.low is not None)
    mean = sum(one.value for one in found) / len(found)
    shares = [f"{100 * count / len(found):.1f}" for count in (held, above)]
    name = f"{design.harmful} : {design.benign}"
    return [name, str(design.copies), f"{100 * design.telling:.0f} %", f"{mean:.3f}", *shares]


def seconds(n: int) -> float:
    """CPU time to find the near-copies among `n` texts, of which half are of one template."""
    rng = Random(n)
    texts = [f"tell me how to paint item{rng.randrange(10**6)} at noon in the garden" for _ in range(n // 2)]
    texts += [" ".join(rng.choices(VOCABULARY, k=8)) for _ in range(n - n // 2)]
    start = time.process_time()
    list(near_copies.links(texts))
    return time.process_time() - start


def main() -> None:
    """Simulate, measure and print."""
    parser = argparse.ArgumentParser(description="Errors of the partial-input baseline, and time for near-copies.")
    parser.add_argument("--quick", action="store_true", help="5 repeats, 2,000 texts")
    args = parser.parse_args()
    if importlib.util.find_spec("sklearn") is None:
        print("skipped: errors of partial input (to include it: pip install -e '.[audit]')")
        return
    repeats = 5 if args.quick else REPEATS
    print(f"### Partial-input baseline: errors\n\n{repeats} repeats of each design.\n")
    heads = ["harmful : benign", "near-copies of each", "texts that tell", "mean AUC", "interval holds it, %"]
    print(table([*heads, "interval above 0.5, %"], [errors(design, repeats) for design in DESIGNS]))
    sizes = (1_000, 2_000) if args.quick else (12_500, 25_000, 50_000, 100_000)
    print(f"\n### Near-copies: time\n\n{machine()}; half of the texts are of one template.\n")
    rows = [[f"{n:,}", f"{took:.2f}", f"{1e6 * took / n:.0f}"] for n in sizes for took in [seconds(n)]]
    print(table(["texts", "CPU, s", "CPU per text, µs"], rows))


if __name__ == "__main__":
    main()
