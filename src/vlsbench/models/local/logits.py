"""Per-request behaviour inside one batched ``generate``: sampling, length limits, and a guard's decision.

They are plain callables rather than subclasses of transformers' base classes, which would need torch to be
imported with this module.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vlsbench.core.types import Prompt

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


class RowSampling:
    """Samples each row at its own temperature and seed, while ``generate`` believes to be greedy.

    Adding Gumbel noise to ``logits / temperature`` and taking the largest is the same as sampling from the softmax
    (Gumbel, 1954). With noise from a generator of its own, what a request draws does not depend on the
    batch it happens to be in.
    """

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        import torch

        self._rows: dict[int, tuple[float, torch.Tensor]] = {}
        for row, prompt in enumerate(prompts):
            if prompt.temperature > 0:
                generator = torch.Generator()
                if prompt.seed is None:
                    generator.seed()
                else:
                    generator.manual_seed(prompt.seed)
                self._rows[row] = (prompt.temperature, generator)

    @classmethod
    def of(cls, prompts: Sequence[Prompt]) -> RowSampling | None:
        """A processor for these prompts, or None where all of them are greedy."""
        return cls(prompts) if any(prompt.temperature > 0 for prompt in prompts) else None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - transformers' signature
        """Scores, (rows, vocabulary), with noise where a row samples."""
        import torch

        scores = scores.clone()
        for row, (temperature, generator) in self._rows.items():
            uniform = torch.rand(scores.shape[1], generator=generator, dtype=torch.float64).clamp_min(1e-300)
            noise = -torch.log((-torch.log(uniform)).clamp_min(1e-300))
            scores[row] = scores[row] / temperature + noise.to(scores.device, scores.dtype)
        return scores


class RowLimits:
    """Ends each row after its own number of new tokens, and all rows when the model is closed."""

    def __init__(self, limits: Sequence[int], n_prompt: int, stop: threading.Event) -> None:
        import torch

        self._limits = torch.tensor(limits)
        self._n_prompt = n_prompt
        self._stop = stop

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:  # noqa: ARG002 - transformers' signature
        """Which rows are done, as a boolean tensor (rows,)."""
        import torch

        if self._stop.is_set():
            return torch.ones(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
        return (input_ids.shape[1] - self._n_prompt >= self._limits).to(input_ids.device)


class FirstDecision:
    """Notes, for each row, the odds of unsafe against safe at the first step whose likeliest token is one of them.

    Guards write blank lines before the verdict, so the first step is not always the deciding one.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        safe, unsafe = _first_tokens(tokenizer, "safe"), _first_tokens(tokenizer, "unsafe")
        # A first token that both words share (a lone word mark) decides nothing: the step after it does.
        self._safe, self._unsafe = sorted(safe - unsafe), sorted(unsafe - safe)
        self._found: dict[int, float] = {}

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - transformers' signature
        """Scores, (rows, vocabulary), as they came."""
        import torch

        if not (self._safe and self._unsafe):
            return scores
        best = scores.argmax(dim=1).tolist()
        for row, token in enumerate(best):
            if row not in self._found and token in (*self._safe, *self._unsafe):
                logs = torch.log_softmax(scores[row].double(), dim=0)
                unsafe = torch.logsumexp(logs[self._unsafe], dim=0)
                safe = torch.logsumexp(logs[self._safe], dim=0)
                self._found[row] = float(torch.sigmoid(unsafe - safe))
        return scores

    def p_unsafe(self, n: int) -> list[float | None]:
        """The probability for each of `n` rows; None where no step decided."""
        return [self._found.get(row) for row in range(n)]


def _first_tokens(tokenizer: PreTrainedTokenizerBase, word: str) -> set[int]:
    """The tokens a verdict may begin with, after a line break or after a space."""
    starts = (tokenizer.encode(text, add_special_tokens=False) for text in (word, f" {word}"))
    return {ids[0] for ids in starts if ids}
