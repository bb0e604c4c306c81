"""Prompts as Markdown files: sections, placeholders, and a fence around material that somebody else wrote.

A prompt has an optional section ``# System`` and a section ``# User`` (or is one user message). What stands before
the first section is a note for readers. Placeholders, such as ``{{query}}``, belong in the user section; which there
are is for whoever reads the file to say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from vlsbench.core.errors import RubricError

FENCE = "fence"
"""The placeholder of a code that nobody who wrote the material could know; marks where it begins and ends."""

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SECTION = re.compile(r"^#[ \t]+(system|user)[ \t]*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """A prompt's texts, its name for display and the hash that identifies it."""

    name: str
    sha256: str
    system: str | None
    user: str

    @property
    def used(self) -> frozenset[str]:
        """The placeholders of the user message."""
        return placeholders(self.user)

    def fill(self, values: Mapping[str, str]) -> str:
        """The user message. Replaced in one pass: a placeholder inside a value stays what it is."""
        pieces = _pieces(self.user)
        return "".join(values[piece] if number % 2 else piece for number, piece in enumerate(pieces))

    def fenced(self, values: Mapping[str, str]) -> str:
        """The user message, with a fence made from the values themselves."""
        return self.fill({**values, FENCE: fence(self.sha256, *values.values())})


def parse(kind: str, name: str, text: str, known: Iterable[str], needed: Iterable[str]) -> PromptFile:
    """A prompt from its text.

    Args:
        kind: What it is called in messages, for example ``"rubric"``.
        name: Its name.
        text: The file's content.
        known: The placeholders that there are.
        needed: The placeholders that it must have.

    Raises:
        RubricError: A placeholder is missing or unknown.
    """
    pieces = _SECTION.split(text)
    sections = {pieces[i].lower(): pieces[i + 1].strip() for i in range(1, len(pieces) - 1, 2)}
    user = sections.get("user", text.strip() if not sections else "")
    used, in_system = placeholders(user), placeholders(sections.get("system", ""))
    known = tuple(known)
    if unknown := (used | in_system) - set(known):
        raise RubricError(
            f"The {kind} {name} has an unknown placeholder {{{{{min(unknown)}}}}}. Known: {', '.join(known)}."
        )
    if in_system:
        raise RubricError(
            f"The {kind} {name} has a placeholder in its system section; they belong in the user section."
        )
    for placeholder in needed:
        if placeholder not in used:
            raise RubricError(
                f"The {kind} {name} has no {{{{{placeholder}}}}} in its user message, so the model would not see it."
            )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return PromptFile(name=name, sha256=digest, system=sections.get("system"), user=user)


def placeholders(text: str) -> frozenset[str]:
    """The placeholders that a text uses."""
    return frozenset(_pieces(text)[1::2])


@lru_cache(maxsize=64)
def _pieces(text: str) -> Sequence[str]:
    """What stands between placeholders, and their names, in turn; kept, because a prompt is filled for every sample."""
    return _PLACEHOLDER.split(text)


def fence(prompt: str, *material: str) -> str:
    """A code that stands in none of the material: stable, and out of reach for whoever wrote it.

    Args:
        prompt: The hash of the prompt.
        material: What it is to fence.
    """
    seed = "\0".join((prompt, *material)).encode(errors="replace")
    while True:
        seed = hashlib.sha256(seed).hexdigest().encode()
        code = seed[:16].decode()
        if not any(code in text for text in material):
            return code
