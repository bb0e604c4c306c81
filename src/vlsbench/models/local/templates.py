"""Chat templates as foreign programs: tried within a time limit, and their marks kept out of the text of a turn."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

RENDER_S = 10.0
"""Seconds that a template may take for one conversation; real ones take milliseconds."""

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


def tokens_of(tokenizer: PreTrainedTokenizerBase) -> set[str]:
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


class TemplateFailed(ValueError):
    """A chat template could not write out a conversation."""


def render(apply: Callable[..., str], messages: Sequence[dict[str, object]], *, generation_prompt: bool) -> str:
    """The conversation as text, however long the template takes.

    Raises:
        TemplateFailed: The template raised something.
    """
    try:
        return apply(messages, generation_prompt=generation_prompt)
    except Exception as error:
        raise TemplateFailed(_words(error)) from error


class Trial:
    """Calls a template that nobody knows yet, a program of a stranger's, and gives up on it after a time limit.

    Each call takes a thread. Once a template is known to end, `render` does without.

    Args:
        apply: Renders messages; takes ``generation_prompt``.
        limit_s: Seconds that one rendering may take.
    """

    def __init__(self, apply: Callable[..., str], limit_s: float = RENDER_S) -> None:
        self._apply = apply
        self._limit_s = limit_s
        self._stuck = False

    def __call__(self, messages: Sequence[dict[str, object]], *, generation_prompt: bool) -> str:
        """The conversation as text.

        Raises:
            TemplateFailed: The template raised something, or did not end.
        """
        # Each try would leave one more thread that hangs: a template that did once is not called again.
        if self._stuck:
            raise TemplateFailed(f"it did not end within {self._limit_s:g} s")
        done: list[str] = []
        failed: list[TemplateFailed] = []

        def run() -> None:
            try:
                done.append(render(self._apply, messages, generation_prompt=generation_prompt))
            except TemplateFailed as error:
                failed.append(error)

        # Python cannot end a thread; as a daemon, one that hangs does not keep the process alive.
        thread = threading.Thread(target=run, name="vlsbench-template", daemon=True)
        thread.start()
        thread.join(self._limit_s)
        if done:
            return done[0]
        if failed:
            raise failed[0]
        self._stuck = True
        raise TemplateFailed(f"it does not end within {self._limit_s:g} s")


def _words(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
