"""Unlearning: make harmful answers unlikely while safe and general ones stay, with one small trainer for all recipes.

    general     rows whose answer is right as it is: learn it (`general_nll`), or stay near the base (`general_kl`)
    safe        the safe answer to a harmful query: learn it
    harmful     the harmful answer to the same query: forget it, by gradient ascent or by NPO

References:
    Chakraborty et al. (2024), Cross-Modal Safety Alignment: Is textual unlearning all you need? arXiv:2406.02575.
    Zhang et al. (2024), Safe Unlearning. arXiv:2407.02855. Their code takes the mean log-probability of a token.
    Zhang et al. (2024), Negative Preference Optimization. arXiv:2404.05868.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

from vlsbench.align import start
from vlsbench.align.examples import TrainingExample, answers, prompts, table
from vlsbench.align.settings import Ground, Training, need_answers
from vlsbench.core.errors import DatasetError, UnknownName

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, Trainer


class RowKind(IntEnum):
    """What a row is for."""

    GENERAL = 0
    SAFE = 1
    HARMFUL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each part of the loss counts; `npo` says how harmful answers are forgotten: by NPO, or by ascent."""

    general_nll: float
    general_kl: float
    safe: float
    harmful: float
    npo: bool


OBJECTIVES: Mapping[str, Weights] = {
    "ga": Weights(general_nll=0.0, general_kl=1.0, safe=1.0, harmful=0.5, npo=False),
    "safe": Weights(general_nll=1.0, general_kl=0.0, safe=0.3, harmful=0.3, npo=True),
    "npo": Weights(general_nll=1.0, general_kl=0.0, safe=0.0, harmful=1.0, npo=True),
}
"""The recipes: the paper's two (appendix E.1), and forgetting with nothing safe to learn in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlearning(Training):
    """Forget harmful answers. `objective` is one of `OBJECTIVES`; `beta` is NPO's.

    A harmful example with a rejected answer makes two rows, a safe and a harmful one; any other is general.
    """

    verb: ClassVar[str] = "unlearn"
    title: ClassVar[str] = "unlearning of harmful answers"

    objective: str = "ga"
    beta: float = 1.0
    epochs: float = 3.0

    def options(self) -> list[str]:
        """``--objective`` and ``--beta``."""
        return ["--objective", self.objective, "--beta", f"{self.beta:g}"]

    def check(self, examples: Sequence[TrainingExample]) -> None:
        """There must be something to forget, and something to keep."""
        if self.objective not in OBJECTIVES:
            raise UnknownName("objective of unlearning", self.objective, OBJECTIVES)
        need_answers(examples, self.verb)
        kinds = {kind for kind, _, _ in rows_of(examples)}
        if RowKind.HARMFUL not in kinds:
            raise DatasetError(
                "There is nothing to unlearn: no example is of a harmful query and has an answer to reject. Take "
                'pairs, and mark harmful ones in jsonl: files with "harmful": true.'
            )
        if RowKind.GENERAL not in kinds:
            raise DatasetError(
                "There is nothing general in the data, and unlearning without it ruins a model. Add a source of "
                "harmless examples."
            )

    def trainer(self, ground: Ground) -> Trainer:
        """A `transformers.Trainer` with this module's loss."""
        import torch
        from transformers import TrainingArguments
        from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

        model = ground.model
        if ground.lora is not None:
            from peft import get_peft_model
            from transformers import set_seed

            set_seed(self.seed)  # A LoRA's first weights are drawn.
            model = get_peft_model(model, ground.lora)
            if ground.arguments["activation_checkpointing"]:
                model.enable_input_require_grads()  # What is checkpointed is frozen, and gradients would end there.
        weights = OBJECTIVES[self.objective]
        frozen = None
        if ground.lora is None and (weights.npo or weights.general_kl):
            frozen = start.load_model(ground.base, "float32").to(ground.model.device).eval().requires_grad_(False)
        by_rows = DataCollatorForVisionLanguageModeling(
            ground.processor, max_length=self.max_length, completion_only_loss=True
        )

        def collate(examples: list[dict[str, object]]) -> dict[str, object]:
            kinds = torch.tensor([example["kind"] for example in examples])
            return {**by_rows(examples), "kind": kinds}

        return _trainer_class()(
            model,
            TrainingArguments(**ground.arguments, remove_unused_columns=False, ddp_find_unused_parameters=True),
            weights=weights,
            beta=self.beta,
            frozen=frozen,
            data_collator=collate,
            train_dataset=_table(ground.examples),
        )


def rows_of(examples: Sequence[TrainingExample]) -> list[tuple[RowKind, TrainingExample, str]]:
    """The rows of the examples: what each is for, its query, and its answer."""
    rows = []
    for example in examples:
        if example.harmful and example.rejected is not None:
            rows.append((RowKind.SAFE, example, example.completion))
            rows.append((RowKind.HARMFUL, example, example.rejected))
        else:
            rows.append((RowKind.GENERAL, example, example.completion))
    return rows


def _table(examples: Sequence[TrainingExample]) -> Any:
    rows = rows_of(examples)
    columns = {
        "prompt": prompts([example for _, example, _ in rows]),
        "completion": answers([answer for _, _, answer in rows]),
        "kind": [int(kind) for kind, _, _ in rows],
    }
    return table(columns, [example.images for _, example, _ in rows], always=True)


def _trainer_class() -> type[Trainer]:
    """The trainer, made when transformers is at hand."""
    import torch
    from torch.nn.functional import logsigmoid
    from transformers import Trainer

    from vlsbench.align.likelihood import answer_tokens, divergence

    class Unlearner(Trainer):
        def __init__(
            self, *args: object, weights: Weights, beta: float, frozen: PreTrainedModel, **more: object
        ) -> None:
            super().__init__(*args, **more)
            self._weights, self._beta, self._frozen = weights, beta, frozen
            self.model_accepts_loss_kwargs = False

        def compute_loss(
            self,
            model: PreTrainedModel,
            inputs: dict[str, torch.Tensor],
            return_outputs: bool = False,
            num_items_in_batch: object = None,  # noqa: ARG002
        ) -> Any:
            kinds, labels = inputs.pop("kind"), inputs.pop("labels")
            outputs = model(**inputs)
            logits = outputs.logits
            likelihood, tokens = answer_tokens(logits, labels)
            general, safe, harmful = (kinds == kind for kind in RowKind)
            weights = self._weights
            base = self._base_logits(model, inputs) if weights.npo or weights.general_kl else logits
            loss = 0.0 * logits.sum()  # A batch may lack every kind that counts.
            if general.any():
                loss = loss - weights.general_nll * likelihood[general].sum() / tokens[general].sum()
                if weights.general_kl:
                    loss = loss + weights.general_kl * divergence(base[general], logits[general], labels[general])
            if safe.any():
                loss = loss - weights.safe * likelihood[safe].sum() / tokens[safe].sum()
            if harmful.any():
                mean = likelihood[harmful] / tokens[harmful]
                if weights.npo:
                    gained = mean - answer_tokens(base[harmful], labels[harmful])[0] / tokens[harmful]
                    forget = -(2 / self._beta) * logsigmoid(-self._beta * gained).mean()
                else:
                    forget = mean.mean()
                loss = loss + weights.harmful * forget
            return (loss, outputs) if return_outputs else loss

        def _base_logits(self, model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> Any:
            """What the base makes of a batch: a frozen copy, or the model without its adapter."""
            with torch.no_grad():
                if self._frozen is not None:
                    return self._frozen(**inputs).logits
                with self.accelerator.unwrap_model(model).disable_adapter():
                    return model(**inputs).logits

    return Unlearner
