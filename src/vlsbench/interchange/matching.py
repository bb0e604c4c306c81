"""Which recorded answer belongs to which sample: by id, by position, or by the question, and always checked.

A tool numbers its samples in its own way. So a way of matching is taken only if each answer finds a sample of its own,
and wherever a record holds the question, that is the sample's question too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.types import Sample
from vlsbench.core.words import counted
from vlsbench.interchange.tools.answers import Answer

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The answer of each sample by the sample's id, and how they found each other.

    `compared` counts the answers whose question is recorded, `differing` those among them that answer another one than
    their sample's: none, unless the user insisted on a way of matching.
    """

    answers: Mapping[str, Answer]
    by: str
    compared: int
    differing: int


class _Samples:
    """The samples of a dataset, as answers look for them."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.all = samples
        self.by_id = {sample.id: sample for sample in samples}
        self._texts: dict[str, list[Sample]] = {}
        for sample in samples:
            self._texts.setdefault(_plain(sample.text), []).append(sample)

    def by_text(self, asked: str) -> Sample | None:
        """The one sample with this question, or with a question within it: tools put instructions around."""
        text = _plain(asked)
        if not text:
            return None
        found = self._texts.get(text)
        if found is None:
            within = [known for known in self._texts if known and known in text]
            longest = max(within, key=len, default="")
            # "What is this?" is also within a longer question that contains it; others beside it make it unclear.
            found = self._texts[longest] if longest and all(each in longest for each in within) else []
        return found[0] if len(found) == 1 else None


def _by_id(samples: _Samples, answer: Answer) -> Sample | None:
    return next((samples.by_id[key] for key in answer.keys if key in samples.by_id), None)


def _by_position(samples: _Samples, answer: Answer) -> Sample | None:
    inside = answer.position is not None and 0 <= answer.position < len(samples.all)
    return samples.all[answer.position] if inside and answer.position is not None else None


def _by_text(samples: _Samples, answer: Answer) -> Sample | None:
    return samples.by_text(answer.asked)


WAYS: Mapping[str, Callable[[_Samples, Answer], Sample | None]] = {
    "id": _by_id,
    "position": _by_position,
    "text": _by_text,
}
"""How an answer may find its sample, in the order in which they are tried."""


def match(answers: Sequence[Answer], samples: Sequence[Sample], way: str = AUTO) -> Matched:
    """Find the sample of each answer.

    Args:
        answers: What a tool recorded.
        samples: What the dataset holds.
        way: ``auto`` for the first way that fits all answers, their questions included; or ``id``, ``position`` or
            ``text``, by which they are taken even where the questions differ.

    Raises:
        UnknownName: No such way.
        UserError: No way fits; the message says what speaks against each.
    """
    if way not in (AUTO, *WAYS):
        raise UnknownName("way of matching", way, (AUTO, *WAYS))
    known = _Samples(samples)
    problems = []
    for name in WAYS if way == AUTO else (way,):
        found = [WAYS[name](known, answer) for answer in answers]
        differing = [] if (problem := _lost(answers, found)) else _differing(answers, found)
        if differing and way == AUTO:
            first = differing[0].id
            problem = (
                f"{counted(len(differing), 'question')} of {len(answers):,} differ, the first is that of {first!r}"
            )
        if not problem:
            pairs = {sample.id: answer for sample, answer in zip(found, answers, strict=True) if sample is not None}
            compared = sum(bool(_plain(answer.asked)) for answer in answers)
            return Matched(answers=pairs, by=name, compared=compared, differing=len(differing))
        problems.append(f"by {name}: {problem}")
    raise UserError(
        f"The answers do not fit the dataset ({'; '.join(problems)}). Is it the set and the split that was asked?"
    )


def _lost(answers: Sequence[Answer], found: Sequence[Sample | None]) -> str:
    """Answers without a sample of their own, in words; empty where there are none."""
    lost = [answer for answer, sample in zip(answers, found, strict=True) if sample is None]
    if lost:
        return f"{counted(len(lost), 'answer')} of {len(answers):,} find no sample, the first is {_name(lost[0])}"
    ids = Counter(sample.id for sample in found if sample is not None)
    if repeated := [name for name, count in ids.items() if count > 1]:
        return f"{counted(len(repeated), 'sample')} would have several answers, the first is {repeated[0]!r}"
    return ""


def _differing(answers: Sequence[Answer], found: Sequence[Sample | None]) -> list[Sample]:
    """The samples whose answers are to another question."""
    pairs = zip(answers, found, strict=True)
    return [sample for answer, sample in pairs if sample is not None and not _same(answer.asked, sample.text)]


def _same(asked: str, text: str) -> bool:
    """Whether a recorded question may be that of a sample: the text itself, or the text with instructions around it."""
    asked, text = _plain(asked), _plain(text)
    return not asked or not text or text in asked or asked in text


def _plain(text: str) -> str:
    return " ".join(text.replace("<image>", " ").split()).casefold()


def _name(answer: Answer) -> str:
    return repr(answer.keys[0]) if answer.keys else "without an id"
