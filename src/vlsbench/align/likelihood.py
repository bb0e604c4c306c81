"""Log-likelihoods of answers, from a model's logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

NO_ANSWER = -100
"""Label of tokens that are not the answer's (PyTorch's `ignore_index`)."""


def answer_tokens(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-likelihood of each row's answer, and how many tokens it has.

    Args:
        logits: (rows, tokens, vocabulary).
        labels: (rows, tokens); `NO_ANSWER` outside the answer.

    Returns:
        Sums in nats, and counts (at least 1), each (rows,).
    """
    from torch.nn.functional import cross_entropy

    targets = labels[:, 1:]
    each = cross_entropy(logits[:, :-1].transpose(1, 2).float(), targets, ignore_index=NO_ANSWER, reduction="none")
    return -each.sum(1), (targets != NO_ANSWER).sum(1).clamp(min=1)
