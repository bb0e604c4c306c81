"""Questions with a right answer: how options and answers are written in files, and how a sample says them.

An answer becomes the letter of its option where there are options (``A`` is the first), ``yes`` or ``no``, or stays as
it is. Options that the text does not list itself are listed after it, as in the prompts of MMMU (Yue et al., 2024,
arXiv:2311.16502), so that the text of a sample is all that a model is asked.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vlsbench.core.choices import LETTERS, NO, OR, YES
from vlsbench.datasets.base import BadField, json_kind

INSTRUCTION = "Answer with the option's letter from the given choices directly."
"""What follows listed options: the sentence of MMMU, which lmms-eval and others use too."""

_BARE = re.compile(r"\(?([A-Za-z])[).:]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, with its options, and the right answer as samples say it; None where it is not known."""

    text: str
    options: tuple[str, ...] = ()
    answer: str | None = None


def question(text: str, options: Sequence[str], answer: object) -> Question:
    """A question as samples say it.

    Args:
        text: What is asked; options are listed after it where it does not do so itself.
        options: Their texts; bare letters (``A``, ``B``, …) where the texts stand in the question.
        answer: A letter, the text of an option, or its number counted from 0; without options a text, a number,
            a truth value, or a list of answers of which each is right. None or empty where it is not known.

    Raises:
        BadField: There are too many options, one of them is empty, or the answer is none of them or may be two.
    """
    if not options:
        return Question(text=text, answer=_open_answer(answer))
    if not 2 <= len(options) <= len(LETTERS):
        raise BadField(f"a question has 2 to {len(LETTERS)} options, but this one has {len(options)}")
    if not all(option.strip() for option in options):
        raise BadField("one of the options is empty")
    return Question(text=_with_options(text, options), options=tuple(options), answer=_letter(answer, options))


def options_field(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The options of a record: a list, a list as text (JSON's or Python's), or one on each line.

    Raises:
        BadField: None of these.
    """
    value = row.get(name)
    if isinstance(value, str):
        value = written_list(value, name) if value.lstrip().startswith("[") else value.splitlines()
    if value is None:
        return ()
    return tuple(_text(item, name).strip() for item in _items(value, name))


def texts_field(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A list of texts of a record; empty where it is missing or null.

    Raises:
        BadField: Something else.
    """
    value = row.get(name)
    return () if value is None else tuple(_text(item, name, numbers=False) for item in _items(value, name))


def _items(value: object, name: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise BadField(f"the field '{name}' should be a list, but is {json_kind(value)}")
    return value


def _text(item: object, name: str, *, numbers: bool = True) -> str:
    if isinstance(item, str):
        return item
    if numbers and isinstance(item, int | float) and not isinstance(item, bool):
        return str(item)
    raise BadField(f"the field '{name}' should be a list of texts, but holds {json_kind(item)}")


def written_list(text: str, name: str) -> object:
    """A list as JSON or Python write it; read as a literal, so nothing in it is ever run.

    Raises:
        BadField: It is none.
    """
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise BadField(f"the field '{name}' begins like a list, but is none ({text!r:.60})") from error


def _open_answer(answer: object) -> str | None:
    if isinstance(answer, bool):
        return YES if answer else NO
    if isinstance(answer, list | tuple):
        return OR.join(_text(item, "answer").strip() for item in answer) or None
    if answer is None or isinstance(answer, str | int | float):
        said = "" if answer is None else str(answer).strip()
        return said.lower() if said.lower() in (YES, NO) else said or None
    raise BadField(f"the field 'answer' should be a text, a number or a list of them, but is {json_kind(answer)}")


def _letter(answer: object, options: Sequence[str]) -> str | None:
    """The letter of the right option."""
    if answer is None or (isinstance(answer, str) and not answer.strip()):
        return None
    if isinstance(answer, bool) or not isinstance(answer, str | int):
        raise BadField(f"the field 'answer' should be a letter, an option or its number, but is {json_kind(answer)}")
    said = str(answer).strip()
    known = LETTERS[: len(options)]
    same = [letter for letter, option in zip(known, options, strict=True) if option.strip() == said]
    bare = _BARE.fullmatch(said)
    if bare and bare[1].upper() in known and (bare[1].isupper() or not same):
        return bare[1].upper()
    numbered = [known[int(said)]] if said.isascii() and said.isdigit() and int(said) < len(options) else []
    if len(found := {*same, *numbered}) != 1:
        raise BadField(
            f"the answer {said!r:.40} fits {' and '.join(sorted(found))}, by text or number; give the letter"
            if found
            else f"the answer {said!r:.40} is neither one of the {len(options)} options, nor a letter or number of one"
        )
    return found.pop()


def _with_options(text: str, options: Sequence[str]) -> str:
    if all(option.strip() == letter for letter, option in zip(LETTERS, options, strict=False)):
        return text
    if all(_lists(text, letter, option) for letter, option in zip(LETTERS, options, strict=False)):
        return text
    lines = (f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))
    return "\n".join((text, *lines, INSTRUCTION))


def _lists(text: str, letter: str, option: str) -> bool:
    """Whether a text names an option after its letter: ``(A) cat``, ``A. cat``, ``A: cat``."""
    return re.search(rf"(?:^|[\s(]){letter}[).:]\s*{re.escape(option)}", text) is not None
