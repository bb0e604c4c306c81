"""Near-copies among many texts: the same request with other case, punctuation, courtesy, or a word more.

Texts are near-copies where their character 4-grams overlap (Jaccard index of `ALIKE` or more) and no word of content
is exchanged for another: a text about a fence and one about a wall are two requests, however alike they read.

Time is linear in the length of the texts, since nothing is compared with everything. Candidates are texts with the same
words of content or one more, and those that share a band of their MinHash signatures; each text is compared with a
few others of a bucket at most.

References:
    Broder (1997), On the resemblance and containment of documents: the signature.
    Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3: the bands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

from vlsbench.leakage.signals import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRAM = 4
"""Characters in a row that are compared."""

ALIKE = 0.6
"""Least Jaccard index of two near-copies: the longer may be two thirds longer than the shorter."""

ONE_WORD_IN = 10
"""So many words of content may stand beside one that is exchanged."""

BANDS, ROWS = 16, 4
"""Pairs at an index of 0.6 share a band with a chance of 0.89, at 0.7 of 0.99, at 0.8 of 0.9998."""

_COMPARED = 4
"""Texts of a bucket that each further one is compared with."""

_TEXTS_AT_ONCE = 10_000
_COURTESY = frozenset(("please", "kindly", "hello", "hi", "hey", "thank", "thanks"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """A text as it is compared: its words in lower case without punctuation, and those that carry content."""

    plain: str
    content: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Spelling:
        """The spelling of a text."""
        found = [words.normal(word) for word in words.spelled(text)]
        carrying = (word for word in found if word.partition("'")[0] not in words.STOP_WORDS and word not in _COURTESY)
        return cls(plain=" ".join(found), content=frozenset(map(words.stem, carrying)))


def links(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of places whose texts are near-copies: enough to join all that belong together; not all pairs, some twice.

    Texts without words are near-copies of none. Equal texts are not listed, other spellings of the same words are.
    """
    first: dict[str, int] = {}
    spellings: list[Spelling] = []
    places: list[int] = []
    for place, text in enumerate(texts):
        found = Spelling.of(text)
        if not found.plain:
            continue
        known = first.setdefault(found.plain, place)
        if known != place:
            if texts[known] != text:
                yield known, place
            continue
        spellings.append(found)
        places.append(place)
    for one, other in chain(_with_a_word_more(spellings), _alike(spellings)):
        yield places[one], places[other]


def near(one: Spelling, other: Spelling) -> bool:
    """Whether two texts are near-copies; the cheap condition is looked at first."""
    return _same_content(one.content, other.content) and _jaccard(one.plain, other.plain) >= ALIKE


def _same_content(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    less, more = sorted((len(one) - shared, len(other) - shared))
    if less:
        return max(less, more) * ONE_WORD_IN <= shared
    # A text that asks about nothing ("What is this?") is part of everything.
    return 2 * more <= shared


def _jaccard(one: str, other: str) -> float:
    a, b = _grams(one), _grams(other)
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


@lru_cache(maxsize=20_000)
def _grams(plain: str) -> frozenset[str]:
    return frozenset(plain[start : start + GRAM] for start in range(max(1, len(plain) - GRAM + 1)))


def _with_a_word_more(spellings: Sequence[Spelling]) -> Iterator[tuple[int, int]]:
    """Near-copies whose content is equal but for one word at most; found also where a template fills every band."""
    sums = [sum(map(hash, item.content)) for item in spellings]
    buckets: dict[int, list[int]] = {}
    for place, total in enumerate(sums):
        for other in buckets.setdefault(total, []):
            if near(spellings[other], spellings[place]):
                yield other, place
                break
        else:
            if len(buckets[total]) < _COMPARED:
                buckets[total].append(place)
    for place, item in enumerate(spellings):
        for word in item.content:
            for other in buckets.get(sums[place] - hash(word), ()):
                if near(spellings[other], item):
                    yield other, place


def _alike(spellings: Sequence[Spelling]) -> Iterator[tuple[int, int]]:
    """Near-copies among different spellings, as pairs of places."""
    # For each bucket, texts that are no near-copies of each other.
    buckets: dict[tuple[int, bytes], list[int]] = {}
    compared: dict[tuple[int, int], bool] = {}
    for place, signature in enumerate(_signatures(spellings)):
        compared.clear()
        for band in range(BANDS):
            bucket = buckets.setdefault((band, signature[band].tobytes()), [])
            for other in bucket:
                pair = (other, place)
                if pair not in compared:
                    compared[pair] = near(spellings[other], spellings[place])
                    if compared[pair]:
                        yield pair
                if compared[pair]:
                    break
            else:
                if len(bucket) < _COMPARED:
                    bucket.append(place)


def _signatures(spellings: Sequence[Spelling]) -> Iterator[NDArray[np.uint32]]:
    """A MinHash signature per text, (bands, rows)."""
    import numpy as np

    rng = Random(1)  # noqa: S311 - hash functions that are the same every time, no secret
    factors = np.array([rng.getrandbits(64) | 1 for _ in range(BANDS * ROWS)], dtype=np.uint64)
    for start in range(0, len(spellings), _TEXTS_AT_ONCE):
        part = spellings[start : start + _TEXTS_AT_ONCE]
        hashes, starts = _hashed([item.plain for item in part])
        least = np.empty((len(part), len(factors)), dtype=np.uint32)
        for number, factor in enumerate(factors):
            # The high half of a product by an odd number: multiply-shift hashing.
            least[:, number] = np.minimum.reduceat((hashes * factor) >> np.uint64(32), starts)
        yield from least.reshape(len(part), BANDS, ROWS)


def _hashed(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """A number for each gram of each text, one text after the other, and where each text begins."""
    import numpy as np

    # Spaces at the end give the shortest text a gram; none spans two texts, because those that would are left out.
    padded = [text.ljust(GRAM) for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in padded])
    ends = np.cumsum(lengths)
    hashes = np.zeros(len(codes), dtype=np.uint64)
    for offset in range(GRAM):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + np.roll(codes, -offset)
    hashes ^= hashes >> np.uint64(29)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(32)
    whole = np.ones(len(codes), dtype=bool)
    for back in range(1, GRAM):
        whole[ends - back] = False
    kept = lengths - (GRAM - 1)
    return hashes[whole], np.cumsum(kept) - kept
