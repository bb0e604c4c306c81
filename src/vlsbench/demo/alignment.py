"""The finding for every method of the paper, in miniature: aligned on text alone, and with pictures.

Each method trains a textual and a multimodal form from ``mini:base``. Where the text names the danger both are safe;
where only the picture shows it, the textual form does not see it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vlsbench import models
from vlsbench.align import start
from vlsbench.align.job import train
from vlsbench.align.preference import DPO
from vlsbench.align.rl import RL
from vlsbench.align.settings import Log, Training
from vlsbench.align.unlearn import Unlearning
from vlsbench.align.work import RECORD
from vlsbench.core.errors import UserError
from vlsbench.demo.demonstrate import BATCH, SPLITS, Demonstration, N, measured
from vlsbench.demo.train import FINE_TUNES, with_seed
from vlsbench.results.rates import Block
from vlsbench.run.loading import Effort, Loader

BASE = "mini:base"
_TEXT, _PICTURES = "mini:textual-pairs", "mini:multimodal-pairs"


def _dpo(data: str, lr: float) -> Training:
    return DPO(model=BASE, data=(f"{data}:2400",), epochs=1, lr=lr, max_length=128)


def _unlearning(objective: str, data: str, n: int, lr: float) -> Training:
    return Unlearning(
        model=BASE, data=(f"{data}:{n}",), objective=objective, epochs=1, lr=lr, max_length=128, batch_size=32
    )


def _rl(data: str, queries: int) -> Training:
    return RL(
        model=BASE,
        data=(f"{data}:{queries}",),
        reward="template",
        lr=2e-4,
        max_length=128,
        max_tokens=16,
        warm_up=30,
        warm_up_lr=1e-4,
    )


ALIGNMENTS: Mapping[str, Training] = {
    "textual-sft": FINE_TUNES["textual-sft"],
    "multimodal-sft": FINE_TUNES["multimodal-sft"],
    "textual-dpo": _dpo(_TEXT, 7e-5),
    "multimodal-dpo": _dpo(_PICTURES, 3e-4),
    "textual-rl": _rl(_TEXT, 480),
    "multimodal-rl": _rl(_PICTURES, 960),
    "textual-unlearning": _unlearning("ga", _TEXT, 1600, 5e-5),
    "multimodal-unlearning": _unlearning("ga", _PICTURES, 2400, 1e-4),
    "textual-safe-unlearning": _unlearning("safe", _TEXT, 2400, 7e-5),
    "multimodal-safe-unlearning": _unlearning("safe", _PICTURES, 2400, 3e-4),
}
"""Every alignment that is shown; each is one command of the program."""


def seeded(name: str, seed: int) -> Training:
    """One of `ALIGNMENTS` with another seed for its data and its training."""
    settings = ALIGNMENTS[name]
    return replace(settings, seed=seed, data=tuple(with_seed(source, seed) for source in settings.data))


def demonstrate_alignment(
    folder: Path,
    *,
    seed: int = 0,
    n: int = N,
    log: Log = lambda _line: None,
) -> Demonstration:
    """Train and measure all forms of all methods, or go on doing so.

    Args:
        folder: Where models and run folders go; what is there already is not done again.
        seed: Of training data, training, and the samples that are measured.
        n: Samples of each cell.
        log: Takes lines of progress.

    Raises:
        MissingExtra: A package for training is not installed.
        UserError: The folder holds models of another recipe.
        Stopped: The disk gave out; the same call continues.
    """
    start.require_packages()
    found = Demonstration(cells={"base": _evaluated(BASE, "base", folder, seed, n, log)})
    for name in ALIGNMENTS:
        out = folder / "models" / name
        settings = seeded(name, seed)
        if not out.exists():
            log(f"training {name}: {settings.command(str(out))}")
            train(settings, out, log)
        elif json.loads((out / RECORD).read_text()) != json.loads(json.dumps(settings.record())):
            raise UserError(f"{out} was trained by another recipe. Remove it, or choose another --out.")
        found = Demonstration(cells={**found.cells, name: _evaluated(f"hf:{out}", name, folder, seed, n, log)})
    return found


def _evaluated(ref: str, name: str, folder: Path, seed: int, n: int, log: Log) -> dict[str, Block]:
    loader = Loader(Effort(local=models.Local(device="cpu", batch_size=BATCH)), (ref,))
    model = loader.model(ref, None)
    log(f"evaluating {name}")
    cells = {split: measured(model, split, n, folder / "runs" / f"{name}-{split}", seed) for split in SPLITS}
    asyncio.run(loader.close())
    return cells
