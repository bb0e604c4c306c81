"""Learning from an answer to prefer and one to reject: DPO and KTO, over TRL's trainers.

Both weigh the model against a *reference*, the model that training started from. It is given here: left to themselves,
TRL's trainers load what the model's own configuration names, which after a resume is the checkpoint.

References:
    Rafailov et al. (2023), Direct Preference Optimization. arXiv:2305.18290.
    Ethayarajh et al. (2024), KTO: Model Alignment as Prospect Theoretic Optimization. arXiv:2402.01306.
    Pang et al. (2024), Iterative Reasoning Preference Optimization: DPO with the SFT term. arXiv:2404.19733.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from vlsbench.align import start
from vlsbench.align.examples import TrainingExample, answers, prompts, table
from vlsbench.align.settings import Ground, Log, Training, pairs_among


def reference(ground: Ground) -> Any:
    """The model that training started from; None with LoRA, where it is the model without its adapter."""
    if ground.lora is not None:
        return None
    return start.load_model(ground.base, "float32").to(ground.model.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class DPO(Training):
    """Direct preference optimisation, with the SFT loss on the preferred answer beside it.

    `beta` keeps the model near the reference; a small one pushes the rejected sentences so far down that others break
    with them. `sft_weight` weighs the SFT loss; 0 is DPO alone.
    """

    verb: ClassVar[str] = "dpo"
    title: ClassVar[str] = "direct preference optimisation (DPO)"

    beta: float = 1.0
    sft_weight: float = 1.0

    def options(self) -> list[str]:
        """``--beta`` and ``--sft-weight``."""
        return ["--beta", f"{self.beta:g}", "--sft-weight", f"{self.sft_weight:g}"]

    def usable(self, examples: Sequence[TrainingExample], log: Log) -> Sequence[TrainingExample]:
        """Only pairs will do."""
        return pairs_among(examples, self.verb, log)

    def trainer(self, ground: Ground) -> Any:
        """TRL's `DPOTrainer`."""
        from trl import DPOConfig, DPOTrainer

        losses = {"sigmoid": 1.0} | ({"sft": self.sft_weight} if self.sft_weight else {})
        columns = {
            "prompt": prompts(ground.examples),
            "chosen": answers([example.completion for example in ground.examples]),
            "rejected": answers([example.rejected or "" for example in ground.examples]),
        }
        return DPOTrainer(
            ground.model,
            ref_model=reference(ground),
            args=DPOConfig(
                **ground.arguments,
                max_length=self.max_length,
                beta=self.beta,
                loss_type=list(losses),
                loss_weights=list(losses.values()),
            ),
            train_dataset=table(columns, [example.images for example in ground.examples]),
            processing_class=ground.processor,
            peft_config=ground.lora,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KTO(Training):
    """Kahneman-Tversky optimisation: each answer by itself is good or bad."""

    verb: ClassVar[str] = "kto"
    title: ClassVar[str] = "Kahneman-Tversky optimisation (KTO)"

    beta: float = 0.1

    def options(self) -> list[str]:
        """``--beta``."""
        return ["--beta", f"{self.beta:g}"]

    def trainer(self, ground: Ground) -> Any:
        """TRL's `KTOTrainer`; a pair becomes two rows."""
        from trl import KTOConfig, KTOTrainer

        rows = [(example, example.completion, True) for example in ground.examples]
        rows += [(example, example.rejected, False) for example in ground.examples if example.rejected is not None]
        columns = {
            "prompt": prompts([example for example, _, _ in rows]),
            "completion": answers([answer for _, answer, _ in rows]),
            "label": [good for _, _, good in rows],
        }
        return KTOTrainer(
            ground.model,
            ref_model=reference(ground),
            args=KTOConfig(**ground.arguments, max_length=self.max_length, beta=self.beta),
            train_dataset=table(columns, [example.images for example, _, _ in rows]),
            processing_class=ground.processor,
            peft_config=ground.lora,
        )
