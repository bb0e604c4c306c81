"""Every N-th group of a set: which samples a shard holds, and the dataset that they make."""

from __future__ import annotations

import array
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vlsbench.core.errors import UserError
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Sample
from vlsbench.core.words import counted
from vlsbench.datasets.base import since


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Number `index` (counted from 1) of the `of` parts that a set is split into."""

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard as it is written, ``I/N``.

        Raises:
            UserError: It is not written so, or there is no such part.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UserError(f"--shard takes I/N with I from 1 to N, for example 1/4, not {text!r:.40}.")
        return cls(index=int(found[1]), of=int(found[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"


class Together:
    """Which samples of a set belong together: those of one group, and twins.

    Samples that share a picture are not held together: one blank picture may serve a whole set.
    """

    def __init__(self) -> None:
        # For each sample the number of another one that it goes with, or its own: chains that end at the first.
        self._with = array.array("q")
        self._described = bytearray()
        self._ids: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        self._twins: list[tuple[int, str]] = []

    def add(self, sample: Sample) -> None:
        """The next sample of the set."""
        number = len(self._with)
        self._with.append(number)
        self._described.append(bool(sample.description or sample.safety_reason))
        self._ids[sample.id] = number
        if sample.group:
            self._join(number, self._groups.setdefault(sample.group, number))
        if sample.twin_of:
            self._twins.append((number, sample.twin_of))

    def numbers(self, shard: Shard) -> list[int]:
        """The numbers (counted from 0) of a shard's samples, in order: every N-th group from the I-th on.

        Raises:
            UserError: There are fewer groups than shards, and none is left for this one.
        """
        for number, twin in self._twins:
            if twin in self._ids:
                self._join(number, self._ids[twin])
        self._twins.clear()
        shard_of = array.array("q")
        found = 0
        for number in range(len(self._with)):
            first = self._first(number)
            shard_of.append(shard_of[first] if first < number else found % shard.of)
            found += first == number
        wanted = [number for number, index in enumerate(shard_of) if index == shard.index - 1]
        if not wanted:
            raise UserError(f"Shard {shard} would be empty: the set has {counted(found, 'group')} of samples.")
        return wanted

    def described(self, numbers: Sequence[int]) -> int:
        """How many of these samples have a description or a safety reason."""
        return sum(self._described[number] for number in numbers)

    def __len__(self) -> int:
        return len(self._with)

    def _first(self, number: int) -> int:
        while (other := self._with[number]) != number:
            self._with[number] = self._with[other]  # halves the chain for whoever comes next
            number = other
        return number

    def _join(self, one: int, other: int) -> None:
        first, second = sorted((self._first(one), self._first(other)))
        self._with[second] = first


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardOfSet:
    """The samples of a shard as a dataset. Implements `vlsbench.core.protocols.Dataset`."""

    whole: Dataset
    numbers: Sequence[int]

    @property
    def name(self) -> str:
        """The reference of the whole set."""
        return self.whole.name

    @property
    def root(self) -> Path | str | None:
        """The folder of the whole set."""
        return self.whole.root

    @property
    def revision(self) -> str:
        """The revision of the whole set."""
        return self.whole.revision

    def __iter__(self) -> Iterator[Sample]:
        return self.since(0)

    def since(self, start: int) -> Iterator[Sample]:
        """The shard's samples from its number `start` (counted from 0) on."""
        wanted = self.numbers[start:]
        position = wanted[0] if wanted else 0
        samples = since(self.whole, position)
        for number in wanted:
            yield from islice(samples, number - position, number - position + 1)
            position = number + 1
