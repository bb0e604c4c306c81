"""Supervised fine-tuning of a VLM on text, pictures or both, over TRL's SFTTrainer and PEFT.

The same command after a kill goes on from the last complete checkpoint; the output folder appears in one
step when everything is in it (`vlsbench.align.work`).
"""

from __future__ import annotations

import math
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlsbench.align import data as sources
from vlsbench.align import start
from vlsbench.align.work import check_free, deliver, last_checkpoint, open_work
from vlsbench.core.errors import UserError
from vlsbench.core.version import __version__

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import ProcessorMixin, TrainerCallback, TrainerState
    from trl import SFTTrainer

Log = Callable[[str], None]

LORA_RANK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SFT:
    """What is trained, on what, and how. Defaults: textual SFT of LLaVA-7B in the paper (appendix).

    `model` is ``mini:VARIANT``, ``hf:REPO_OR_FOLDER[@revision]`` or a folder. `max_length` counts tokens, pictures
    included. `batch_size` is examples per optimiser step; `max_steps` ends earlier than `epochs` would.
    """

    model: str
    data: tuple[str, ...]
    lora: bool = False
    epochs: float = 2.0
    lr: float = 2e-5
    max_length: int = 2048
    batch_size: int = 16
    seed: int = 0
    max_steps: int | None = None

    def command(self, out: str = "DIR") -> str:
        """The command line that does this training."""
        words = ["vlsbench", "align", "sft", "--model", self.model, "--data", *self.data, "--out", out]
        words += ["--lora"] if self.lora else []
        words += ["--epochs", f"{self.epochs:g}", "--lr", f"{self.lr:g}", "--max-length", str(self.max_length)]
        words += ["--batch-size", str(self.batch_size), "--seed", str(self.seed)]
        words += ["--max-steps", str(self.max_steps)] if self.max_steps is not None else []
        return shlex.join(words)


def train_sft(settings: SFT, out: Path, log: Log = lambda _line: None) -> Path:
    """Fine-tune a model, or go on where a killed training stopped.

    Args:
        settings: What to train, on what, and how.
        out: The folder to make; it loads like any other model folder.
        log: Takes lines of progress.

    Returns:
        The output folder.

    Raises:
        UserError: `out` exists, an unfinished training with other settings is in the way, the model is missing
            or cannot be trained, or the loss is no longer finite.
        DatasetError: Training data that cannot be used.
        AccessDenied: The model's repository is gated, private or unknown.
        Stopped: The hub cannot be reached.
        MissingExtra: TRL or one of its companions is not installed.
    """
    check_free(out)
    start.require_packages()
    place = start.parse(settings.model)
    base = start.fetch(place) if place.is_folder else None
    examples = sources.load(settings.data)  # Before a download that may take an hour.
    folder = base or start.fetch(place)
    work = open_work(out, asdict(settings))
    log(f"{len(examples):,} examples, {sum(bool(example.images) for example in examples):,} with pictures")
    try:
        with _quiet():
            checkpoint = last_checkpoint(work)
            if checkpoint:
                log(f"going on from {checkpoint.name.replace('-', ' ')}")
            # The trainer restores full weights by the names of the module tree, but checkpoints of LLaVA and its
            # kin hold the names of the hub, and what does not match is skipped in silence. So load them here.
            newest = checkpoint if checkpoint and not settings.lora else folder
            trainer, processor = _trainer(settings, newest, examples, work, log)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            model = trainer.model.merge_and_unload() if settings.lora else trainer.model
            return deliver(work, out, model, processor, _card(settings, out, len(examples), trainer.state))
    except _NotFinite as error:
        shutil.rmtree(work)
        raise UserError(
            f"The loss is {error.loss} at step {error.step} (epoch {error.epoch:.2f}): training stopped and nothing "
            "was kept. Try a lower --lr, or look for odd records in the data."
        ) from error


def _trainer(
    settings: SFT, folder: Path, examples: Sequence[sources.TrainingExample], work: Path, log: Log
) -> tuple[SFTTrainer, ProcessorMixin]:
    """TRL's trainer, set up, and the processor."""
    import torch
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    gpu = torch.cuda.is_available()
    # Full training keeps float32 weights, whose small steps bfloat16 would lose; a LoRA's base never moves.
    model, processor = start.load(folder, "bfloat16" if gpu and settings.lora else "float32")
    arguments = SFTConfig(
        output_dir=str(work),
        use_cpu=not gpu,
        bf16=gpu,
        activation_checkpointing=gpu,
        dataloader_pin_memory=gpu,
        per_device_train_batch_size=settings.batch_size,
        num_train_epochs=settings.epochs,
        max_steps=-1 if settings.max_steps is None else settings.max_steps,
        learning_rate=settings.lr,
        lr_scheduler_type="cosine",
        warmup_steps=0.03,
        max_length=settings.max_length,
        seed=settings.seed,
        data_seed=settings.seed,
        completion_only_loss=True,
        save_steps=0.2,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model,
        args=arguments,
        train_dataset=_table(examples),
        processing_class=processor,
        peft_config=_lora() if settings.lora else None,
        callbacks=[_watch(log)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer, processor


def _table(examples: Sequence[sources.TrainingExample]) -> Dataset:
    """The examples as TRL wants them: message lists, and images only if there are any."""
    from datasets import Dataset, Image, List

    from vlsbench.core.images import from_data_uri

    def stored(image: str) -> dict[str, str | bytes | None]:
        return {"bytes": from_data_uri(image), "path": None} if image.startswith("data:") else {"path": image}

    columns: dict[str, list[object]] = {
        "prompt": [[{"role": turn.role, "content": turn.text} for turn in example.prompt] for example in examples],
        "completion": [[{"role": "assistant", "content": example.completion}] for example in examples],
    }
    if not any(example.images for example in examples):
        return Dataset.from_dict(columns)
    columns["images"] = [[stored(image) for image in example.images] for example in examples]
    return Dataset.from_dict(columns).cast_column("images", List(Image(mode="RGB")))


def _lora() -> LoraConfig:
    from peft import LoraConfig

    return LoraConfig(r=LORA_RANK, lora_alpha=2 * LORA_RANK, target_modules=r".*language_model.*_proj")


@contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars and hints of the libraries off; our own lines tell the progress."""
    import datasets
    from transformers.utils import logging

    bars, verbosity = datasets.are_progress_bars_disabled(), logging.get_verbosity()
    datasets.disable_progress_bars()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
        if not bars:
            datasets.enable_progress_bars()


class _NotFinite(Exception):
    def __init__(self, loss: float, step: int, epoch: float) -> None:
        super().__init__(f"loss {loss} at step {step}")
        self.loss, self.step, self.epoch = loss, step, epoch


def _watch(log: Log) -> TrainerCallback:
    """A callback that reports about twenty times, and stops at the first loss that is not finite."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc, unused-ignore]
        def on_log(self, args: object, state: TrainerState, control: object, **kwargs: Any) -> None:  # noqa: ARG002
            loss = kwargs["logs"].get("loss")
            if loss is None:
                return
            if not math.isfinite(loss):
                raise _NotFinite(loss, state.global_step, state.epoch)
            if state.global_step % max(1, state.max_steps // 20) == 0:
                log(f"step {state.global_step}/{state.max_steps}: loss {loss:.4f}")

    return Watch()


def _card(settings: SFT, out: Path, n_examples: int, state: TrainerState) -> str:
    from transformers import __version__ as transformers_version
    from trl import __version__ as trl_version

    losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
    return f"""# {out.name}

`{settings.model}`, {"LoRA merged in" if settings.lora else "all parameters"} fine-tuned by supervised learning (SFT).

- Data: {", ".join(f"`{source}`" for source in settings.data)} ({n_examples:,} examples)
- Steps: {state.global_step:,}; training loss {losses[0]:.4f} at first, {losses[-1]:.4f} at last
- Made with vlsbench {__version__}, TRL {trl_version}, transformers {transformers_version}

```
{settings.command(str(out))}
```

Nothing is known of this model's safety before it is evaluated: `vlsbench eval --model hf:{out}`.
"""
