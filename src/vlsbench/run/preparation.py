"""Before the first request: are the images of the samples sound.

`Preparation` walks the selection in the background and writes ``samples.jsonl``, opening, checking and hashing each
image once, while the flow already follows behind: the file is the queue between the two.
"""

from __future__ import annotations

import array
import asyncio
import threading
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson

from vlsbench.core import images
from vlsbench.core.errors import ImageProblem, RunError
from vlsbench.core.images import ImageFile
from vlsbench.core.pictures import together
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Image, Sample
from vlsbench.run import seal
from vlsbench.run.fingerprint import selection
from vlsbench.run.seal import ANEW
from vlsbench.store import journal, records
from vlsbench.store.journal import Journal
from vlsbench.store.run_folder import Run

_NO_HASH = b'"image_sha256":null'
_SURVEY_BLOCK = 1 << 20

STOP_S = 5.0
"""How long a dataset that is being read may keep a run from stopping."""

HEAD_START_S = 0.5
"""How long the flow stays out of the thread's way at first: two threads that read files and sockets keep taking the
interpreter's lock from each other, which costs more than the reading. Enough for some thousand small images."""

_POLL_S = 0.005
"""How often the flow looks again when it has caught up with the preparation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A sample ready to be asked: its image (or images, as one) checked, or what is wrong with it."""

    sample: Sample
    image: Image | None
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A sound image: its place, its hash, and (size, modification time) where it is a file of the dataset's."""

    path: str
    sha256: str
    stamp: tuple[int, int] = (-1, -1)


class Preparation:
    """Writes ``samples.jsonl`` in the background and lets the flow read along.

    Args:
        run: The locked run folder.
        dataset: Where the samples come from; None to read what the run already lists.
        limit: As in `fingerprint`.
    """

    def __init__(self, run: Run, dataset: Dataset | None, limit: int | None = None) -> None:
        self._run = run
        self._dataset = dataset
        self._limit = limit
        self._problems: dict[str, str] = {}
        # Size and modification time of each hashed image, by line: spares the flow a second hashing.
        self._stamps = array.array("q")
        self._listed = 0
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Repair what an earlier session left, then write the rest in the background."""
        if self._dataset is None:
            seal.require_sound(self._run, None)
            return
        seal.require_sound(self._run, selection(self._dataset, self._limit))
        self._listed = self._mend(self._dataset)
        self._stamps.extend([-1, -1] * self._listed)
        if self._listed >= self._run.size:
            return
        self._thread = threading.Thread(target=self._write, args=(self._dataset,), name="prepare samples", daemon=True)
        self._thread.start()
        self._thread.join(HEAD_START_S)

    def stop(self) -> None:
        """Stop writing and wait for the thread; one that hangs on its dataset is left behind, and writes no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
            if self._thread.is_alive():
                return
        if self._dataset is not None and self._error is None and not self._run.manifest.samples_sha256:
            seal.seal(self._run)

    async def lines(self, done: Container[str] = ()) -> AsyncIterator[tuple[int, str, bytes]]:
        """Number, sample id and bytes of each line of ``samples.jsonl``, waiting for those still to be written.

        Args:
            done: Ids to pass over.

        Raises:
            RunError: The file is missing or damaged.
            VLSBenchError: What stopped the preparation.
        """
        number = 0
        try:
            opened = self._run.samples.open("rb")
        except FileNotFoundError as error:
            raise RunError(f"{self._run.path} has no samples.jsonl: the run never started.") from error
        with opened as file:
            while True:
                # Asked before the file is read: what the thread wrote in between would otherwise be missed.
                finished = self._thread is None or not self._thread.is_alive()
                line = file.readline()
                if line.endswith(b"\n"):
                    sample_id = journal.sample_id(line)
                    if sample_id is None:
                        raise RunError(f"{self._run.samples} is damaged in line {number + 1}. {ANEW}")
                    if sample_id not in done:
                        yield number, sample_id, line
                    number += 1
                    continue
                if self._error is not None:
                    raise self._error
                if finished:
                    return
                file.seek(-len(line), 1)  # half a line: read again once it is whole
                await asyncio.sleep(_POLL_S)

    def prepared(self, number: int, line: bytes) -> Prepared:
        """The sample of a line, with its image.

        Raises:
            RunError: The line is damaged.
        """
        try:
            sample = records.to_sample(line)
        except ValueError as error:
            raise RunError(f"{self._run.samples} is damaged in line {number + 1}: {error}. {ANEW}") from error
        files = [
            ImageFile(image_path(self._run, image), sha256, stamp=self._stamp(number) if place == 0 else None)
            for place, (image, sha256) in enumerate(zip(sample.images, sample.hashes, strict=True))
            if sha256 is not None
        ]
        problem = self._problems.get(sample.id, "")
        if len(files) < len(sample.images) and not problem:
            problem = "the image could not be read when the run was prepared"
        return Prepared(sample=sample, image=together(files), problem=problem)

    def _stamp(self, number: int) -> tuple[int, int] | None:
        """Size and modification time of the first image of a line, where it was hashed in this process."""
        if 2 * number + 1 < len(self._stamps) and self._stamps[2 * number] >= 0:
            return self._stamps[2 * number], self._stamps[2 * number + 1]
        return None

    def _write(self, dataset: Dataset) -> None:
        try:
            with Journal(self._run.samples) as file:
                for sample in selection(dataset, self._limit, self._listed):
                    if self._stop.is_set():
                        return
                    checked, stamp = self._check(sample, dataset.root)
                    if self._stop.is_set():  # again: a thread that was left behind may come this far much later
                        return
                    self._stamps.extend(stamp)
                    file.append(records.from_sample(checked))
            # Now and not at the end of the run: a run that is killed in between goes on without reading its dataset.
            seal.seal(self._run)
        except BaseException as error:  # noqa: BLE001 - handed to the flow, which raises it
            self._error = error

    def _check(self, sample: Sample, root: Path | str | None) -> tuple[Sample, tuple[int, int]]:
        """The sample with the hash and path of each image, or unchanged with the problem noted."""
        if sample.image is None:
            return sample, (-1, -1)
        try:
            pairs = zip(sample.images, sample.hashes, strict=True)
            checked = [self._checked(image, sha256, root) for image, sha256 in pairs]
        except ImageProblem as problem:
            self._problems[sample.id] = str(problem)
            # The record keeps what the dataset said, except that a broken data URI is not worth its bytes.
            return sample.with_images(["data:" if one.startswith("data:") else one for one in sample.images]), (-1, -1)
        return sample.with_images([one.path for one in checked], [one.sha256 for one in checked]), checked[0].stamp

    def _checked(self, image: str, sha256: str | None, root: Path | str | None) -> _Checked:
        """One image, found sound and to be the one that was recorded, where one was."""
        if image.startswith("data:"):
            return self._store(images.from_data_uri(image))
        path = images.locate(image, root)
        data, stamp = images.read_file(path)
        facts = images.check(data)
        if sha256 not in (None, facts.sha256):
            raise ImageProblem(f"the picture is not the one that was recorded: {image}")
        return _Checked(path=str(path.absolute()), sha256=facts.sha256, stamp=stamp)

    def _store(self, data: bytes) -> _Checked:
        """Keep an image that came inside a record as a file of the run folder, once per distinct image."""
        facts = images.check(data)
        relative = f"images/{facts.sha256}.{facts.extension}"
        path = self._run.path / relative
        if not path.exists():
            self._run.make_folder("images")
            journal.write_atomically(path, data)
        return _Checked(path=relative, sha256=facts.sha256)

    def _mend(self, dataset: Dataset) -> int:
        """Bring what earlier sessions listed up to date; returns how many samples are listed.

        Images that failed their check are checked again, and where the dataset's folder has moved, the
        paths move along.

        Raises:
            Stopped: The file cannot be written.
        """
        path = self._run.samples
        Journal(path).close()
        with path.open("rb") as file:
            listed, failed = _survey(file)
        mended: dict[int, Sample] = {}
        if failed:
            again = enumerate(islice(selection(dataset, self._limit), listed))
            checked = ((number, self._check(sample, dataset.root)[0]) for number, sample in again if number in failed)
            mended = {number: sample for number, sample in checked if sample.image_sha256 is not None}
        old, new = self._run.manifest.dataset_root, _root(dataset)
        if mended or (listed and old != new):
            seal.unseal(self._run)
            with path.open("rb") as file:
                journal.write_atomically(path, (_mend_line(n, line, mended, old, new) for n, line in enumerate(file)))
        self._run.update(dataset_root=new)
        return listed


def _root(dataset: Dataset) -> str | None:
    return str(Path(dataset.root).absolute()) if dataset.root is not None else None


def _mend_line(number: int, line: bytes, mended: dict[int, Sample], old: str | None, new: str | None) -> bytes:
    """A line of ``samples.jsonl`` with its images found again."""
    if number in mended:
        return journal.to_line(records.from_sample(mended[number]))
    return moved(line, old, new)


def moved(line: bytes, old: str | None, new: str | None) -> bytes:
    """A line of ``samples.jsonl`` whose dataset's folder lies elsewhere now."""

    def place(image: str) -> str:
        return new + image[len(old) :] if old and new and image.startswith(old + "/") else image

    record = orjson.loads(line)
    if record["image"] is not None:
        record["image"] = place(record["image"])
    if "more_images" in record:
        record["more_images"] = [place(image) for image in record["more_images"]]
    return journal.to_line(record)


def image_path(run: Run, image: str) -> Path:
    """Where an image of ``samples.jsonl`` lies: absolute, or relative to the run folder."""
    return run.path / image


def _survey(file: BinaryIO) -> tuple[int, set[int]]:
    """How many samples are listed, and the numbers of those whose image failed its check."""
    listed, suspect, tail = 0, False, b""
    while block := file.read(_SURVEY_BLOCK):
        listed += block.count(b"\n")
        suspect = suspect or _NO_HASH in tail + block  # with the tail, for it may lie across two blocks
        tail = block[-len(_NO_HASH) :]
    if not suspect:
        return listed, set()
    file.seek(0)
    return listed, {n for n, line in enumerate(file) if _NO_HASH in line and b'"image":null' not in line}
