"""Whether a run's ``samples.jsonl`` still is what was written.

A file that lists the whole selection gets its digest into the manifest. One that was cut short by a kill, or comes from
an earlier version, is held against the records of the dataset instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice

from vlsbench.core.errors import RunError
from vlsbench.core.types import Sample
from vlsbench.store import journal, records
from vlsbench.store.run_folder import Run

ANEW = "Delete the file, and `vlsbench eval` writes it anew; no answer is lost."

_BLOCK = 1 << 20


def seal(run: Run) -> None:
    """Record the digest of a file that lists every selected sample.

    Raises:
        Stopped: The manifest cannot be written.
    """
    digest, lines = _digest(run)
    if lines == run.size and digest != run.manifest.samples_sha256:
        run.update(samples_sha256=digest)


def unseal(run: Run) -> None:
    """Take the digest back before the file is changed."""
    if run.manifest.samples_sha256:
        run.update(samples_sha256="")


def require_sound(run: Run, samples: Iterable[Sample] | None) -> None:
    """Nothing where the file is what was written, or is not there, or lacks only its end, which is written again.

    Args:
        run: The run folder.
        samples: What the dataset holds, from the first selected sample on; None where it is not at hand.

    Raises:
        RunError: A line is missing, merged with another, damaged or edited.
    """
    if not run.samples.exists():
        return
    sealed = run.manifest.samples_sha256
    digest, lines = _digest(run) if sealed else ("", 0)
    if sealed and digest == sealed:
        return
    if samples is not None:
        _compare(run, samples)
    if sealed and (samples is None or lines >= run.size):
        raise RunError(f"{run.samples} is not what was written{_where(run)}. {ANEW}")


def _compare(run: Run, samples: Iterable[Sample]) -> None:
    for number, ((_, line), wanted) in enumerate(zip(journal.lines(run.samples), samples, strict=False), start=1):
        if not line.endswith(b"\n"):
            return  # torn by a kill; opening the journal mends it
        try:
            found = records.to_sample(line)
        except ValueError as error:
            raise RunError(f"{run.samples} is damaged in line {number}. {ANEW}") from error
        # An image has its place on this disk and its hash only here.
        if _without_places(found) != _without_places(wanted):
            raise RunError(f"{run.samples} is not what was written, from line {number} on. {ANEW}")


def _without_places(sample: Sample) -> Sample:
    """The sample without what is said of its images, but how many there are."""
    return sample.with_images([""] * len(sample.images)) if sample.images else sample


def _digest(run: Run) -> tuple[str, int]:
    """The file's SHA-256, and how many lines it has."""
    digest, lines = hashlib.sha256(), 0
    try:
        with run.samples.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                lines += block.count(b"\n")
    except FileNotFoundError:
        return "", -1
    return digest.hexdigest(), lines


def _where(run: Run) -> str:
    """The first damage that shows, for the message."""
    number = 0
    for number, (_, line) in enumerate(islice(journal.lines(run.samples), run.size + 1), start=1):
        try:
            records.to_sample(line)
        except ValueError:
            return f": line {number} is damaged"
    return f": it has {number:,} of {run.size:,} lines" if number != run.size else ": somebody changed it"
