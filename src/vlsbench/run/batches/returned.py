"""What came back of a batch: which request got a reply, an error, or neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vlsbench.core.errors import VLSBenchError
from vlsbench.core.types import Reply
from vlsbench.models.batches import BatchService
from vlsbench.run.batches.request import number_in
from vlsbench.store import journal
from vlsbench.store.batches import BatchEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyPlace:
    """Where a reply lies: the line of a file of results that starts at a byte offset, about a sample of a batch."""

    file: Path
    offset: int
    key: str
    number: int


@dataclass(slots=True, kw_only=True)
class Returned:
    """The results of one batch by what was asked (`digest_of`)."""

    replies: dict[str, ReplyPlace] = field(default_factory=dict)
    errors: dict[str, VLSBenchError] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)


def sort_out(file: Path, entry: BatchEntry, service: BatchService) -> Returned:
    """Match the lines of a file of results, which come in any order, to the requests of their batch.

    A line that is of no request of this batch is passed over, and of two for the same request the first reply counts.
    """
    found = Returned()
    asked = dict(zip(entry.numbers, entry.digests, strict=True))
    for offset, line in journal.lines(file):
        result = service.read(line)
        number = number_in(result.custom_id, entry.key, entry.stage) if result is not None else None
        digest = asked.get(number) if number is not None else None
        if result is None or number is None or digest is None or digest in found.replies:
            continue
        if result.reply is not None:
            found.replies[digest] = ReplyPlace(file=file, offset=offset, key=entry.key, number=number)
            found.errors.pop(digest, None)
        elif result.error is not None:
            found.errors[digest] = result.error
    found.unanswered = set(entry.digests) - found.replies.keys() - found.errors.keys()
    return found


def reply_at(place: ReplyPlace, service: BatchService) -> Reply | None:
    """The reply that lies there; None where the file is gone or damaged since."""
    try:
        with place.file.open("rb") as file:
            file.seek(place.offset)
            result = service.read(file.readline())
    except OSError:
        return None
    return result.reply if result is not None else None
