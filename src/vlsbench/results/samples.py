"""The samples of a run as its figures need them: groups, image, and whose twin they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from vlsbench.core.types import Expect
from vlsbench.stats import Dependence
from vlsbench.stats.disjoint import DisjointSets
from vlsbench.store import records
from vlsbench.store.run_folder import Run

_NO_NAME = "(none)"
"""The group of samples without a category, a sub-category or a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSample:
    """What the figures need of a sample.

    `cluster` is the hash of its image (a name of its own where it has none), `group` the unit that its authors drew
    (empty where there is none); `more_images` are the hashes of the images that follow the first, None for one
    that could not be read. Samples that share any image or the group are not independent.
    """

    id: str
    category: str
    sub_category: str
    source: str
    harmful: bool
    cluster: str
    twin_of: str | None
    group: str = ""
    more_images: tuple[str | None, ...] = ()

    @property
    def unit(self) -> str:
        """Its group, or one of its own."""
        return f"group {self.group}" if self.group else alone(self.id)


def read(run: Run) -> list[ListedSample]:
    """The listed samples, each once and no more than the run selected, whatever became of the file."""
    items: dict[str, ListedSample] = {}
    for sample in records.samples(run.samples):
        if not sample.id or sample.id in items or len(items) == run.size:
            continue
        items[sample.id] = ListedSample(
            id=sample.id,
            category=sys.intern(sample.category or _NO_NAME),
            sub_category=sys.intern(sample.sub_category or _NO_NAME),
            source=sys.intern(sample.source or _NO_NAME),
            harmful=sample.expect is not Expect.BENIGN,
            cluster=sample.image_sha256 or alone(sample.id),
            group=sample.group or "",
            more_images=sample.hashes[1:],
            twin_of=sample.twin_of or None,
        )
    return list(items.values())


def capabilities(item: ListedSample) -> Sequence[str]:
    """What a question of MM-Vet takes, which is its category there; of no other set is it known."""
    return item.category.split(", ") if item.source == "mmvet" and item.category != _NO_NAME else ()


def alone(sample_id: str) -> str:
    """The cluster of a sample without a usable image, and the group of one without a group: one of its own."""
    return f"sample {sample_id}"


class Pictured(Protocol):
    """A sample with the hash of its first image, or a name of its own where it has none, and of those that follow."""

    @property
    def cluster(self) -> str: ...  # noqa: D102

    @property
    def more_images(self) -> Sequence[str | None]: ...  # noqa: D102


def pictures(items: Sequence[Pictured]) -> list[str]:
    """The cluster of each sample by its images: those that share any belong together, directly or through others."""
    first = [item.cluster for item in items]
    if not any(item.more_images for item in items):
        return first
    sets: DisjointSets[str] = DisjointSets()
    for item in items:
        for other in filter(None, item.more_images):
            sets.join(item.cluster, other)
    return [sets.root(name) for name in first]


def dependence(items: Sequence[ListedSample]) -> Dependence:
    """Which samples belong together: those of one image, and those of one group."""
    return Dependence(len(items), pictures(items), [item.unit for item in items])


def dependence_of_pairs(pairs: Sequence[tuple[ListedSample, ListedSample]]) -> Dependence:
    """Which pairs of a harmful and a benign sample belong together: an image or a group of either half is enough.

    A benign sample that serves several harmful ones has one image (or none, and then a cluster of its own), so the
    pairs that it serves are one unit.
    """
    return Dependence(
        len(pairs),
        pictures([harmful for harmful, _ in pairs]),
        [harmful.unit for harmful, _ in pairs],
        pictures([benign for _, benign in pairs]),
        [benign.unit for _, benign in pairs],
    )


def twins(items: list[ListedSample]) -> dict[str, list[ListedSample]]:
    """The benign twins of each harmful sample, whichever of the two names the other."""
    by_id = {item.id: item for item in items}
    found: dict[str, dict[str, ListedSample]] = {}
    for item in items:
        other = by_id.get(item.twin_of) if item.twin_of is not None else None
        if other is not None and other.harmful != item.harmful:
            harmful, benign = (item, other) if item.harmful else (other, item)
            found.setdefault(harmful.id, {})[benign.id] = benign
    return {key: list(benign.values()) for key, benign in found.items()}
