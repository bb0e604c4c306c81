"""What surrounds text in a chat template: the marks that open and close turns, kept out of foreign text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

# Marks that templates write out themselves, whether or not the tokenizer has a token for them.
_LITERAL = re.compile(r"<\|[^|<>\s{}]{1,60}\|>|<</?[A-Z]{2,20}>>|</?[A-Za-z_]\w{0,40}>|\[/?[A-Z][A-Z_]{1,30}\]")
_BRACKETED = re.compile(r"<\S+>|\[\S+\]")
_ROLE_WORD = re.compile(r"(\w+):[ \t]*\n?$")
_PROBES = ("firstprobe", "secondprobe", "thirdprobe")


class Marks:
    """Breaks up whatever could be read as structure: ``<image>`` becomes ``< image>``, ``USER:`` ``USER :``.

    Args:
        tokens: Marks to break after their first character.
        roles: Role words that a template writes before a colon, broken before the colon.
    """

    def __init__(self, tokens: Iterable[str], roles: Iterable[str] = ()) -> None:
        self._tokens = sorted({token for token in tokens if len(token) > 1}, key=len, reverse=True)
        words = "|".join(re.escape(word) for word in sorted(set(roles)))
        self._roles = re.compile(rf"\b({words}):") if words else None

    def broken(self, text: str) -> str:
        """The text without a mark in it."""
        for token in self._tokens:
            if token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return self._roles.sub(r"\1 :", text) if self._roles else text


def tokens_of(tokenizer: Any) -> set[str]:
    """Every token of structure: named roles, and added tokens that are special or stand in brackets.

    Added tokens of other kinds (runs of blanks in some vocabularies) are ordinary text.
    """
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    marks = {str(token) for token in added if token.special or _BRACKETED.fullmatch(str(token))}
    return {*marks, *map(str, tokenizer.all_special_tokens)}


def literals_of(template: str) -> set[str]:
    """The marks that a template writes itself, such as ``[INST]``."""
    return set(_LITERAL.findall(template))


def role_words(render: Callable[[Sequence[tuple[str, str]]], str]) -> set[str]:
    """The words before a colon with which a template opens its turns (``USER``, ``ASSISTANT``).

    Args:
        render: Writes out a conversation of (role, text), opening the next answer.

    Raises:
        ValueError: As `render` does, when the template refuses even a single turn.
    """
    one, two, three = _PROBES
    try:
        text = render([("user", one), ("assistant", two), ("user", three)])
    except ValueError:
        text = render([("user", one)])
    places = [text.find(probe) for probe in _PROBES if probe in text]
    found = (_ROLE_WORD.search(text[:place]) for place in (*places, len(text)))
    return {match[1] for match in found if match}
