"""How samples write options and right answers: letters, and several answers of which each will do."""

from __future__ import annotations

import string

LETTERS = string.ascii_uppercase
"""What options are called, the first of them ``A``; a question has no more of them than there are letters."""

YES, NO = "yes", "no"

OR = " <OR> "
"""Stands between answers of which each is right, as in MM-Vet (Yu et al., 2024, arXiv:2308.02490)."""


def alternatives(answer: str) -> tuple[str, ...]:
    """The answers of which each is right."""
    return tuple(part.strip() for part in answer.split(OR.strip()) if part.strip())
