"""MME's own figures: for each task acc (of questions) plus acc+ (of pictures with both right), and their sums."""

from __future__ import annotations

from collections.abc import Sequence

from vlsbench.core.choices import NO, YES
from vlsbench.core.types import Sample
from vlsbench.results.official.rule import Credits, Mark, OfficialRule, RuleFigure, by, share

_LOOKED_AT = 4
"""Characters of an answer in which a yes or no is looked for."""


def mark(sample: Sample, text: str) -> Mark:
    """Yes or no, alone or within the first four characters; anything else is wrong."""
    start = text.strip().lower()[:_LOOKED_AT]
    said = YES if YES in start else NO if NO in start else "other"
    return Mark(credit=float(said == sample.answer))


def points(samples: Sequence[Sample], credits_: Credits) -> list[RuleFigure]:
    """The sums of perception and cognition, then what each task adds to them."""
    sums: dict[str, float] = {}
    tasks: dict[str, int] = {}
    found = []
    for task, asked in by(samples, lambda sample: sample.category).items():
        pictures = by(asked, lambda sample: sample.group or sample.id).values()
        acc = share(asked, credits_)
        plus = 100 * sum(min(credits_[one.id] for one in pair) for pair in pictures) / len(pictures)
        found += [
            RuleFigure(name=f"{task} acc", value=acc),
            RuleFigure(name=f"{task} acc+", value=plus),
            RuleFigure(name=task, value=acc + plus, best=200),
        ]
        part = asked[0].sub_category
        sums[part] = sums.get(part, 0.0) + acc + plus
        tasks[part] = tasks.get(part, 0) + 1
    heads = [
        RuleFigure(name=part, value=sums[part], best=200.0 * tasks[part], headline=True)
        for part in ("perception", "cognition")
        if part in sums
    ]
    return [*heads, *found]


RULE = OfficialRule(name="MME: acc + acc+ of each task (Fu et al., 2023)", size=2374, mark=mark, points=points)
