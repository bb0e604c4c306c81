"""Append-only journals that survive ``kill -9`` record by record.

Each record goes to the file in one `write()`, so once `append` has returned only a power failure can lose
it; against that, a background thread calls `fsync` within a tenth of a second. A line torn by a kill or a
full disk is cut off when the journal is next opened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import msgspec
import orjson

from vlsbench.core.errors import Stopped
from vlsbench.core.secrets import hide_in_json
from vlsbench.core.surrogates import sayable
from vlsbench.core.types import ResponseOutcome
from vlsbench.core.usage import NO_REPLY, Usage

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

SYNC_AFTER_S = 0.05
"""How long records may gather before an fsync; well under the promised 0.1 s."""

_TAIL_BLOCK = 1 << 16


class Journal:
    """One append-only file of JSON lines, open for writing.

    Opening repairs a torn last line. Use it as a context manager; leaving syncs and closes.

    Args:
        path: The file; made where missing.

    Raises:
        Stopped: The file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            _repair(self._handle)
        except OSError as error:
            raise Stopped(f"Cannot write {path}: {error.strerror}.") from error
        self._failure: Stopped | None = None
        self._dirty = threading.Event()
        self._closing = threading.Event()
        self._syncer = threading.Thread(target=self._sync_in_groups, name=f"fsync {path.name}", daemon=True)
        self._syncer.start()

    def append(self, record: Mapping[str, object] | DataclassInstance) -> None:
        """Write one record; when this returns, it survives the death of the process.

        Raises:
            Stopped: The disk is full or gone. The journal takes no further record.
        """
        if self._failure is not None:
            raise self._failure
        line = to_line(record)
        try:
            written = os.write(self._handle, line)
        except OSError as error:
            self._fail(error.strerror or str(error))
        else:
            if written != len(line):
                self._fail("the disk is full")
            if not self._dirty.is_set():  # setting takes a lock, asking does not
                self._dirty.set()

    def _fail(self, why: str) -> None:
        self._failure = Stopped(f"Cannot write {self.path}: {why}. Everything before is recorded.")
        raise self._failure

    def _sync_in_groups(self) -> None:
        while True:
            self._dirty.wait()
            if self._closing.wait(SYNC_AFTER_S):
                return
            self._dirty.clear()
            if self._closing.is_set():
                return  # `close` came between: its wake-up call is the one just cleared
            try:
                os.fsync(self._handle)
            except OSError as error:
                self._failure = Stopped(f"Cannot write {self.path}: {error.strerror}. Continue once the disk is back.")
                return

    def close(self) -> None:
        """Sync and close; a second call does nothing.

        Raises:
            Stopped: A record could not be written or synced, now or earlier: the system reports a failed
                sync only once, so that a later one succeeds proves nothing.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        self._dirty.set()
        self._syncer.join()
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise Stopped(f"Cannot write {self.path}: {error.strerror}.") from error
        finally:
            os.close(self._handle)
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def to_line(record: Mapping[str, object] | DataclassInstance) -> bytes:
    """A record as one line, without API keys; halves of characters in its texts become a question mark."""
    try:
        return hide_in_json(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    except TypeError:
        # Half of a surrogate pair in a model's text has no UTF-8 form; the record matters more than it.
        fields = record if isinstance(record, Mapping) else dataclasses.asdict(record)
        clean = {key: sayable(value) if isinstance(value, str) else value for key, value in fields.items()}
        return hide_in_json(orjson.dumps(clean, option=orjson.OPT_APPEND_NEWLINE))


def _repair(handle: int) -> None:
    """Cut off what follows the last newline, unless it is a whole record that lacks only its newline."""
    size = os.fstat(handle).st_size
    position, tail = size, b""
    while position > 0 and b"\n" not in tail:
        start = max(0, position - _TAIL_BLOCK)
        tail = os.pread(handle, position - start, start) + tail
        position = start
    torn = tail[tail.rfind(b"\n") + 1 :]
    if not torn:
        return
    try:
        orjson.loads(torn)
    except orjson.JSONDecodeError:
        os.ftruncate(handle, size - len(torn))
    else:
        os.write(handle, b"\n")


def read(path: Path, kind: type[T]) -> Iterator[T]:
    """The records of a journal; nothing where there is no file.

    A line that is no such record (a torn tail, a damaged block, a field that somebody edited) is passed over: what
    it held counts as not recorded, and continuing the run asks for it again.

    Args:
        path: The journal.
        kind: What each line is: a dataclass, or another type that msgspec knows. Further fields are passed over.
    """
    decode = msgspec.json.Decoder(kind).decode
    for _, line in lines(path):
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield decode(line)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with the byte offset of each; nothing where there is no file."""
    try:
        file = path.open("rb", buffering=1 << 20)
    except FileNotFoundError:
        return
    with file:
        offset = 0
        for line in file:
            yield offset, line
            offset += len(line)


class _Id(msgspec.Struct, gc=False):
    sample_id: str


class _Head(_Id, gc=False):
    outcome: str
    label: str | None = None
    answer_sha256: str | None = None
    text: str | msgspec.UnsetType = msgspec.UNSET
    requests: int | None = None
    retried: int = 0
    batched: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


_ID, _HEAD = msgspec.json.Decoder(_Id), msgspec.json.Decoder(_Head)

Head = tuple[int, str, str, str | None, str | None]
"""Byte offset, sample id, outcome, label and the answer's short hash of a record: all that continuing a run needs of
most. A plain tuple, because a run may hold hundreds of thousands."""


def heads(path: Path, usage: Usage | None = None) -> Iterator[Head]:
    """The heads of a journal's records, whoever wrote them; as in `read`, a damaged line is passed over.

    The hash of an answer is that of the text as it stands: somebody may have edited it beside the recorded one.

    Args:
        path: The journal.
        usage: Where given, what every record took is added to it, also those that a later one replaced.
    """
    decode = _HEAD.decode
    plain = prompt = completion = 0
    for offset, line in lines(path):
        try:
            head = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if usage is not None:
            # Most records by far took one request, of which all is known: summed here, 200,000 cost half as much.
            if (
                head.prompt_tokens
                and head.completion_tokens
                and head.requests in _ONE
                and head.cached_tokens is None
                and not head.batched
            ):
                plain += 1
                prompt += head.prompt_tokens
                completion += head.completion_tokens
            else:
                _count(head, line, usage)
        digest = head.answer_sha256
        if digest is not None and head.text is not msgspec.UNSET:
            digest = answer_digest(head.sample_id, head.outcome, head.text)
        yield offset, head.sample_id, head.outcome, head.label, digest
    if usage is not None and plain:
        usage.add(Usage(records=plain, requests=plain, prompt_tokens=prompt, completion_tokens=completion))


_ONE = (None, 1)
_OF_AN_ANSWER = frozenset(outcome.value for outcome in ResponseOutcome)


def _count(head: _Head, line: bytes, usage: Usage) -> None:
    requests = head.requests
    if requests is None:
        # One, as for most answers; a verdict says so, except in runs of earlier versions, which have its reply.
        requests = int(head.outcome in _OF_AN_ANSWER or b'"reply":' in line)
    usage.record(
        requests,
        head.retried,
        head.prompt_tokens,
        head.completion_tokens,
        head.cached_tokens,
        replied=head.outcome not in NO_REPLY,
        batched=head.batched,
    )


def answer_digest(sample_id: str, outcome: str, text: str) -> str:
    """A short hash of an answer and of the sample that it answers, by which a verdict finds it again."""
    return hashlib.sha256(f"{sample_id}\0{outcome}\0{text}".encode(errors="replace")).hexdigest()[:16]


def sample_id(line: bytes) -> str | None:
    """The sample id of a line, or None where it holds none."""
    try:
        return _ID.decode(line).sample_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def read_at(path: Path, offset: int, kind: type[T]) -> T | None:
    """The record that starts at a byte offset found by `heads`, or None where its line is damaged further on."""
    with path.open("rb") as file:
        file.seek(offset)
        try:
            return msgspec.json.decode(file.readline(), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Replace a file in one step, so that a reader finds the old one or the new one, whole.

    Args:
        path: The file.
        data: Its new content, whole or in pieces; pieces may be read from the old file on the way.

    Raises:
        Stopped: The disk is full, read-only or gone.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise Stopped(f"Cannot write {path}: {error.strerror}.") from error
