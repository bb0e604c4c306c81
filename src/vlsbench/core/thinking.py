"""What reasoning models think before they answer, taken apart from the answer.

Servers with a reasoning parser send the thinking in a field of its own; without one it stands in the text, between
tags, or up to a closing tag whose opening one was part of the prompt (DeepSeek-R1 and others).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reason>", "</reason>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("◁think▷", "◁/think▷"),
)
"""Opening and closing marks of thinking, as models and their chat templates write them; letter case does not count."""

_OPENS = re.compile("|".join(re.escape(opening) for opening, _ in TAGS), re.IGNORECASE)
_CLOSES = re.compile("|".join(re.escape(closing) for _, closing in TAGS), re.IGNORECASE)
_CLOSING = {opening.lower(): re.compile(re.escape(closing), re.IGNORECASE) for opening, closing in TAGS}

_FIRST = tuple({mark[0] for marks in TAGS for mark in marks})

_SELECTORS = (("\u180b", "\u180f"), ("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"))

MAX_KEPT = 20_000
"""Characters of thinking that a record keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A text taken apart: the `answer`, the `thinking` around it, and whether that was `cut_off` before an answer."""

    answer: str
    thinking: str = ""
    cut_off: bool = False


def take_apart(text: str) -> Thought:
    """Separate thinking from the answer that follows it.

    A block that opens the text (or follows another) and never closes is thinking to the end. An opening mark amid
    prose that never closes is prose: somebody may write about it.
    """
    # Looking for single characters first: nearly no answer has one, and the patterns take a hundred times as long.
    if not any(char in text for char in _FIRST) or not (_OPENS.search(text) or _CLOSES.search(text)):
        return Thought(answer=text)
    thinking: list[str] = []
    answer: list[str] = []
    rest = text
    while (opens := _OPENS.search(rest)) is not None:
        before = rest[: opens.start()]
        closes = _CLOSING[opens[0].lower()].search(rest, opens.end())
        if closes is None:
            if not is_blank("".join(answer) + before):
                break
            return _parts([*thinking, rest[opens.end() :]], "", cut_off=True)
        answer.append(before)
        thinking.append(rest[opens.end() : closes.start()])
        rest = rest[closes.end() :]
    answer.append(rest)
    said = "".join(answer)
    closings = list(_CLOSES.finditer(said))
    if closings:
        # The opening mark stood in the prompt.
        thinking.insert(0, said[: closings[-1].start()])
        said = said[closings[-1].end() :]
    return _parts(thinking, said, cut_off=False)


def _parts(thinking: list[str], answer: str, *, cut_off: bool) -> Thought:
    thought = "\n\n".join(part.strip() for part in thinking if part.strip())
    return Thought(answer=answer.lstrip("\n"), thinking=thought[:MAX_KEPT], cut_off=cut_off)


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: white space, control and invisible characters only."""
    if text[:1].isalnum() and text[:1].isascii():  # as nearly all are
        return False
    return not any(char.isprintable() and not char.isspace() and not _is_invisible(char) for char in text)


def _is_invisible(char: str) -> bool:
    # Letters of no width and fillers count as printable for Python: Hangul fillers, Braille blank, variation selectors,
    # Khmer vowels that are not written.
    return char in "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5" or any(a <= char <= z for a, z in _SELECTORS)
