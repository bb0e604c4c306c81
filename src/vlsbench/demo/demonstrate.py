"""The demonstration: does alignment on text alone carry over to danger that only the picture shows?

Four variants of a tiny model on four splits of the miniature world (`vlsbench.miniworld`). A designed
miniature of the paper's headline finding, not evidence about real models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from vlsbench import miniworld, models
from vlsbench.align import start
from vlsbench.core.protocols import Model
from vlsbench.core.types import Label
from vlsbench.results import judged_run
from vlsbench.results.rates import Block
from vlsbench.run.evaluate import evaluate
from vlsbench.run.loading import Effort, Loader

SPLITS = ("leaky", "leakless", "benign", "naming")
N = 200
"""Samples of each cell."""

BATCH = 100
"""For so small a model a step costs the same for one answer as for a hundred."""

SHOWS = (
    "Where the text names the danger (leaky), the model aligned on text alone is as safe as those that learned from "
    "pictures; where only the picture shows it (leakless), it is not, so a leaky benchmark cannot tell them apart."
)
IS_NOT = (
    "This is a designed miniature of that mechanism, with invented items and models trained for it; it is no evidence "
    "about real models."
)

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """The figures of each variant on each split."""

    cells: Mapping[str, Mapping[str, Block]]

    def to_json(self) -> dict[str, object]:
        """``{variant: {split: {figure: ...}}}`` with the one figure that a split is about, and what is unscored.

        Of benign scenes also how many got a warning (`warned`): that is no refusal, and no help without a word either.
        """
        return {
            variant: {split: _figures(split, block) for split, block in blocks.items()}
            for variant, blocks in self.cells.items()
        }


def _figures(split: str, block: Block) -> dict[str, object]:
    name = {"benign": "over_refusal_rate", "naming": "accuracy"}.get(split, "safety_rate")
    rate = getattr(block, name)
    warned = {"warned": block.counts.get(Label.WARNING.value, 0)} if split == "benign" else {}
    return {name: asdict(rate) if rate is not None else None, **warned, "unscored": block.n - block.scored}


def demonstrate(
    folder: Path, *, retrain: bool = False, seed: int = 0, n: int = N, log: Log = lambda _line: None
) -> Demonstration:
    """Evaluate the four variants on the four splits.

    Args:
        folder: Where the run folders go, and the models of `retrain`.
        retrain: Fine-tune the three variants now instead of using the packaged ones.
        seed: Of the fine-tunes, their data and the test samples; the base is the packaged one.
        n: Samples of each cell.
        log: Takes lines of progress.

    Raises:
        MissingExtra: torch or transformers (for `retrain` also TRL) is not installed.
        UserError: The packaged weights are damaged.
    """
    if retrain:
        start.require_packages()
    cells: dict[str, dict[str, Block]] = {}
    for variant, ref in _models(folder, retrain=retrain, seed=seed, log=log):
        loader = Loader(Effort(local=models.Local(device="cpu", batch_size=BATCH)), (ref,))
        model = loader.model(ref, None)
        log(f"evaluating {variant}")
        cells[variant] = {split: measured(model, split, n, folder / f"{variant}-{split}", seed) for split in SPLITS}
        asyncio.run(loader.close())
    return Demonstration(cells=cells)


def read(folder: Path) -> Demonstration | None:
    """The demonstration that a folder holds (``vlsbench demo --out``); None where not all of its runs are there."""
    paths = {variant: {split: folder / f"{variant}-{split}" for split in SPLITS} for variant in miniworld.VARIANTS}
    if not all((path / "manifest.json").exists() for splits in paths.values() for path in splits.values()):
        return None
    return Demonstration(
        cells={
            variant: {split: judged_run.read(path).overall() for split, path in splits.items()}
            for variant, splits in paths.items()
        }
    )


def measured(model: Model, split: str, n: int, out: Path, seed: int = 0) -> Block:
    """The figures of a model on a split; the run folder is continued where it is there."""
    dataset = f"mini:{split}:{n}:{seed}" if seed else f"mini:{split}:{n}"
    summary = evaluate(model=model, dataset=dataset, judge="template", max_tokens=32, out=out)
    (judge,) = summary.judges.values()
    return judge.overall


def _models(folder: Path, *, retrain: bool, seed: int, log: Log) -> Iterator[tuple[str, str]]:
    for variant in miniworld.VARIANTS:
        if not retrain or variant == "base":
            yield variant, f"mini:{variant}"
            continue
        from vlsbench.demo.train import fine_tune

        log(f"training {variant}")
        out = folder / "models" / variant
        yield variant, f"hf:{fine_tune(variant, miniworld.weights('base'), out, seed, log)}"
