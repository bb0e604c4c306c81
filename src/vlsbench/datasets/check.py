"""What is in a dataset, and what is wrong with it.

Every sample is read, and every distinct image once. Nothing is repaired and nothing stops at the first
problem: each one is listed with the id of its sample.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TypeVar

from vlsbench.core import images, taxonomy
from vlsbench.core.choices import NO, YES
from vlsbench.core.errors import ImageProblem
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Sample
from vlsbench.datasets.base import BadRecord, Records

K = TypeVar("K")


class ProblemKind(StrEnum):
    """What sort of problem it is."""

    RECORD = "unusable record"
    DUPLICATE = "duplicate id"
    TEXT = "empty text"
    MISFILED = "misfiled sub-category"
    IMAGE = "image"
    CHANGED = "changed image"
    TWIN = "missing twin"
    DESCRIPTION = "no description"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong; `sample_id` is empty where the problem is not that of one sample.

    `cause` is the message without what is particular to the sample: a set with the same fault in every record has one.
    """

    sample_id: str
    kind: ProblemKind
    message: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Smallest, middle and largest of some numbers, and their sum."""

    low: float
    median: float
    high: float
    total: float

    @classmethod
    def of(cls, values: Sequence[int]) -> Spread | None:
        """The spread of some numbers, or None where there are none."""
        if not values:
            return None
        return cls(low=min(values), median=median(values), high=max(values), total=sum(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReport:
    """The images of a set.

    `distinct` counts files (and data URIs), `contents` different bytes among those that are sound. `serves`
    says how many images belong to 1, 2, 3 … samples. Width and height are in pixels.
    """

    without: int
    distinct: int
    contents: int
    serves: dict[int, int]
    formats: dict[str, int]
    width: Spread | None
    height: Spread | None
    n_bytes: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What is in a dataset: `n` usable samples, how they are distributed, and what is wrong.

    `answers` says how many questions have a right answer of which kind; it is empty where none has. `groups` says how
    many groups hold 1, 2, 3 … samples. `repeated_texts` holds the ids of the samples that share a text, one tuple per
    text: a repeated text is no group by itself, since neutral queries repeat by design, so these samples count as
    independent unless they share an image or a group. `ungrouped_texts` counts such texts of which no two samples share
    a group. `words` is the length of the texts in words, separated by white space.
    """

    name: str
    revision: str
    n: int
    categories: dict[str, int]
    sub_categories: dict[tuple[str, str], int]
    sources: dict[str, int]
    expect: dict[str, int]
    answers: dict[str, int]
    twins: int
    groups: dict[int, int]
    images: ImageReport
    repeated_texts: tuple[tuple[str, ...], ...]
    ungrouped_texts: int
    words: Spread | None
    problems: tuple[Problem, ...]


def check(dataset: Dataset, *, limit: int | None = None) -> CheckReport:
    """Read a dataset and its images.

    Args:
        dataset: Any dataset. Where it comes from `vlsbench.datasets.load`, unusable records are listed;
            another one may raise at the first.
        limit: Look at the first so many samples only.

    Raises:
        DatasetError: The set cannot be read at all.
    """
    survey = _Survey(dataset.root)
    samples: Iterator[Sample]
    samples = dataset.scan(survey.note_bad_record) if isinstance(dataset, Records) else iter(dataset)
    for sample in islice(samples, limit):
        survey.add(sample)
    # With a limit, a twin may lie beyond it.
    survey.finish(look_for_twins=limit is None or survey.n < limit)
    return survey.report(dataset.name, dataset.revision)


class _Survey:
    """What has been seen so far."""

    def __init__(self, root: Path | str | None) -> None:
        self.n = 0
        self._images = _Images(root)
        self._problems: list[Problem] = []
        self._ids: set[str] = set()
        self._twins: list[tuple[str, str]] = []
        self._texts: dict[bytes, list[str]] = {}
        self._group_of: dict[str, str] = {}
        self._words: list[int] = []
        self._categories: Counter[str] = Counter()
        self._subs: Counter[tuple[str, str]] = Counter()
        self._sources: Counter[str] = Counter()
        self._expect: Counter[str] = Counter()
        self._undescribed = 0
        self._answers: Counter[str] = Counter()

    def note_bad_record(self, bad: BadRecord) -> None:
        self._note(bad.record, ProblemKind.RECORD, f"{bad.where}: {bad.problem}", bad.problem)

    def add(self, sample: Sample) -> None:
        self.n += 1
        self._categories[sample.category] += 1
        self._subs[sample.category, sample.sub_category] += 1
        self._sources[sample.source] += 1
        self._expect[sample.expect.value] += 1
        # A right answer is judged without the image.
        self._undescribed += sample.answer is None and not sample.description.strip()
        self._answers[_kind_of_answer(sample)] += 1
        self._add_text(sample)
        if sample.id in self._ids:
            self._note(sample.id, ProblemKind.DUPLICATE, "an earlier sample has the same id")
        self._ids.add(sample.id)
        if taxonomy.is_misfiled(sample.category, sample.sub_category):
            home = taxonomy.category_of(sample.sub_category)
            message = f"{sample.sub_category} belongs to {home}, but is filed under {sample.category}"
            self._note(sample.id, ProblemKind.MISFILED, message)
        if sample.twin_of is not None:
            self._twins.append((sample.id, sample.twin_of))
        if sample.group is not None:
            self._group_of[sample.id] = sample.group
        self._add_image(sample)

    def _add_text(self, sample: Sample) -> None:
        words = len(sample.text.split())
        self._words.append(words)
        if not words:
            self._note(sample.id, ProblemKind.TEXT, "the text is empty")
            return
        digest = hashlib.blake2b(sample.text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._texts.setdefault(digest, []).append(sample.id)

    def _add_image(self, sample: Sample) -> None:
        if sample.image is None:
            self._images.without += 1
            return
        for image, sha256 in zip(sample.images, sample.hashes, strict=True):
            facts = self._images.look_at(image)
            if isinstance(facts, str):
                self._note(sample.id, ProblemKind.IMAGE, facts, self._images.cause(facts, image))
            elif sha256 is not None and sha256.lower() != facts.sha256:
                self._note(sample.id, ProblemKind.CHANGED, "the image is not the one whose SHA-256 is recorded")

    def finish(self, *, look_for_twins: bool) -> None:
        for sample_id, twin in self._twins if look_for_twins else ():
            if twin not in self._ids:
                self._note(sample_id, ProblemKind.TWIN, f"twin_of names {twin}, which is not in the set", "twin_of")
        if self._undescribed:
            message = f"{self._undescribed:,} of {self.n:,} samples have no description for a judge that sees no image"
            self._note("", ProblemKind.DESCRIPTION, message)

    def _is_ungrouped(self, ids: Sequence[str]) -> bool:
        """Whether no two of these samples belong to one group."""
        named = [group for sample_id in ids if (group := self._group_of.get(sample_id)) is not None]
        return len(set(named)) == len(named)

    def _note(self, sample_id: str, kind: ProblemKind, message: str, cause: str = "") -> None:
        self._problems.append(Problem(sample_id=sample_id, kind=kind, message=message, cause=cause or message))

    def report(self, name: str, revision: str) -> CheckReport:
        repeated = tuple(tuple(ids) for ids in self._texts.values() if len(ids) > 1)
        return CheckReport(
            name=name,
            revision=revision,
            n=self.n,
            categories=_by_size(self._categories),
            sub_categories=_by_size(self._subs),
            sources=_by_size(self._sources),
            expect=_by_size(self._expect),
            answers=_by_size(self._answers) if self._answers.keys() - {NO_ANSWER} else {},
            twins=len(self._twins),
            groups=dict(sorted(Counter(Counter(self._group_of.values()).values()).items())),
            images=self._images.report(),
            repeated_texts=repeated,
            ungrouped_texts=sum(self._is_ungrouped(ids) for ids in repeated),
            words=Spread.of(self._words),
            problems=tuple(self._problems),
        )


NO_ANSWER = "none"


def _kind_of_answer(sample: Sample) -> str:
    """Of what kind a sample's right answer is."""
    if sample.answer is None:
        return NO_ANSWER
    return "an option" if sample.options else "yes or no" if sample.answer in (YES, NO) else "open"


class _Images:
    """The images seen so far; each is opened once, however many samples it serves."""

    def __init__(self, root: Path | str | None) -> None:
        self.without = 0
        self._root = root
        self._seen: dict[str, images.Facts | str] = {}
        self._served: Counter[str] = Counter()

    def look_at(self, reference: str) -> images.Facts | str:
        """Facts of a sound image, or what is wrong with it."""
        key = _key(reference)
        self._served[key] += 1
        if key not in self._seen:
            try:
                self._seen[key] = images.check(images.load(reference, self._root))
            except ImageProblem as error:
                self._seen[key] = str(error)
        return self._seen[key]

    def cause(self, message: str, reference: str) -> str:
        """What is wrong with an image, without its name."""
        path = os.path.abspath(os.path.join(self._root or "", reference))
        return message.replace(path if path in message else reference, "...")

    def report(self) -> ImageReport:
        sound = [facts for facts in self._seen.values() if not isinstance(facts, str)]
        return ImageReport(
            without=self.without,
            distinct=len(self._seen),
            contents=len({facts.sha256 for facts in sound}),
            serves=dict(sorted(Counter(self._served.values()).items())),
            formats=_by_size(Counter(facts.media_type for facts in sound)),
            width=Spread.of([facts.width for facts in sound]),
            height=Spread.of([facts.height for facts in sound]),
            n_bytes=Spread.of([facts.n_bytes for facts in sound]),
        )


def _key(reference: str) -> str:
    """One name per image: paths without detours, data URIs by their hash so that they need not be kept."""
    if reference.startswith("data:"):
        return "data:" + hashlib.sha256(reference.encode("utf-8", "surrogatepass")).hexdigest()
    return os.path.normpath(reference)


def _by_size(counts: Counter[K]) -> dict[K, int]:
    return dict(counts.most_common())


def by_cause(problems: Iterable[Problem]) -> list[list[Problem]]:
    """Problems of one kind, those with the same cause together, in the order in which they were found."""
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(problem.cause, []).append(problem)
    return list(groups.values())


def by_kind(problems: Iterable[Problem]) -> dict[ProblemKind, list[Problem]]:
    """Problems grouped by kind, in the order in which the kinds are declared."""
    groups: dict[ProblemKind, list[Problem]] = {kind: [] for kind in ProblemKind}
    for problem in problems:
        groups[problem.kind].append(problem)
    return {kind: group for kind, group in groups.items() if group}
