"""Supervised fine-tuning of a VLM on text, pictures or both, over TRL's SFTTrainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from vlsbench.align.examples import answers, prompts, table
from vlsbench.align.settings import Ground, Training


@dataclass(frozen=True, slots=True, kw_only=True)
class SFT(Training):
    """Learn the answers of the data; those to reject, where it has any, are left aside."""

    verb: ClassVar[str] = "sft"
    title: ClassVar[str] = "supervised fine-tuning (SFT)"

    def trainer(self, ground: Ground) -> Any:
        """TRL's `SFTTrainer`; only the last answer counts in the loss."""
        from trl import SFTConfig, SFTTrainer

        columns = {
            "prompt": prompts(ground.examples),
            "completion": answers([example.completion for example in ground.examples]),
        }
        return SFTTrainer(
            ground.model,
            args=SFTConfig(**ground.arguments, max_length=self.max_length, completion_only_loss=True),
            train_dataset=table(columns, [example.images for example in ground.examples]),
            processing_class=ground.processor,
            peft_config=ground.lora,
        )
