"""What all training methods are told: the model, the data, and how long and how fast to train."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from vlsbench.align.examples import TrainingExample
from vlsbench.core.errors import DatasetError, UserError
from vlsbench.core.words import counted

Log = Callable[[str], None]

_HANDFUL = 5
"""So few pairs left of data that is mostly something else are a mistake, no training."""


class NothingToLearn(UserError):
    """Training would be for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a method builds its trainer on.

    `base` is the folder that training started from, whatever was learned since: the reference of methods that have
    one. `model` holds the weights to go on with, those of a checkpoint after a kill. `arguments` are for any trainer
    of TRL or transformers; `lora` is a PEFT configuration, None for full training. `rank` is the number of this
    process among those of the training.
    """

    base: Path
    model: Any
    processor: Any
    examples: Sequence[TrainingExample]
    arguments: dict[str, Any]
    lora: Any
    work: Path
    rank: int
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What is trained, on what, and how. Defaults: textual SFT of LLaVA-7B in the paper (appendix).

    `model` is ``mini:VARIANT``, ``hf:REPO_OR_FOLDER[@revision]`` or a folder. `drop_images` trains on the texts of
    the data alone. `max_length` counts tokens, pictures included. `batch_size` is examples per optimiser step, over
    all processes; `max_steps` ends earlier than `epochs` would.
    """

    verb: ClassVar[str]
    """The sub-command."""
    title: ClassVar[str]
    """What the model card says was done."""

    model: str
    data: tuple[str, ...]
    drop_images: bool = False
    lora: bool = False
    epochs: float = 2.0
    lr: float = 2e-5
    max_length: int = 2048
    batch_size: int = 16
    seed: int = 0
    max_steps: int | None = None

    def command(self, out: str = "DIR") -> str:
        """The command line that does this training."""
        words = ["vlsbench", "align", self.verb, "--model", self.model, "--data", *self.data, "--out", out]
        words += ["--drop-images"] if self.drop_images else []
        words += ["--lora"] if self.lora else []
        words += ["--epochs", f"{self.epochs:g}", "--lr", f"{self.lr:g}", "--max-length", str(self.max_length)]
        words += ["--batch-size", str(self.batch_size), "--seed", str(self.seed)]
        words += ["--max-steps", str(self.max_steps)] if self.max_steps is not None else []
        return shlex.join([*words, *self.options()])

    def options(self) -> list[str]:
        """The method's own options, as words of the command line."""
        return []

    def record(self) -> dict[str, Any]:
        """What an unfinished training is recognised by."""
        return {"method": self.verb, **asdict(self)}

    def usable(self, examples: Sequence[TrainingExample], log: Log) -> Sequence[TrainingExample]:  # noqa: ARG002
        """The examples that this method can learn from; `log` is told of those that are left out.

        Raises:
            DatasetError: It cannot learn from them.
        """
        self.check(examples)
        return examples

    def check(self, examples: Sequence[TrainingExample]) -> None:
        """Refuse data that this method cannot learn from.

        Raises:
            DatasetError: It cannot.
        """
        need_answers(examples, self.verb)

    def start_from(self, folder: Path, work: Path, log: Log) -> Path:  # noqa: ARG002
        """The folder to start from, made out of the model's own where the method has a stage before."""
        return folder

    def trainer(self, ground: Ground) -> Any:
        """A trainer of TRL or transformers, set up.

        Raises:
            UserError: It cannot be.
        """
        raise NotImplementedError

    def outcome(self, log_history: Sequence[dict[str, Any]]) -> str:
        """What the model card says of how training went."""
        losses = [entry["loss"] for entry in log_history if "loss" in entry]
        return f"training loss {losses[0]:.4f} at first, {losses[-1]:.4f} at last"


def need_answers(examples: Sequence[TrainingExample], verb: str) -> None:
    """Refuse queries without an answer to learn.

    Raises:
        DatasetError: There are some.
    """
    if lacking := sum(not example.completion for example in examples):
        raise DatasetError(
            f"{lacking:,} of {len(examples):,} examples hold a query and no answer, which `align {verb}` needs. "
            "Queries alone are for `align rl`."
        )


def pairs_among(examples: Sequence[TrainingExample], verb: str, log: Log) -> Sequence[TrainingExample]:
    """The examples that have an answer to reject; how many have none is told.

    Judged answers of runs have one only where some answer to the query was bad.

    Raises:
        DatasetError: There are none, or only a handful is left.
    """
    need_answers(examples, verb)
    pairs = [example for example in examples if example.rejected is not None]
    lacking = len(examples) - len(pairs)
    if not lacking:
        return examples
    if len(pairs) < _HANDFUL:
        left = f"only {counted(len(pairs), 'pair')} would be left" if pairs else "that is all of them"
        raise DatasetError(
            f"{lacking:,} of {len(examples):,} examples have no answer to reject, which `align {verb}` needs: {left}. "
            "Take a source of pairs: mini:textual-pairs, mini:multimodal-pairs, spa-vl:, saferlhf:, jsonl: with "
            "'chosen' and 'rejected', or run: with the answers of a model that fails where another does not."
        )
    log(f"{lacking:,} of {len(examples):,} examples have no answer to reject and are left out")
    return pairs
