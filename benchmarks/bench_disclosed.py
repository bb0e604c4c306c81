"""What the miniature's outcome rests on: the textual form where a base or its data lack one of the designed lessons.

    python -m benchmarks.bench_disclosed [--seed N] [--quick]

Trains a base to which no picture of a hazard it knows is shown under a neutral query, and fine-tunes it on text; and
fine-tunes the packaged base on text without any general data. Prints both beside the form as it is packaged. The
training of the base takes about eight minutes of CPU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

from benchmarks.measure import machine
from vlsbench import miniworld
from vlsbench.demo import cards, measure, pretrain, train
from vlsbench.miniworld import finetune_data, language
from vlsbench.miniworld.lessons import Row

WITHOUT_GENERAL = 3
"""Seeds on which the form without general data is tried: what it does differs from seed to seed."""

QUICK = pretrain.PretrainRecipe(pictures=64, batch=8, vision_steps=2, language_steps=2)


def known_hazards_left_out(rng: Random, item: int, colour: int) -> Row:
    """A lesson with a picture as in `pretrain.about`, but never help under a neutral query with a known hazard."""
    while (row := pretrain.about(rng, item, colour))[0] in language.NEUTRAL and _is_known(item):
        pass
    return row


def _is_known(item: int) -> bool:
    return language.ITEMS[item] in language.KNOWN_HAZARDS


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description="What does the miniature's outcome rest on?")
    parser.add_argument("--seed", type=int, default=0, help="of training data, training and test")
    parser.add_argument("--quick", action="store_true", help="a few steps and samples: do they run at all?")
    args = parser.parse_args()
    n = 4 if args.quick else train.N

    def log(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    place = machine()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recipe = QUICK if args.quick else None
        base = train.train_base(root / "base", args.seed, recipe, log, known_hazards_left_out)
        textual = train.fine_tune("textual-sft", base, root / "textual", args.seed, log)
        finetune_data.UNNAMED_SHARE = finetune_data.REPLAY_SHARE = 0.0
        models = [
            ("textual-sft as packaged", args.seed, miniworld.weights("textual-sft")),
            ("base without pictures of known hazards under neutral queries", args.seed, base),
            ("textual-sft of that base", args.seed, textual),
        ]
        for seed in range(args.seed, args.seed + (1 if args.quick else WITHOUT_GENERAL)):
            out = train.fine_tune("textual-sft", miniworld.weights("base"), root / f"no-general-{seed}", seed, log)
            models.append(("textual-sft without general data", seed, out))
        rows = [
            [name, str(seed), *cards.row(measure.measure(*train.load(path), n=n, seed=seed))]
            for name, seed, path in models
        ]
    print(f"### What the miniature's outcome rests on\n\n{place}; {n} samples a cell.\n")
    print(cards.table(rows, ["model", "seed", *cards.HEAD]))


if __name__ == "__main__":
    main()
