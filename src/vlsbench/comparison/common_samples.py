"""The samples that runs share: known by their ids, told apart by their questions and pictures."""

from __future__ import annotations

import dataclasses
import hashlib

import orjson

from vlsbench.results import samples
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.samples import ListedSample
from vlsbench.store import records
from vlsbench.store.run_folder import Run


class CommonSamples:
    """The samples of the first run, of which each further run takes away those it does not share."""

    def __init__(self, first: JudgedRun) -> None:
        self._first = first
        self._kept = {item.id: item for item in first.items}
        self._digests: dict[str, tuple[bytes, bytes]] | None = None
        self.notes: list[str] = []

    def shared(self) -> tuple[ListedSample, ...]:
        """What is left, in the first run's order."""
        return tuple(self._kept.values())

    def meet(self, other: JudgedRun, names: tuple[str, str]) -> list[str]:
        """Keep what the other run shares; returns in which respect its dataset is another one."""
        theirs = {item.id: item for item in other.items}
        both = [item for item in self._first.items if item.id in theirs]
        repainted = {item.id for item in both if not _same_picture(item, theirs[item.id])}
        trouble: list[str] = []
        foreign: set[str] = set()
        if self._first.run.manifest.dataset_hash != other.run.manifest.dataset_hash:
            foreign, trouble = self._compare_records(other, [item.id for item in both], len(repainted), names)
        elif repainted:
            trouble = [f"the images ({len(repainted):,} samples show another picture in {names[1]} than in {names[0]})"]
        for sample_id, item in list(self._kept.items()):
            if sample_id not in theirs or sample_id in repainted or sample_id in foreign:
                del self._kept[sample_id]
            else:
                self._kept[sample_id] = _joined(item, theirs[sample_id])
        return trouble

    def _compare_records(
        self, other: JudgedRun, both: list[str], repainted: int, names: tuple[str, str]
    ) -> tuple[set[str], list[str]]:
        """The ids that stand for another question, and in which respect the dataset is another one."""
        if self._digests is None:
            self._digests = _read_digests(self._first.run)
        ours, theirs = self._digests, _read_digests(other.run)
        foreign = {sample_id for sample_id in both if ours[sample_id][0] != theirs[sample_id][0]}
        changed = sum(ours[sample_id][1] != theirs[sample_id][1] for sample_id in both)
        sizes = self._first.run.size, other.run.size
        beginning = list(ours)[: min(len(ours), len(theirs))] == list(theirs)[: min(len(ours), len(theirs))]
        limited = any(run.manifest.limit is not None for run in (self._first.run, other.run))
        if beginning and not changed and not repainted and (limited or sizes[0] == sizes[1]):
            if sizes[0] != sizes[1]:
                self.notes.append(
                    f"{names[0]} selected the first {sizes[0]:,} samples of the dataset, {names[1]} the first "
                    f"{sizes[1]:,}; compared are those in common."
                )
            return foreign, []
        one, two = (run.manifest.dataset for run in (self._first.run, other.run))
        same = len(both) - len(foreign)
        return foreign, [
            f"the dataset ({one}, {sizes[0]:,} samples, in {names[0]}; {two}, {sizes[1]:,} samples, in {names[1]}; "
            f"{same:,} share id and question, {len(both) - changed:,} the whole record)"
        ]


def _has_picture(item: ListedSample) -> bool:
    return item.cluster != samples.alone(item.id)


def _joined(item: ListedSample, other: ListedSample) -> ListedSample:
    """A sample with the image or group that one run knows and the other does not."""
    shown = item if _has_picture(item) else other
    return dataclasses.replace(
        item, cluster=shown.cluster, more_images=shown.more_images, group=item.group or other.group
    )


def _same_picture(one: ListedSample, other: ListedSample) -> bool:
    """Whether two listings show the same images; one that could not be read when its run was prepared fits any."""
    if not (_has_picture(one) and _has_picture(other)):
        return True
    if one.cluster != other.cluster or len(one.more_images) != len(other.more_images):
        return False
    return all(a == b for a, b in zip(one.more_images, other.more_images, strict=True) if None not in (a, b))


_RECORD = ("category", "sub_category", "source", "description", "safety_reason", "twin_of")


def _read_digests(run: Run) -> dict[str, tuple[bytes, bytes]]:
    """For each listed sample, in order, a digest of its question and one of its record; no paths are in them."""
    found: dict[str, tuple[bytes, bytes]] = {}
    for sample in records.samples(run.samples):
        if sample.id not in found and len(found) < run.size:
            question = (sample.text, sample.expect, len(sample.images), sample.answer, sample.options)
            rest = [getattr(sample, name) for name in _RECORD]
            found[sample.id] = (_digest(question), _digest((question, rest)))
    return found


def _digest(value: object) -> bytes:
    return hashlib.blake2b(orjson.dumps(value), digest_size=16).digest()
