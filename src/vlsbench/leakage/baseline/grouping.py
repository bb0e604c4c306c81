"""Which records belong together, and how they are dealt to the folds of a cross-validation."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from vlsbench.core.types import Sample
from vlsbench.leakage.baseline import near_copies
from vlsbench.stats.disjoint import DisjointSets


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The group of each record, and how many records are near-copies: alike in text to another, and not equal."""

    of: tuple[int, ...]
    near_copies: int


def grouped(samples: Sequence[Sample]) -> Groups:
    """Join samples whose queries are equal or near-copies, that share an image or a declared group, and twins.

    Directly, or by others in between. numpy is needed.
    """
    sets: DisjointSets[int] = DisjointSets()
    first: dict[tuple[str, str | bytes], int] = {}
    for place, sample in enumerate(samples):
        for key in _keys(sample):
            sets.join(first.setdefault(key, place), place)
    copies: set[int] = set()
    for link in near_copies.links([sample.text for sample in samples]):
        copies.update(link)
        sets.join(*link)
    numbers: dict[int, int] = {}
    of = tuple(numbers.setdefault(sets.root(place), len(numbers)) for place in range(len(samples)))
    return Groups(of=of, near_copies=len(copies))


def _keys(sample: Sample) -> list[tuple[str, str | bytes]]:
    """What joins a sample to others; digests, because queries and ``data:`` URIs are long and there may be many."""
    keys: list[tuple[str, str | bytes]] = [("twins", sample.id)]
    if sample.twin_of is not None:
        keys.append(("twins", sample.twin_of))
    if sample.group is not None:
        keys.append(("group", sample.group))
    if query := as_one(sample.text):
        keys.append(("query", _digest(query)))
    for image, sha256 in zip(sample.images, sample.hashes, strict=True):
        if sha256 is not None:
            keys.append(("image", sha256.lower()))
        keys.append(("image", _digest(image if image.startswith("data:") else os.path.normpath(image))))
    return keys


def as_one(text: str) -> str:
    """A text without regard to case and white space: equal texts are one query."""
    return " ".join(text.casefold().split())


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def split(groups: Sequence[int], harmful: Sequence[bool], folds: int, seed: int = 0) -> list[int]:
    """The fold of each record: groups stay whole, and each fold gets about its share of either kind.

    Large groups are placed first, each where it keeps the folds most even. scikit-learn's StratifiedGroupKFold does
    the same, but takes half a minute for 50,000 groups.
    """
    sizes: dict[int, list[int]] = {}
    for group, kind in zip(groups, harmful, strict=True):
        sizes.setdefault(group, [0, 0])[kind] += 1
    order = list(sizes)
    Random(seed).shuffle(order)  # noqa: S311 - a reproducible choice, no secret
    order.sort(key=lambda group: -sum(sizes[group]))
    totals = Counter(harmful)
    filled = [[0, 0] for _ in range(folds)]
    chosen: dict[int, int] = {}
    for group in order:
        benign, bad = sizes[group]

        def unevenness(number: int, benign: int = benign, bad: int = bad) -> tuple[float, int]:
            has = filled[number]
            return has[0] * benign / totals[False] ** 2 + has[1] * bad / totals[True] ** 2, sum(has)

        number = min(range(folds), key=unevenness)
        filled[number][0] += benign
        filled[number][1] += bad
        chosen[group] = number
    return [chosen[group] for group in groups]
