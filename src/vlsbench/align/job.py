"""One training job, whatever the method: checked data, a locked work folder, resuming, a folder with a card.

The same command after a kill goes on from the last complete checkpoint; the output folder appears in one
step when everything is in it (`vlsbench.align.work`). Under ``accelerate launch`` every process runs this; the first
one makes the folders.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.align import card, data, start
from vlsbench.align.card import Fit
from vlsbench.align.examples import TrainingExample
from vlsbench.align.processes import Processes
from vlsbench.align.settings import Ground, Log, NothingToLearn, Training
from vlsbench.align.watch import NotFinite, watch
from vlsbench.align.work import WorkFolder, check_free
from vlsbench.core.errors import UserError
from vlsbench.core.privacy import no_telemetry

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel, ProcessorMixin

LORA_RANK = 16
_SCRATCH = "pictures"
_BEFORE = "before.json"


def train(settings: Training, out: Path, log: Log = lambda _line: None) -> Path:
    """Train a model, or go on where a killed training stopped.

    Args:
        settings: The method: what to train, on what, and how.
        out: The folder to make; it loads like any other model folder.
        log: Takes lines of progress.

    Returns:
        The output folder.

    Raises:
        UserError: `out` exists, an unfinished training with other settings is in the way, the model is missing
            or cannot be trained, the loss is no longer finite, or there is nothing to learn.
        RunError: Another process is at the same training.
        DatasetError: Training data that cannot be used.
        AccessDenied: The model's repository is gated, private or unknown.
        Stopped: The hub cannot be reached.
        MissingExtra: TRL or one of its companions is not installed.
    """
    no_telemetry()
    check_free(out)
    start.require_packages()
    processes = Processes.now(settings.batch_size)
    log = log if processes.first else lambda _line: None
    place = start.parse(settings.model)
    base = start.fetch(place) if place.is_folder else None
    with WorkFolder(out, settings.record(), owner=processes.first) as work:
        processes.wait()  # for the folder
        examples = data.load(settings.data, work.path / _SCRATCH, drop_images=settings.drop_images)
        examples = list(settings.usable(examples, log))  # Before a download that may take an hour.
        folder = base or start.fetch(place)
        log(f"{len(examples):,} examples, {sum(bool(example.images) for example in examples):,} with pictures")
        try:
            with quiet():
                _train(settings, settings.start_from(folder, work.path, log), examples, work, processes, log)
        except NothingToLearn:
            work.discard()
            raise
        except NotFinite as error:
            work.discard()
            raise UserError(
                f"The loss is {error.loss} at step {error.step} (epoch {error.epoch:.2f}): training stopped and "
                "nothing was kept. Try a lower --lr, or look for odd records in the data."
            ) from error
        return out


def _train(
    settings: Training, base: Path, examples: list[TrainingExample], work: WorkFolder, processes: Processes, log: Log
) -> None:
    checkpoint = processes.after_first(work.last_checkpoint)  # The first one removes what was cut off.
    if checkpoint:
        log(f"going on from {checkpoint.name.replace('-', ' ')}")
    gpu = _has_gpu()
    # The trainer restores full weights by the names of the module tree, but checkpoints of LLaVA and its
    # kin hold the names of the hub, and what does not match is skipped in silence. So load them here.
    newest = checkpoint if checkpoint and not settings.lora else base
    # Full training keeps float32 weights, whose small steps bfloat16 would lose; a LoRA's base never moves.
    model = start.load_model(newest, "bfloat16" if gpu and settings.lora else "float32")
    processor = start.load_processor(base)  # Not every trainer keeps it in its checkpoints.
    if gpu:
        model = model.to("cuda")
    before = processes.after_first(lambda: _before(work.path / _BEFORE, model, processor, examples, settings))
    ground = Ground(
        base=base,
        model=model,
        processor=processor,
        examples=examples,
        arguments=_arguments(settings, work.path, processes, gpu=gpu),
        lora=_lora() if settings.lora else None,
        work=work.path,
        rank=processes.rank,
        log=log,
    )
    trainer = settings.trainer(ground)
    watch(trainer, log)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trained = trainer.accelerator.unwrap_model(trainer.model)
    if processes.first:
        trained = work.save(trained, processor, lora=settings.lora)
        after = card.fit(trained, processor, examples, settings.max_length)
        work.deliver(card.text(settings, str(work.out), len(examples), trainer.state, before, after))
    processes.wait()


def _before(
    file: Path, model: PreTrainedModel, processor: ProcessorMixin, examples: list[TrainingExample], settings: Training
) -> Fit:
    """How the model took the training answers before it was trained; kept, for a training that goes on."""
    if file.is_file():
        return Fit(**json.loads(file.read_text()))
    found = card.fit(model, processor, examples, settings.max_length)
    file.write_text(found.to_json())
    return found


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def _arguments(settings: Training, work: Path, processes: Processes, *, gpu: bool) -> dict[str, object]:
    """Arguments of any trainer of TRL or transformers."""
    return {
        "output_dir": str(work),
        "use_cpu": not gpu,
        "bf16": gpu,
        "activation_checkpointing": gpu,
        "dataloader_pin_memory": gpu,
        "per_device_train_batch_size": processes.share(settings.batch_size),
        "num_train_epochs": settings.epochs,
        "max_steps": -1 if settings.max_steps is None else settings.max_steps,
        "learning_rate": settings.lr,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "save_steps": 0.2,
        "save_total_limit": 2,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
    }


def _lora() -> LoraConfig:
    from peft import LoraConfig

    return LoraConfig(r=LORA_RANK, lora_alpha=2 * LORA_RANK, target_modules=r".*language_model.*_proj")


@contextmanager
def quiet() -> Iterator[None]:
    """Progress bars and hints of the libraries off; our own lines tell the progress, and no training data."""
    import datasets
    from transformers.utils import logging as hf_logging

    trl = logging.getLogger("trl")
    bars = datasets.are_progress_bars_disabled(), hf_logging.is_progress_bar_enabled()
    levels = hf_logging.get_verbosity(), trl.level
    datasets.disable_progress_bars()
    hf_logging.disable_progress_bar()
    hf_logging.set_verbosity_error()
    trl.setLevel(logging.ERROR)  # Its warnings quote examples.
    try:
        yield
    finally:
        hf_logging.set_verbosity(levels[0])
        trl.setLevel(levels[1])
        if bars[1]:
            hf_logging.enable_progress_bar()
        if not bars[0]:
            datasets.enable_progress_bars()
