"""Ask a model the questions of a split and count what it answers."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vlsbench.core.images import from_data_uri
from vlsbench.core.types import Sample
from vlsbench.miniworld import language, splits

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

MAX_NEW_TOKENS = 24


def answers(model: PreTrainedModel, processor: ProcessorMixin, samples: Sequence[Sample], batch: int = 50) -> list[str]:
    """Greedy answers, in the order of the samples."""
    import torch

    given: list[str] = []
    model.eval()
    for start in range(0, len(samples), batch):
        inputs = processor.apply_chat_template(
            [_conversation(sample) for sample in samples[start : start + batch]],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )
        with torch.inference_mode():
            tokens = model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS)
        prompt = inputs["input_ids"].shape[1]
        given += processor.batch_decode(tokens[:, prompt:], skip_special_tokens=True)
    return given


def _conversation(sample: Sample) -> list[dict[str, object]]:
    from PIL import Image

    content: list[dict[str, object]] = [{"type": "text", "text": sample.text}]
    if sample.image is not None:
        picture = Image.open(io.BytesIO(from_data_uri(sample.image)))
        content.insert(0, {"type": "image", "image": picture})
    return [{"role": "user", "content": content}]


def count(samples: Sequence[Sample], texts: Sequence[str]) -> dict[str, int]:
    """How many answers are of each kind; for naming samples, how many are correct.

    Returns:
        `n`, then the kinds that occur; among warnings, `right_item`; on naming samples, `correct` where the item
        is right and `with_colour` where its colour is right as well.
    """
    counts: Counter[str] = Counter(n=len(samples))
    for sample, text in zip(samples, texts, strict=True):
        answer = language.parse(text)
        counts[answer.kind.value] += 1
        if sample.category == splits.NAMING_CATEGORY:
            counts["correct"] += answer.kind is language.AnswerKind.NAMING and answer.item == sample.sub_category
            counts["with_colour"] += answer == language.shown(sample.description)
        elif answer.kind is language.AnswerKind.WARNING:
            counts["right_item"] += answer.item == sample.sub_category
    return dict(counts)


def measure(model: PreTrainedModel, processor: ProcessorMixin, *, n: int, seed: int) -> dict[str, dict[str, int]]:
    """Counts for every split."""
    table = {}
    for split in splits.SPLITS:
        samples = list(splits.samples(split, n, seed))
        table[split] = count(samples, answers(model, processor, samples))
    return table
