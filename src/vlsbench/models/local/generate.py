"""Batched generation with a transformers model: the engine behind the batcher.

One path for every image-text-to-text architecture: the checkpoint's own processor builds the batch, every
tensor it returns goes to ``generate``, and the answer is what follows the prompt. Requests with different
numbers of images never share a batch: cross-attending models (Mllama) treat a row without an image differently
inside a mixed batch, and not every processor takes rows of several images beside rows of one.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlsbench.core.errors import ImageProblem, RequestFailed, UserError
from vlsbench.core.pixels import decode
from vlsbench.core.types import GuardReading, Prompt, Reply
from vlsbench.models.local.pool import Ready
from vlsbench.models.local.processors import Chat
from vlsbench.models.replies import reply

if TYPE_CHECKING:
    import PIL.Image
    from transformers import (
        BatchFeature,
        GenerationConfig,
        PreTrainedConfig,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        ProcessorMixin,
    )

_GUARD_TOKENS = 40
_MEMORY_SHARE = 0.9
_CHARACTERS_PER_TOKEN = 4
_KEPT = (
    "bos_token_id", "eos_token_id", "pad_token_id", "suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
    "repetition_penalty", "no_repeat_ngram_size",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request: a prompt, and whether a guard's probability is wanted with the text."""

    prompt: Prompt
    guard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPrompt:
    """A prepared request: the conversation written out, and its images decoded (RGB)."""

    job: Job
    text: str
    images: Sequence[PIL.Image.Image]


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelsAndTokens:
    """A collated batch: the processor's tensors, and the items they were made of."""

    items: Sequence[PreparedPrompt]
    inputs: BatchFeature


class GenerationSettings:
    """The `Work` of a `Batcher`: prepares, collates and generates.

    Args:
        model: The loaded model, in evaluation mode.
        processor: Its processor, padding on the left.
        name: The model's reference, for replies.
    """

    def __init__(self, model: PreTrainedModel, processor: ProcessorMixin, name: str) -> None:
        self._model = model
        self._processor = processor
        self._name = name
        self._chat = Chat(processor)
        check_image_token(model.config, processor, self._chat.image_token)
        self._stop = threading.Event()
        self._config = generation_config(model, processor.tokenizer)
        # Whatever a request's settings leave open, transformers takes from the model's own.
        getattr(model, "get_base_model", lambda: model)().generation_config = self._config
        self._ends = frozenset(_as_list(self._config.eos_token_id))
        text_config = model.config.get_text_config()
        self._longest = getattr(text_config, "max_position_embeddings", None)
        self._cuda = model.device.type == "cuda"
        self._resting = self._allocated()

    def prepare(self, request: Job) -> Ready[PreparedPrompt]:
        """Decode the images and write out the conversation.

        Raises:
            RequestFailed: The image cannot be used, or the chat template refuses the conversation.
        """
        prompt = request.prompt
        try:
            images = [decode(image.read()) for image in prompt.images]
        except ImageProblem as error:
            raise RequestFailed(str(error)) from error
        text = self._chat.text(prompt)
        if len(images) > 1 and text.count(self._chat.image_token) != len(images):
            raise RequestFailed(f"the model's chat template does not write out {len(images)} images")
        self._check_fits(self._least_tokens(text))
        return Ready(
            item=PreparedPrompt(job=request, text=text, images=images),
            length=len(text) // _CHARACTERS_PER_TOKEN + sum(map(self._patches, images)),
            n_bytes=sum(image.width * image.height * 3 for image in images),
            group=(len(images), request.guard),
        )

    def _least_tokens(self, text: str) -> int:
        """The tokens of a text in which each image still counts as one; 0 where it is too short to matter."""
        if not self._longest or len(text) < self._longest:
            return 0
        return len(self._processor.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _check_fits(self, n_prompt: int) -> None:
        if self._longest and n_prompt >= self._longest:
            raise RequestFailed(f"the prompt has {n_prompt} tokens, and the model takes {self._longest}")

    def _patches(self, image: PIL.Image.Image) -> int:
        # Only models that cut an image by its size offer this count; for the others all images are alike.
        count = getattr(self._processor.image_processor, "get_number_of_image_patches", None)
        return int(count(image.height, image.width, {})) if count else 0

    def collate(self, items: Sequence[PreparedPrompt]) -> PixelsAndTokens:
        """The processor's own batch of these items, still in host memory.

        Raises:
            RequestFailed: One of them exceeds the model's context; the batcher looks for it.
        """
        texts = [item.text for item in items]
        images = [list(item.images) for item in items] if items[0].images else None
        bos = self._processor.tokenizer.bos_token
        more = {"add_special_tokens": False} if bos and texts[0].startswith(bos) else {}
        inputs = self._processor(text=texts, images=images, padding=True, return_tensors="pt", **more)
        self._check_fits(int(inputs["attention_mask"].sum(dim=1).max()))
        return PixelsAndTokens(items=items, inputs=inputs)

    def run(self, batch: PixelsAndTokens) -> Sequence[Reply | GuardReading]:
        """Generate for a batch, for each request at most what the model's context leaves."""
        import torch

        from vlsbench.models.local.logits import FirstDecision, RowLimits, RowSampling

        jobs = [item.job for item in batch.items]
        # A guard's verdict is short; what is said after it would only be thrown away.
        limits = [min(j.prompt.max_tokens, _GUARD_TOKENS) if j.guard else j.prompt.max_tokens for j in jobs]
        decision = FirstDecision(self._processor.tokenizer) if jobs[0].guard else None
        inputs = batch.inputs.to(self._model.device, dtype=self._model.dtype)
        n_prompt = inputs["input_ids"].shape[1]
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        if self._longest:
            limits = [min(n, self._longest - length) for n, length in zip(limits, lengths, strict=True)]
        config = copy.copy(self._config)
        config.max_new_tokens = max(limits)
        with torch.inference_mode():
            output = self._model.generate(
                **inputs,
                generation_config=config,
                logits_processor=[p for p in (decision, RowSampling.of([j.prompt for j in jobs])) if p],
                stopping_criteria=[RowLimits(limits, n_prompt, self._stop)],
            )
        rows = output[:, n_prompt:].tolist()
        replies = [self._reply(*row) for row in zip(rows, limits, lengths, strict=True)]
        if decision is None:
            return replies
        return [
            GuardReading(text=said.text, p_unsafe=p, model=self._name)
            for said, p in zip(replies, decision.p_unsafe(len(jobs)), strict=True)
        ]

    def _reply(self, tokens: list[int], limit: int, n_prompt: int) -> Reply:
        tokens = tokens[:limit]
        end = next((i for i, token in enumerate(tokens) if token in self._ends), None)
        count = len(tokens) if end is None else end + 1
        text = self._processor.tokenizer.decode(tokens[:count], skip_special_tokens=True).strip()
        return reply(
            text,
            finish_reason="length" if end is None else "stop",
            prompt_tokens=n_prompt,
            completion_tokens=count,
            model=self._name,
        )

    def is_out_of_memory(self, error: Exception) -> bool:
        """Torch's own error, or the message of its allocator on a CPU; frees what torch keeps in reserve."""
        import torch

        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "can't allocate memory" not in str(error):
            return False
        if self._cuda:
            torch.cuda.empty_cache()
        return True

    def may_double(self) -> bool:
        """Whether twice the last batch's memory stays within nine tenths of the card."""
        if not self._cuda:
            return False
        import torch

        total = torch.cuda.get_device_properties(self._model.device).total_memory
        used = torch.cuda.max_memory_allocated(self._model.device) - self._resting
        torch.cuda.reset_peak_memory_stats(self._model.device)
        return self._resting + 2 * int(used) <= int(_MEMORY_SHARE * total)

    def _allocated(self) -> int:
        if not self._cuda:
            return 0
        import torch

        return int(torch.cuda.memory_allocated(self._model.device))

    def stop(self) -> None:
        """End a running generation after its present token."""
        self._stop.set()


def generation_config(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """The tokens and penalties of the checkpoint's generation settings: greedy, and no other setting of theirs."""
    from transformers import GenerationConfig

    theirs = model.generation_config
    config = GenerationConfig(do_sample=False, num_beams=1)
    config.temperature = config.top_p = config.top_k = config.typical_p = config.min_p = None
    config.max_length = None
    for name in _KEPT:
        setattr(config, name, getattr(theirs, name, None))
    if config.eos_token_id is None:
        config.eos_token_id = tokenizer.eos_token_id
    if config.pad_token_id is None:
        config.pad_token_id = tokenizer.pad_token_id
    return config


def check_image_token(config: PreTrainedConfig, processor: ProcessorMixin, image_token: str) -> None:
    """Whether model and processor mean the same token by an image; otherwise every image would fail.

    Raises:
        UserError: They do not.
    """
    wanted = getattr(config, "image_token_id", None)
    wanted = wanted if wanted is not None else getattr(config, "image_token_index", None)
    given = getattr(processor, "image_token_id", None)
    given = given if given is not None else processor.tokenizer.convert_tokens_to_ids(image_token)
    if isinstance(wanted, int) and wanted != given:
        raise UserError(
            f"The image token is {wanted} by config.json, but {image_token!r} is {given} by the tokenizer. "
            "Copy config.json and the tokenizer's files from the same model."
        )


def _as_list(value: int | Sequence[int] | None) -> list[int]:
    if value is None:
        return []
    return [value] if isinstance(value, int) else list(value)
