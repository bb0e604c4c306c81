"""Halves of surrogate pairs, which JSON can escape and UTF-8 cannot hold; servers send them all the same."""

from __future__ import annotations


def sayable(text: str) -> str:
    """The text with a question mark in place of each half of a surrogate pair."""
    return text.encode(errors="replace").decode()
