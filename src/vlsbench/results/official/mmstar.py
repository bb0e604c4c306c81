"""MMStar's own accuracy over all questions, and the mean over sub-categories that lmms-eval prints."""

from __future__ import annotations

from collections.abc import Sequence

from vlsbench.core.types import Sample
from vlsbench.results.official.rule import Credits, Mark, OfficialRule, RuleFigure, by, by_category, share

_BEFORE = ("", "(", "option ", "the answer is ")
"""What may stand before the letter, at the very beginning of an answer."""


def mark(sample: Sample, text: str) -> Mark:
    """Right where the answer begins with the letter, or with one of a few words and the letter."""
    said, letter = text.lower().strip().replace("\n", " "), (sample.answer or "?").lower()
    return Mark(credit=float(any(said.startswith(before + letter) for before in _BEFORE)))


def points(samples: Sequence[Sample], credits_: Credits) -> list[RuleFigure]:
    """Micro and macro accuracy, and that of each category."""
    parts = by(samples, lambda sample: sample.sub_category).values()
    macro = sum(share(part, credits_) for part in parts) / len(parts)
    return [
        RuleFigure(name="micro accuracy", value=share(samples, credits_), headline=True),
        RuleFigure(name="macro accuracy over sub-categories (lmms-eval)", value=macro),
        *by_category(samples, credits_),
    ]


RULE = OfficialRule(name="MMStar: the first letter (Chen et al., 2024)", size=1500, mark=mark, points=points)
