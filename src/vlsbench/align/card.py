"""The model card of an aligned model: how it was made, and how it takes the training answers before and after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from vlsbench.align import examples as rows
from vlsbench.align.examples import TrainingExample
from vlsbench.align.settings import Training
from vlsbench.core.version import __version__

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin, TrainerState

MEASURED = 64
"""Examples that are measured before and after; the first ones of the data."""

_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Mean log-likelihood of a token of the answers to learn, and of those to reject, in nats; None without any."""

    chosen: float | None
    rejected: float | None

    def to_json(self) -> str:
        """Both as a JSON object."""
        return json.dumps(asdict(self))


def fit(model: PreTrainedModel, processor: ProcessorMixin, examples: Sequence[TrainingExample], max_length: int) -> Fit:
    """How likely a model holds the answers of the first examples.

    Args:
        model: The model, on any device.
        processor: Its processor.
        examples: The training examples.
        max_length: Where a row is cut off, in tokens.
    """
    first = examples[:MEASURED]
    chosen = [(example, example.completion) for example in first if example.completion]
    rejected = [(example, example.rejected) for example in first if example.rejected]
    return Fit(
        chosen=_likelihood(model, processor, chosen, max_length),
        rejected=_likelihood(model, processor, rejected, max_length),
    )


def _likelihood(
    model: PreTrainedModel, processor: ProcessorMixin, answered: Sequence[tuple[TrainingExample, str]], max_length: int
) -> float | None:
    if not answered:
        return None
    import torch
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    from vlsbench.align.likelihood import answer_tokens

    table = rows.table(
        {
            "prompt": rows.prompts([example for example, _ in answered]),
            "completion": rows.answers([answer for _, answer in answered]),
        },
        [example.images for example, _ in answered],
        always=True,
    )
    collate = DataCollatorForVisionLanguageModeling(processor, max_length=max_length, completion_only_loss=True)
    total, count = 0.0, 0
    was_training = model.training
    model.eval()
    for place in range(0, len(table), _BATCH):
        batch = collate([table[number] for number in range(place, min(place + _BATCH, len(table)))])
        labels = batch.pop("labels").to(model.device)
        with torch.no_grad():
            logits = model(**{name: value.to(model.device) for name, value in batch.items()}).logits
        likelihood, tokens = answer_tokens(logits, labels)
        total, count = total + float(likelihood.sum()), count + int(tokens.sum())
    model.train(was_training)
    return total / max(1, count)


def text(settings: Training, out: str, n_examples: int, state: TrainerState, before: Fit, after: Fit) -> str:
    """The card.

    Args:
        settings: The training.
        out: The output folder, as the user wrote it.
        n_examples: How many there were.
        state: The trainer's state, with its history of losses.
        before: The base's fit.
        after: The trained model's.
    """
    from transformers import __version__ as transformers_version
    from trl import __version__ as trl_version

    lora = "by a LoRA adapter, kept in `adapter/` and merged in" if settings.lora else "all parameters"
    return f"""# {out.rstrip("/").rpartition("/")[2]}

`{settings.model}`, aligned by {settings.title} ({lora}).

- Data: {", ".join(f"`{source}`" for source in settings.data)} ({n_examples:,} examples{_textual(settings)})
- Steps: {state.global_step:,}; {settings.outcome(state.log_history)}
- Made with vlsbench {__version__}, TRL {trl_version}, transformers {transformers_version}

```
{settings.command(out)}
```

Mean log-likelihood of an answer's token on the first {min(n_examples, MEASURED)} training examples, in nats:

| answers | before | after |
| --- | --- | --- |
| to learn | {_nats(before.chosen)} | {_nats(after.chosen)} |
| to reject | {_nats(before.rejected)} | {_nats(after.rejected)} |

That is how training went, and says nothing of this model's safety before it is evaluated, beside its base:
`vlsbench align compare {out}`.
"""


def _textual(settings: Training) -> str:
    return ", pictures dropped" if settings.drop_images else ""


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
