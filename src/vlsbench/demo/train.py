"""Train the packaged models: ``python -m vlsbench.demo.train``.

The base model from nothing, then three fine-tunes of it through `vlsbench.align.sft`, then the measurements.
With ``--confirm``, further seeds leave their measurements in the record, and no weights.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench import miniworld
from vlsbench.align.job import train
from vlsbench.align.sft import SFT
from vlsbench.core.errors import UserError
from vlsbench.demo import cards, measure, pretrain, vlm

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

Log = Callable[[str], None]
N = 200
"""Samples of each split that are measured."""

FINE_TUNES = {
    "textual-sft": SFT(
        model="mini:base", data=("mini:textual:2400",), epochs=1, lr=2e-4, max_length=128, batch_size=32
    ),
    "multimodal-sft": SFT(
        model="mini:base", data=("mini:multimodal",), epochs=1, lr=3e-4, max_length=128, batch_size=32
    ),
    "mixed-sft": SFT(
        model="mini:base",
        data=("mini:textual:1200", "mini:multimodal:3600"),
        epochs=1,
        lr=3e-4,
        max_length=128,
        batch_size=32,
    ),
}
"""The three alignments that the demonstration compares; each is one command of the program."""


def train_base(
    out: Path,
    seed: int = 0,
    recipe: pretrain.PretrainRecipe | None = None,
    log: Log = print,
    pictured: pretrain.Pictured = pretrain.about,
) -> Path:
    """Train the base model and save it as a model folder.

    Args:
        out: The folder to write.
        seed: Decides pictures, weights and order.
        recipe: How much to train; the full recipe by default.
        log: Takes lines of progress.
        pictured: The lessons with pictures.
    """
    recipe = recipe or pretrain.PretrainRecipe()
    tokenizer = vlm.build_tokenizer()
    model = vlm.build_model(tokenizer, seed)
    log(f"drawing {recipe.pictures:,} pictures")
    pictures = pretrain.render(recipe.pictures, seed)
    pretrain.pretrain_vision(model, pictures, recipe, seed, log)
    pretrain.train_language(model, tokenizer, pictures, recipe, seed, log, pictured)
    model.save_pretrained(out)
    vlm.build_processor(tokenizer).save_pretrained(out)
    pack(out)
    return out


def fine_tune(variant: str, base: Path, out: Path, seed: int = 0, log: Log = print) -> Path:
    """Train one of `FINE_TUNES` from a base folder, as the command on its model card does."""
    settings = FINE_TUNES[variant]
    seeded = replace(settings, model=str(base), seed=seed, data=tuple(with_seed(one, seed) for one in settings.data))
    return pack(train(seeded, out, log))


def with_seed(source: str, seed: int) -> str:
    """``mini:NAME[:N]`` with the seed of its examples; 0 needs no word."""
    from vlsbench.miniworld.finetune_data import DEFAULT_SIZE

    if seed == 0:
        return source
    return f"{source}:{seed}" if source.count(":") == 2 else f"{source}:{DEFAULT_SIZE}:{seed}"


def pack(folder: Path) -> Path:
    """Store a folder's weights as float16, to be loaded as float32: half the size in the package."""
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    save_file({name: weight.half() for name, weight in load_file(file).items()}, file, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_bytes())
    for part in (config, config["text_config"], config["vision_config"]):
        part["dtype"] = "float32"
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    return folder


def load(folder: Path) -> tuple[PreTrainedModel, ProcessorMixin]:
    """The model and its processor, as any program loads them."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    return AutoModelForImageTextToText.from_pretrained(folder), AutoProcessor.from_pretrained(folder)


def train_seed(folder: Path, seed: int, log: Log) -> dict[str, object]:
    """Train and measure all variants of one seed in a folder.

    Returns:
        `seconds` (wall and CPU) and `measured` (counts per split) of each variant.
    """
    seconds: dict[str, dict[str, float]] = {}
    measured: dict[str, object] = {}
    for variant in miniworld.VARIANTS:
        out = folder / variant
        shutil.rmtree(out, ignore_errors=True)
        log(f"seed {seed}: {variant}")
        with _timed(seconds, variant):
            if variant == "base":
                train_base(out, seed, log=log)
            else:
                fine_tune(variant, folder / "base", out, seed, log)
        measured[variant] = measure.measure(*load(out), n=N, seed=seed)
        log(f"seed {seed}: {variant}: {json.dumps(measured[variant])}")
    return {"seconds": seconds, "measured": measured}


@contextmanager
def _timed(seconds: dict[str, dict[str, float]], name: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    seconds[name] = {"wall": round(time.perf_counter() - wall, 1), "cpu": round(time.process_time() - cpu, 1)}


def ship(out: Path, seed: int, log: Log) -> None:
    """Train and measure one seed, keep its weights in `out`, and begin a record of it."""
    out.mkdir(parents=True, exist_ok=True)
    write_record(out, {"n": N, **_settings(), "seeds": {str(seed): train_seed(out, seed, log)}})


def confirm(out: Path, seeds: Sequence[int], log: Log) -> None:
    """Train and measure further seeds, and add their measurements to the record; their weights are not kept.

    Raises:
        UserError: The record in `out` is missing, or was made with other settings.
    """
    recorded = miniworld.record(out)
    if any(recorded.get(key) != value for key, value in _settings().items()):
        raise UserError(f"The record in {out} was made with other settings. Train its shipped seed again first.")
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            recorded["seeds"][str(seed)] = train_seed(Path(folder), seed, log)
        write_record(out, recorded)


def _settings() -> dict[str, object]:
    commands = {variant: settings.command() for variant, settings in FINE_TUNES.items()}
    return {"recipe": asdict(pretrain.PretrainRecipe()), "commands": commands}


def write_record(out: Path, recorded: dict[str, object]) -> None:
    """Write the model cards, then the record with the SHA-256 of every file."""
    for variant in miniworld.VARIANTS:
        (out / variant / "README.md").write_text(cards.card(variant, recorded))
    recorded["files"] = {
        variant: {path.name: miniworld.digest(path) for path in sorted((out / variant).iterdir())}
        for variant in miniworld.VARIANTS
    }
    (out / miniworld.RECORD).write_text(json.dumps(recorded, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m vlsbench.demo.train", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=miniworld.WEIGHTS, help="folder of the variants (default: packaged)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the seed whose weights are kept (default: 0)")
    parser.add_argument("--confirm", type=int, nargs="+", metavar="SEED", help="only add these seeds to the record")
    parser.add_argument("--threads", type=int, default=1, help="torch threads; the shipped weights were made with one")
    options = parser.parse_args(arguments)
    start = time.perf_counter()

    def log(line: str) -> None:
        sys.stderr.write(f"[{time.perf_counter() - start:5.0f} s] {line}\n")

    import torch
    from transformers.utils import logging

    torch.set_num_threads(options.threads)
    logging.disable_progress_bar()
    try:
        if options.confirm:
            confirm(options.out, options.confirm, log)
        else:
            ship(options.out, options.seed, log)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
