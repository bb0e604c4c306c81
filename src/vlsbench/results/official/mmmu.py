"""MMMU's own accuracy. Where its authors draw an option by lot, the lot's expected worth stands, so that figures hold.

Rules as in `mmmu/utils/eval_utils.py` of the authors' repository, in our words. Of several letters the last one counts.
An open answer is taken to pieces at words such as "is" and "answer", and right where one of the pieces is, or holds,
the right answer; numbers count to two decimals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vlsbench.core.choices import LETTERS, alternatives
from vlsbench.core.types import Sample
from vlsbench.results.official.rule import Credits, Mark, OfficialRule, RuleFigure, by, by_category, share

_AROUND = ",.!?;:'"
_LONG = 5
"""Words beyond which an answer without a letter is searched for the text of an option."""

_LEADS = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)


def mark(sample: Sample, text: str) -> Mark:
    """Of a question with options the letter that is found, or what a lot would be worth; of an open one 0 or 1."""
    if not sample.options:
        return Mark(credit=float(is_right(text, alternatives(sample.answer or ""))))
    letter = letter_of(text, sample.options)
    if letter is None:
        return Mark(credit=1 / len(sample.options), lot=True)
    return Mark(credit=float(letter == sample.answer))


def letter_of(text: str, options: Sequence[str]) -> str | None:
    """The letter of an answer by the authors' rule; None where they draw one."""
    for char in _AROUND:
        text = text.strip(char)
    said = f" {text} "
    known = LETTERS[: len(options)]
    for written in ("({})", " {} "):
        places = {said.rfind(written.format(letter)): letter for letter in known if written.format(letter) in said}
        if places:
            return places[max(places)]
    if len(said.split()) <= _LONG:
        return None
    low = said.lower()
    found = [(low.rfind(option.lower()), letter) for letter, option in zip(known, options, strict=True)]
    # Of options at one place the first is taken, as numpy's argmax does.
    best = max((place for place, _ in found), default=-1)
    return next((letter for place, letter in found if place == best), None) if best >= 0 else None


def is_right(text: str, right: Sequence[str]) -> bool:
    """Whether an open answer is right by the authors' rule."""
    wanted = {one for answer in right for one in _values(answer)}
    given = {one for piece in _pieces(text) for one in _values(piece)}
    words = [one for one in wanted if isinstance(one, str)]
    return any(one in wanted if isinstance(one, float) else any(word in one for word in words) for one in given)


def _pieces(text: str) -> list[str]:
    """The parts of an answer that may hold it, and the numbers in them."""
    whole = text.strip().strip(".").lower()
    lines = whole.split("\n")
    keys = []
    for place, line in enumerate(lines):
        shortest = ""
        for lead in (*_LEADS, "=") if place == len(lines) - 1 else _LEADS:
            end = line.split(lead)[-1].strip()
            if lead in line and (not shortest or len(end) < len(shortest)):
                shortest = end
        if shortest and shortest not in tuple(_AROUND):
            keys.append(shortest)
    keys = keys or [whole]
    return [*keys, *(number for key in keys for pattern in _NUMBERS for number in pattern.findall(key))]


def _values(text: str) -> list[str | float]:
    """A number to two decimals, or words; a single character with a blank on either side, or it would be anywhere."""
    said = text.strip()
    try:
        return [round(float(said.replace(",", "")), 2)]
    except ValueError:
        low = said.lower()
        return [f" {low}", f"{low} "] if len(low) == 1 else [low]


def points(samples: Sequence[Sample], credits_: Credits) -> list[RuleFigure]:
    """Micro accuracy, and that of questions with options, of open ones, and of each subject."""
    kinds = by(samples, lambda sample: "with options" if sample.options else "open")
    return [
        RuleFigure(name="micro accuracy", value=share(samples, credits_), headline=True),
        *(RuleFigure(name=name, value=share(part, credits_)) for name, part in sorted(kinds.items(), reverse=True)),
        *by_category(samples, credits_),
    ]


RULE = OfficialRule(
    name="MMMU: micro accuracy, unreadable answers at the worth of a lot (Yue et al., 2024)",
    size=900,
    mark=mark,
    points=points,
)
