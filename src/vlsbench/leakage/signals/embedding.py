"""How close a query and a description are in meaning: cosine similarity of sentence embeddings.

The mean of the last layer's token states, as sentence-transformers models are trained for (Reimers and Gurevych,
2019, arXiv:1908.10084); a checkpoint whose ``1_Pooling/config.json`` says so gets its first token's state instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from vlsbench.core.errors import MissingExtra, UserError
from vlsbench.models.local import origin, weights
from vlsbench.models.workers.settings import Workers

BATCH = 32
"""Texts in one forward pass."""

MOST_TOKENS = 512
"""Longer texts are cut here, or where the model ends if that is earlier."""

_MEAN, _FIRST = "mean", "cls"

Pairs = Sequence[tuple[str, str]]
"""Texts that are compared, two and two."""


class Embedding(Protocol):
    """An embedder, in this process or in several."""

    def each(self, batches: Iterable[Pairs]) -> Iterator[list[float | None]]:
        """The similarities of batch after batch."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def load(ref: str, *, device: str = "auto", workers: Workers | None = None) -> Embedding:
    """The embedder of a reference, in this process or in workers.

    Raises:
        UserError: As `Embedder`, like all that it raises; from workers when the first batch is asked for.
    """
    if workers is None:
        return Embedder(ref, device=device)
    from vlsbench.models.workers.function import FunctionInWorkers

    return FunctionInWorkers(partial(_similarities, ref, device), workers, on_cpu=device == "cpu")


def _similarities(ref: str, device: str) -> Callable[[Pairs], list[float | None]]:
    return Embedder(ref, device=device).similarities


class Embedder:
    """Sentence embeddings from a local checkpoint.

    Args:
        ref: ``hf:REPO_OR_FOLDER[@REVISION]``: an encoder such as BERT, with its tokenizer.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises:
        MissingExtra: torch or transformers is not installed.
        UserError: No such model, no safe weights, or not an encoder of text.
        AccessDenied: The repository is gated or private.
        Stopped: The hub cannot be reached.
    """

    def __init__(self, ref: str, *, device: str = "auto") -> None:
        self.name = ref
        source = origin.parse(_with_scheme(ref))
        if source.adapter is not None:
            raise UserError(f"{ref}: an embedder takes no adapter. Write hf:REPO or hf:FOLDER.")
        try:
            import torch  # noqa: F401
            import transformers  # noqa: F401
        except ImportError as error:
            raise MissingExtra(error.name or "transformers", "hf") from error
        folder = origin.fetch(source.base)
        self._pooling = _pooling(folder)
        self._device = weights.check_device(device)
        self._model, self._tokenizer = _load(folder, self._device)
        self._most = _most_tokens(self._model.config, self._tokenizer)

    def similarities(self, pairs: Pairs) -> list[float | None]:
        """Cosine similarity, -1 to 1, of the two texts of each pair; None where one is blank.

        A text that occurs several times is embedded once.
        """
        whole = [pair for pair in pairs if pair[0].strip() and pair[1].strip()]
        texts = sorted({text for pair in whole for text in pair}, key=lambda text: (len(text), text))
        vectors: dict[str, Any] = {}
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            vectors.update(zip(batch, self._embed(batch), strict=True))
        known = set(whole)
        return [
            # Rounding can carry the cosine of two equal texts past 1.
            min(1.0, max(-1.0, float(vectors[one] @ vectors[other]))) if (one, other) in known else None
            for one, other in pairs
        ]

    def each(self, batches: Iterable[Pairs]) -> Iterator[list[float | None]]:
        """The similarities of batch after batch."""
        return map(self.similarities, batches)

    def close(self) -> None:
        """There is nothing to close."""

    def _embed(self, texts: list[str]) -> Any:
        """Unit vectors, (texts, dimensions), on the CPU."""
        import torch

        with torch.inference_mode(), weights.quiet():
            inputs = self._tokenizer(
                texts, padding=True, truncation=True, max_length=self._most, return_tensors="pt"
            ).to(self._model.device)
            states = self._model(**inputs).last_hidden_state.float()
            if self._pooling == _FIRST:
                pooled = states[:, 0]
            else:
                mask = inputs["attention_mask"].unsqueeze(-1).to(states.dtype)
                pooled = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
            return torch.nn.functional.normalize(pooled, dim=-1).cpu()


def _with_scheme(ref: str) -> str:
    scheme, colon, _ = ref.partition(":")
    if not colon or scheme != "hf":
        raise UserError(f"Cannot read the embedder {ref!r}. Write hf:ORG/NAME, hf:ORG/NAME@REVISION or hf:FOLDER.")
    return ref


def _load(folder: Path, device: str) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    origin.read_json(folder / "config.json", what="a model folder")
    with weights.quiet(), weights.clear_errors(folder):
        config = AutoConfig.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    if getattr(config, "is_encoder_decoder", False) or hasattr(config, "vision_config"):
        raise UserError(
            f"{folder} is a {config.model_type!r} model, not an encoder of text. Choose a sentence encoder."
        )
    # The pooler, which many checkpoints lack, is not used.
    model = weights.load_model(
        folder, dtype="auto", device=device, config=config, loader=AutoModel, elsewhere="pooler."
    )
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise UserError(f"The tokenizer in {folder} has no padding token. Choose a sentence encoder.")
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    return model, tokenizer


def _pooling(folder: Path) -> str:
    """How the checkpoint was trained to be pooled; the mean where it does not say."""
    path = folder / "1_Pooling" / "config.json"
    if not path.is_file():
        return _MEAN
    settings = origin.read_json(path, what="a pooling layer")
    modes = {
        key.removeprefix("pooling_mode_") for key, value in settings.items() if key[:13] == "pooling_mode_" and value
    }
    modes = {_FIRST if mode == "cls_token" else mode.removesuffix("_tokens") for mode in modes} or {
        str(settings.get("pooling_mode", _MEAN))
    }
    if modes not in ({_MEAN}, {_FIRST}):
        raise UserError(
            f"{folder} pools its tokens by {' and '.join(sorted(modes))}, not by mean or cls. Choose another encoder."
        )
    return modes.pop()


def _most_tokens(config: Any, tokenizer: Any) -> int:
    # RoBERTa counts positions from the one after its padding token's, so its table is that much longer than its texts.
    table = getattr(config, "max_position_embeddings", None) or MOST_TOKENS
    offset = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type or config.model_type == "mpnet" else 0
    return int(min(MOST_TOKENS, table - offset, tokenizer.model_max_length))
