"""How much of a query's content another text already says: the image's description, or the text in the image.

The score is the share of the query's distinct content words that the other text has too, each word weighted by
its inverse document frequency in the set, idf(w) = ln(1 + N / df(w)), where df counts the records with the word
in their query or their description. A word that few records have weighs more than one that all have. 0: nothing
is said twice. 1: all of the query is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from vlsbench.leakage.signals import words

MOST_WORDS = 500_000
"""Distinct words counted; beyond, the rarest are dropped and count as if they came once (Manku and Motwani, 2002)."""

COMMON = 0.5
"""A word in more than this share of the records is no leak: it tells one record from another too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the query that leaks: `start` and `end` are character offsets, `source` names where it is said.

    `source` is ``"description"`` or ``"ocr"``.
    """

    start: int
    end: int
    source: str


class Frequencies:
    """In how many records of a set each word occurs; memory stays bounded, however long the set.

    Args:
        most: How many distinct words are counted before the rarest are dropped.
    """

    def __init__(self, most: int = MOST_WORDS) -> None:
        self.records = 0
        self._most = most
        self._counts: dict[str, int] = {}

    def add(self, stems: Iterable[str]) -> None:
        """Count one record, given the distinct stems of all its texts."""
        self.records += 1
        counts = self._counts
        get = counts.get
        for stem in stems:
            counts[stem] = get(stem, 0) + 1
        if len(counts) > self._most:
            self._drop_rarest()

    def _drop_rarest(self) -> None:
        least = 1
        while len(self._counts) > self._most // 2:
            self._counts = {stem: count for stem, count in self._counts.items() if count > least}
            least *= 2

    def count(self, stem: str) -> int:
        """The records with the word; 1 for a word that was never counted, or was dropped as rare."""
        return self._counts.get(stem, 1)

    def idf(self, stem: str) -> float:
        """Weight of a word, over 0 and the larger the rarer it is."""
        return math.log(1 + self.records / self._counts.get(stem, 1))

    def is_common(self, stem: str, share: float = COMMON) -> bool:
        """Whether more than that share of the records have the word; one record alone is never too many."""
        return self._counts.get(stem, 1) > max(1.0, share * self.records)


class Query:
    """A query's content words, ready to be compared with several texts.

    Args:
        text: The query.
        frequencies: Those of the set it belongs to.
    """

    __slots__ = ("_frequencies", "_text", "stems")

    def __init__(self, text: str, frequencies: Frequencies) -> None:
        self.stems = words.content(text)
        self._text = text
        self._frequencies = frequencies

    def overlap(self, other: set[str]) -> float:
        """The weighted share of the query's content words that are among `other`; 0 for a query without any."""
        both = self.stems & other
        if not both:
            return 0.0
        if len(both) == len(self.stems):
            return 1.0
        # fsum: the order of a set differs from process to process, and a plain sum would with it.
        idf = self._frequencies.idf
        return math.fsum(map(idf, both)) / math.fsum(map(idf, self.stems))

    def spans(self, other: set[str], source: str, common: float = COMMON) -> list[Span]:
        """Where the query says what `other` says too, leaving out words that are common in the set.

        Args:
            other: Stems of the text compared with.
            source: What that text is.
            common: Share of the records from which on a word is common.
        """
        both = self.stems & other
        if not both:
            return []
        leaks = {stem for stem in both if not self._frequencies.is_common(stem, common)}
        found: list[Span] = []
        for stem, start, end in words.content_with_places(self._text) if leaks else ():
            if stem not in leaks:
                continue
            if found and start < found[-1].end:  # pairs of characters that overlap are one stretch
                found[-1] = Span(start=found[-1].start, end=end, source=source)
            else:
                found.append(Span(start=start, end=end, source=source))
        return found
