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


def divergence(base: torch.Tensor, new: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Kullback-Leibler divergence of the next tokens, base from new; the mean over the answers' tokens, in nats.

    Args:
        base: Logits (rows, tokens, vocabulary).
        new: Logits of the same shape.
        labels: (rows, tokens); `NO_ANSWER` outside the answer.
    """
    from torch.nn.functional import kl_div

    at = labels[:, 1:] != NO_ANSWER
    old = base[:, :-1][at].float().log_softmax(-1)
    return kl_div(new[:, :-1][at].float().log_softmax(-1), old, reduction="batchmean", log_target=True)
