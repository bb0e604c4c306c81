"""What a selection of samples is, before anything is asked: its size, its hash, and whether a run knows it already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson

from vlsbench.core.errors import DatasetError
from vlsbench.core.protocols import Dataset, Stamped
from vlsbench.core.types import Sample
from vlsbench.core.version import __version__
from vlsbench.datasets.base import since, without_images
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What identifies a selection of samples, and what is good to know before asking anybody."""

    sha256: str
    size: int
    n_described: int


def selection(dataset: Dataset, limit: int | None, start: int = 0) -> Iterator[Sample]:
    """The first `limit` samples of a dataset, or all, from number `start` on."""
    return islice(since(dataset, start), None if limit is None else max(0, limit - start))


def fingerprint(
    dataset: Dataset, limit: int | None = None, also: Callable[[Sample], None] | None = None
) -> Fingerprint:
    """Hash the selected records; images are not read.

    Args:
        dataset: The samples.
        limit: Only the first so many.
        also: Shown each of them on the way.

    Raises:
        DatasetError: No samples, or an id that occurs twice.
    """
    digest = hashlib.blake2b(digest_size=32)
    ids: set[str] = set()
    n_described = 0
    for sample in islice(without_images(dataset), limit):
        if sample.id in ids:
            raise DatasetError(
                f"The id {sample.id!r} occurs twice in {dataset.name}. Give each sample its own id; "
                "`vlsbench data check` lists all that repeat."
            )
        ids.add(sample.id)
        n_described += bool(sample.description or sample.safety_reason)
        digest.update(_canonical(sample))
        if also is not None:
            also(sample)
    if not ids:
        raise DatasetError(f"{dataset.name} holds no samples.")
    return Fingerprint(sha256=digest.hexdigest(), size=len(ids), n_described=n_described)


def stamp(dataset: Dataset) -> str:
    """What changes whenever the dataset's files or this program do; empty where a dataset cannot tell."""
    own = dataset.stamp if isinstance(dataset, Stamped) else ""
    return f"{__version__} {own}" if own else ""


def recall(path: Path, dataset: Dataset, limit: int | None) -> Fingerprint | None:
    """The fingerprint that a run recorded, where its dataset has not been touched since; else None.

    Args:
        path: The run folder.
        dataset: The samples.
        limit: As in `fingerprint`.
    """
    now = stamp(dataset)
    if not now or not (path / "manifest.json").exists():
        return None
    manifest = Run(path).manifest
    if (manifest.dataset_stamp, manifest.limit, manifest.dataset) != (now, limit, dataset.name):
        return None
    return Fingerprint(sha256=manifest.dataset_hash, size=manifest.dataset_size, n_described=manifest.dataset_described)


def _canonical(sample: Sample) -> bytes:
    row: tuple[object, ...] = (
        sample.id,
        sample.text,
        sample.image,
        sample.category,
        sample.sub_category,
        sample.source,
        sample.description,
        sample.safety_reason,
        sample.expect,
        sample.twin_of,
    )
    if sample.answer is not None or sample.options or sample.more_images:
        # Only then: the hashes of sets without them stay what they were.
        row = (*row, sample.answer, sample.options, sample.more_images)
    try:
        return orjson.dumps(row)
    except TypeError:  # half of a surrogate pair
        return repr(row).encode(errors="surrogatepass")
