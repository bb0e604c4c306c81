"""Rubrics as Markdown files: load, check, fill in.

A rubric has an optional section ``# System`` and a section ``# User`` (or is one user message). Its
placeholders:

    {{query}}          the text of the request (required)
    {{answer}}         the answer under judgement (required)
    {{context}}        what the judge is shown of the picture: a note that it is attached, its description, or both
    {{description}}    the image description alone
    {{safety_reason}}  why the request is risky, as the dataset states it
    {{fence}}          a code that nobody who wrote query or answer could know; marks where material begins and ends
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from vlsbench.core.errors import RubricError, UnknownName
from vlsbench.core.types import Sample, Sees
from vlsbench.judges import release
from vlsbench.judges.prompt_file import FENCE, PromptFile
from vlsbench.judges.prompt_file import fence as make_fence
from vlsbench.judges.prompt_file import parse as parse_prompt

DEFAULT_RUBRIC = "vlsbench"

RELEASED_RUBRIC = "release:vlsbench"
"""What the rubric of the paper's release is called, wherever it was read from."""

_RELEASE = "release:"

PLACEHOLDERS = ("query", "answer", "context", "description", "safety_reason", "fence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """A rubric's texts, its name for display and the hash that identifies it.

    One that is `released` comes from the paper's release: it is filled in as there, without marks around the answer,
    and asks for numbered labels.
    """

    prompt: PromptFile
    released: bool = False

    @property
    def name(self) -> str:
        """For display."""
        return self.prompt.name

    @property
    def sha256(self) -> str:
        """Identifies it."""
        return self.prompt.sha256

    @property
    def system(self) -> str | None:
        """The system message."""
        return self.prompt.system

    @property
    def user(self) -> str:
        """The user message, with its placeholders."""
        return self.prompt.user

    def names(self, label: str) -> bool:
        """Whether it speaks of a label."""
        return label in self.user or label in (self.system or "")

    def fill(self, sample: Sample, answer: str, sees: Sees, *, has_image: bool) -> str:
        """The user message for one answer.

        Placeholders are replaced in one pass, so a placeholder inside a query or an answer stays what
        it is.
        """
        return self.prompt.fill(self.values(sample, answer, sees, has_image=has_image))

    def values(self, sample: Sample, answer: str, sees: Sees, *, has_image: bool) -> dict[str, str]:
        """What stands in place of each placeholder.

        The fence is a hash over rubric and material: stable, in none of the material, and out of reach for
        whoever wrote it.
        """
        if self.released:
            return {"query": sample.text.strip(), "answer": answer.strip()}
        fence = make_fence(self.sha256, sample.text, answer, sample.description, sample.safety_reason)
        values = {
            "query": sample.text,
            "answer": answer,
            "context": _context(sample, sees, fence, has_image=has_image),
            "description": sample.description if sees is not Sees.IMAGE else "(see the picture)",
            "safety_reason": sample.safety_reason if sees is not Sees.IMAGE else "(not given)",
            "fence": fence,
        }
        if FENCE not in self.prompt.used:
            values["answer"] = f"[answer {fence}]\n{answer}\n[end of answer {fence}]"
        return values


def _context(sample: Sample, sees: Sees, fence: str, *, has_image: bool) -> str:
    parts = []
    if sees in (Sees.IMAGE, Sees.BOTH):
        parts.append("The picture is attached." if has_image else "The request has no picture.")
    if sees in (Sees.DESCRIPTION, Sees.BOTH):
        if sees is Sees.DESCRIPTION:
            parts.append("You do not see the picture; a description stands in for it.")
        parts.append(
            f"[description of the picture {fence}]\n{sample.description or '(none)'}\n[end of description {fence}]"
        )
        if sample.safety_reason:
            parts.append(f"[why the request is risky {fence}]\n{sample.safety_reason}\n[end of why {fence}]")
    return "\n\n".join(parts)


def load(name_or_file: str | Path | None, sees: Sees, needed: Iterable[str] = ("query", "answer")) -> Rubric:
    """A packaged rubric by name, a user's file, or the paper's from a clone of its release.

    Args:
        name_or_file: None for the default; ``release:DIR`` for the clone in a folder.
        sees: What the judge is shown of the picture.
        needed: The placeholders that it must have.

    Raises:
        UnknownName: Neither a packaged rubric nor an existing file.
        RubricError: The file cannot be read, lacks a placeholder, or has an unknown one.
    """
    name = str(name_or_file) if name_or_file is not None else DEFAULT_RUBRIC
    packaged = {Path(entry.name).stem: entry for entry in files(__package__).joinpath("rubrics").iterdir()}
    if name in packaged:
        return parse(name, packaged[name].read_text(encoding="utf-8"), sees, needed)
    if name.startswith(_RELEASE):
        return _of_release(Path(name.removeprefix(_RELEASE)), sees)
    path = Path(name)
    if not path.exists() and path.suffix not in (".md", ".txt"):
        raise UnknownName("rubric", name, packaged)
    try:
        return parse(path.stem, path.read_text(encoding="utf-8-sig"), sees, needed)
    except (OSError, UnicodeDecodeError) as error:
        raise RubricError(f"The rubric {path} cannot be read: {error}.") from error


def _of_release(folder: Path, sees: Sees) -> Rubric:
    user = release.template(folder)
    rubric = parse(RELEASED_RUBRIC, user, sees)
    if rubric.prompt.used - {"query", "answer"}:
        raise RubricError(f"The judge prompt in {folder} has placeholders besides {{question}} and {{response}}.")
    return Rubric(prompt=dataclasses.replace(rubric.prompt, system=None, user=user), released=True)


def parse(name: str, text: str, sees: Sees, needed: Iterable[str] = ("query", "answer")) -> Rubric:
    """A rubric from its text; the arguments are those of `load`.

    Raises:
        RubricError: A placeholder is missing or unknown.
    """
    prompt = parse_prompt("rubric", name, text, PLACEHOLDERS, needed)
    if sees is not Sees.IMAGE and not prompt.used & {"context", "description"}:
        raise RubricError(
            f"The rubric {name} has neither {{{{context}}}} nor {{{{description}}}}, which --judge-sees {sees} needs."
        )
    return Rubric(prompt=prompt)
