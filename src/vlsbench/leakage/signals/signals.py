"""Signals of leakage that need no model: what the text already says of the image.

`measure` reads the dataset twice and keeps no sample: first it counts words, then it compares each query with the
image's description, with the text in the image (OCR, optional) and in meaning (embeddings, optional).
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from threading import Lock

from vlsbench.core import images
from vlsbench.core.errors import ImageProblem
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Sample
from vlsbench.leakage.signals import embedding, words
from vlsbench.leakage.signals import ocr as ocr_
from vlsbench.leakage.signals.embedding import Embedding, Pairs
from vlsbench.leakage.signals.overlap import COMMON, Frequencies, Query, Span
from vlsbench.models.workers.settings import Workers

__all__ = ["SignalTotals", "Signals", "Span", "measure"]

Say = Callable[[str], None]

_EMBEDDED_TOGETHER = 64
_PAGES_KEPT = 256
"""Images whose text is remembered, for those that serve several records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What needs no model to be seen of one record; None where it cannot be known.

    `description_overlap` and `ocr_overlap` are shares of the query's content (0 to 1), None without a description
    or without OCR; `similarity` is a cosine (-1 to 1), None without an embedder or a description. `spans` are the
    leaking stretches of the query, in order. `ocr_problem` says why an image could not be read.
    """

    description_overlap: float | None = None
    ocr_overlap: float | None = None
    similarity: float | None = None
    spans: tuple[Span, ...] = ()
    ocr_problem: str = ""


def measure(
    dataset: Dataset,
    limit: int | None = None,
    *,
    ocr: bool | None = None,
    ocr_languages: str = "eng",
    embedder: str | None = None,
    device: str = "auto",
    embedders: Workers | None = None,
    common: float = COMMON,
    workers: int | None = None,
    say: Say | None = None,
) -> Iterator[tuple[Sample, Signals]]:
    """Each sample with its signals, in the order of the dataset; memory does not grow with the dataset.

    Args:
        dataset: Read twice.
        limit: The first so many samples; None for all. Word frequencies are counted over these alone.
        ocr: Read the text in the images: True, False, or None for where Tesseract is installed.
        ocr_languages: As for Tesseract's ``-l``.
        embedder: ``hf:REPO_OR_FOLDER`` of a sentence encoder, for `Signals.similarity`.
        device: Where the embedder runs.
        embedders: Processes that hold the embedder; None for this one.
        common: A word in more than this share of the records makes no leaking span.
        workers: Images read at once; None for as many as there are processors.
        say: Told, in one line each, what is left out.

    Raises:
        UserError: OCR is asked for but not installed, or the embedder cannot be used.
        DatasetError: A record cannot be read; raised while iterating.
    """
    reader = None
    if ocr is not False:
        reader = ocr_.need(ocr_languages) if ocr else ocr_.find(ocr_languages)
    if reader is None and ocr is None and say is not None:
        say(ocr_.skipped())
    model = embedding.load(embedder, device=device, workers=embedders) if embedder is not None else None
    return _measure(dataset, limit, reader, model, common, workers or os.cpu_count() or 1)


def _measure(
    dataset: Dataset,
    limit: int | None,
    reader: ocr_.Reader | None,
    model: Embedding | None,
    common: float,
    workers: int,
) -> Iterator[tuple[Sample, Signals]]:
    frequencies = Frequencies()
    for sample in islice(iter(dataset), limit):
        stems = words.content(sample.text)
        stems |= words.content(sample.description)
        frequencies.add(stems)
    samples = islice(iter(dataset), limit)
    found: Iterator[tuple[Sample, Signals]]
    if reader is None:
        found = ((sample, _compare(sample, frequencies, common, None)) for sample in samples)
    else:
        found = _with_pages(samples, _Pages(reader, dataset), frequencies, common, workers)
    yield from found if model is None else _with_similarity(found, model)


Page = tuple[set[str], str]
"""The stems of the text in an image, and what went wrong with reading it."""


def _compare(sample: Sample, frequencies: Frequencies, common: float, page: Page | None) -> Signals:
    query = Query(sample.text, frequencies)
    spans: list[Span] = []
    overlap = ocr_overlap = None
    if sample.text.strip() and sample.description.strip():
        other = words.content(sample.description)
        overlap = query.overlap(other)
        spans = query.spans(other, "description", common)
    if page is not None and sample.text.strip() and not page[1]:
        ocr_overlap = query.overlap(page[0])
        spans += query.spans(page[0], "ocr", common)
        spans.sort(key=lambda span: (span.start, span.end))
    return Signals(
        description_overlap=overlap,
        ocr_overlap=ocr_overlap,
        spans=tuple(spans),
        ocr_problem=page[1] if page is not None else "",
    )


class _Pages:
    """The text of images, each read once while it is remembered; used by several threads."""

    def __init__(self, reader: ocr_.Reader, dataset: Dataset) -> None:
        self._reader = reader
        self._root = dataset.root
        self._kept: OrderedDict[str, Page] = OrderedDict()
        self._lock = Lock()

    def read_all(self, references: Sequence[str]) -> Page:
        """What stands in the images of one sample, and the first problem with one of them."""
        found = [self.read(reference) for reference in references]
        return set().union(*(said for said, _ in found)), next((problem for _, problem in found if problem), "")

    def read(self, reference: str) -> Page:
        try:
            data = images.load(reference, self._root)
        except ImageProblem as error:
            return set(), str(error)
        key = hashlib.sha256(data).hexdigest()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        try:
            page = words.content(self._reader.read(data)), ""
        except ImageProblem as error:
            page = set[str](), str(error)
        with self._lock:
            self._kept[key] = page
            if len(self._kept) > _PAGES_KEPT:
                self._kept.popitem(last=False)
        return page


def _with_pages(
    samples: Iterator[Sample], pages: _Pages, frequencies: Frequencies, common: float, workers: int
) -> Iterator[tuple[Sample, Signals]]:
    """Read a few images ahead, so that every processor has one, and no more: memory stays flat."""
    waiting: deque[tuple[Sample, Future[Page] | None]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ocr")
    try:
        for sample in samples:
            waiting.append((sample, pool.submit(pages.read_all, sample.images) if sample.images else None))
            if len(waiting) > 2 * workers:
                yield _finished(waiting, frequencies, common)
        while waiting:
            yield _finished(waiting, frequencies, common)
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(
    waiting: deque[tuple[Sample, Future[Page] | None]], frequencies: Frequencies, common: float
) -> tuple[Sample, Signals]:
    sample, page = waiting.popleft()
    return sample, _compare(sample, frequencies, common, page.result() if page is not None else None)


def _with_similarity(found: Iterator[tuple[Sample, Signals]], model: Embedding) -> Iterator[tuple[Sample, Signals]]:
    asked: deque[list[tuple[Sample, Signals]]] = deque()

    def batches() -> Iterator[Pairs]:
        while batch := list(islice(found, _EMBEDDED_TOGETHER)):
            asked.append(batch)
            yield [(sample.text, sample.description) for sample, _ in batch]

    try:
        for similarities in model.each(batches()):
            for (sample, signals), similarity in zip(asked.popleft(), similarities, strict=True):
                yield sample, replace(signals, similarity=similarity)
    finally:
        model.close()


class SignalTotals:
    """Adds up signals as they come: how many records, mean of each signal, how many with a leaking span."""

    def __init__(self) -> None:
        self.n = 0
        self.leaking = 0
        """Records with at least one leaking span."""
        self.ocr_problems = 0
        self._sums = dict.fromkeys(("description_overlap", "ocr_overlap", "similarity"), 0.0)
        self._known = dict.fromkeys(self._sums, 0)

    def add(self, signals: Signals) -> None:
        """Count one record."""
        self.n += 1
        self.leaking += bool(signals.spans)
        self.ocr_problems += bool(signals.ocr_problem)
        for name in self._sums:
            value = getattr(signals, name)
            if value is not None:
                self._sums[name] += value
                self._known[name] += 1

    def to_json(self) -> dict[str, object]:
        """``{"n", "leaking", "ocr_problems", "description_overlap": {"n", "mean"}, ...}``; no mean over nothing."""
        means = {
            name: {"n": known, "mean": self._sums[name] / known if known else None}
            for name, known in self._known.items()
        }
        return {"n": self.n, "leaking": self.leaking, "ocr_problems": self.ocr_problems, **means}
