"""Inspect's logs: ``.eval`` (a zip of JSON documents, packed with deflate or Zstandard) and ``.json``.

Read: version 2 of the format, as inspect_ai 0.3.285 writes it. Answers are the final output of each sample; where a
sample was run in several epochs, the first epoch's counts.
"""

from __future__ import annotations

import contextlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from vlsbench.core.errors import MissingExtra, UserError
from vlsbench.core.types import Reply
from vlsbench.core.words import counted
from vlsbench.interchange.tools.answers import (
    Answer,
    Answers,
    Record,
    count_of,
    failed,
    number_of,
    object_of,
    parse,
    said,
    text_of,
)

ZSTANDARD = 93
"""How zip calls Zstandard; Python's own zipfile knows it from 3.14 on."""

MAX_MEMBER = 512 << 20
"""Bytes that one document may unpack to."""

_LEFT_OUT = frozenset({"attachments", "events", "events_data", "messages", "timelines", "input"})
"""Fields that hold pictures, or everything once more."""

_ATTACHED = "attachment://"

_DAMAGE = (ValueError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, struct.error, zlib.error)
"""What Python's zipfile raises for bytes that are no sound zip."""


def read(file: Path) -> Answers:
    """Read a log.

    Raises:
        UserError: The file is no log that could be read.
        MissingExtra: A log packed with Zstandard, and zstandard is not installed.
    """
    damaged: list[str] = []
    found: list[Answer] = []
    later = 0
    try:
        with contextlib.closing(_Log(file)) as log:
            spec = object_of(log.header, "eval")
            for name, sample in log.samples():
                if sample is None:
                    damaged.append(name)
                elif count_of(sample, "epoch") not in (None, 1):
                    later += 1
                else:
                    found.append(_answer(sample))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from error
    options = object_of(spec, "model_generate_config")
    notes = [f"{counted(later, 'answer')} of later epochs left out."] if later else []
    return Answers(
        model=text_of(spec, "model"),
        found=tuple(found),
        max_tokens=count_of(options, "max_tokens"),
        temperature=number_of(options, "temperature"),
        system=text_of(options, "system_message") or None,
        seed=count_of(options, "seed"),
        damaged=tuple(damaged),
        notes=tuple(notes),
    )


def _answer(sample: Record) -> Answer:
    attached = object_of(sample, "attachments")
    failure = object_of(sample, "error")
    output = object_of(sample, "output")
    reply = failed(text_of(failure, "message") or "an error") if failure else reply_of(output, attached)
    identity = sample.get("id")
    position = identity - 1 if isinstance(identity, int) and not isinstance(identity, bool) else None
    return Answer(
        keys=(str(identity),) if identity is not None else (),
        position=position,
        asked=_asked(sample, attached),
        reply=reply,
        latency_s=number_of(output, "time") or 0.0,
        raw={name: value for name, value in sample.items() if name not in _LEFT_OUT},
    )


def reply_of(output: Record, attached: Record) -> Reply:
    """The reply that an output of Inspect amounts to; its first choice counts.

    Args:
        output: Inspect's ``ModelOutput``.
        attached: Texts that the log keeps apart, by key.
    """
    choices = output.get("choices")
    choice: Record = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    content = object_of(choice, "message").get("content")
    text, thinking = _content(content, attached)
    text = _resolved(text_of(output, "completion"), attached) or text
    error = text_of(output, "error")
    if not choice and not text:
        return failed(error or "the log holds no output")
    usage = object_of(output, "usage")
    found = said(
        text,
        reasoning=thinking,
        finish_reason=text_of(choice, "stop_reason") or None,
        refused=any(part.get("refusal") is True for part in _parts(content)),
        prompt_tokens=count_of(usage, "input_tokens"),
        completion_tokens=count_of(usage, "output_tokens"),
    )
    return replace(found, error=found.error or error)


def _asked(sample: Record, attached: Record) -> str:
    """The text that was asked: of the input, or of its last message."""
    asked = sample.get("input")
    if isinstance(asked, list):
        users = [each for each in asked if isinstance(each, dict) and each.get("role") == "user"]
        return _content(users[-1].get("content"), attached)[0] if users else ""
    return _resolved(asked, attached) if isinstance(asked, str) else ""


def _content(content: object, attached: Record) -> tuple[str, str]:
    """Text and thinking of a message."""
    if isinstance(content, str):
        return _resolved(content, attached), ""
    parts = _parts(content)
    texts = (_resolved(text_of(part, "text"), attached) for part in parts if part.get("type") == "text")
    thoughts = (_resolved(text_of(part, "reasoning"), attached) for part in parts if part.get("type") == "reasoning")
    return "\n".join(texts), "\n\n".join(thoughts)


def _parts(content: object) -> list[Record]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _resolved(text: str, attached: Record) -> str:
    """A text, fetched from the sample's attachments where it was put there."""
    return text_of(attached, text.removeprefix(_ATTACHED)) if text.startswith(_ATTACHED) else text


class _Log:
    """An open log: its header, and its samples one at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._whole: Record | None = None
        self._archive: zipfile.ZipFile | None = None
        if zipfile.is_zipfile(file):
            try:
                self._archive = zipfile.ZipFile(file)
            except _DAMAGE as error:
                raise UserError(f"{file} is a damaged zip ({error}).") from error
            members = self._archive.namelist()
            header = next((name for name in ("header.json", "_journal/start.json") if name in members), None)
            if header is None:
                raise UserError(f"{file} is a zip, but no Inspect log: it has no header.json.")
            found = self._document(header)
        else:
            try:
                found = parse(file.read_bytes())
            except ValueError as error:
                raise UserError(f"{file} is no Inspect log ({error}).") from error
            self._whole = found if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("eval"), dict):
            raise UserError(f"{file} is no Inspect log: nothing in it says what was evaluated.")
        self.header: Record = found

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()

    def samples(self) -> Iterator[tuple[str, Record | None]]:
        """Name and content of each sample; None where it is damaged."""
        if self._archive is None:
            listed = self._whole.get("samples") if self._whole is not None else None
            for number, each in enumerate(listed if isinstance(listed, list) else [], start=1):
                yield f"sample {number}", each if isinstance(each, dict) else None
            return
        for name in dict.fromkeys(self._archive.namelist()):
            if name.startswith("samples/") and name.endswith(".json"):
                found = self._document(name)
                yield name, found if isinstance(found, dict) else None

    def _document(self, name: str) -> object:
        """A member as JSON; None where it is damaged or too large."""
        assert self._archive is not None  # noqa: S101 - for type checkers
        member = self._archive.getinfo(name)
        if max(member.file_size, member.compress_size) > MAX_MEMBER:
            return None
        try:
            if member.compress_type == ZSTANDARD:
                return _lenient(self._zstandard(member))
            with self._archive.open(member) as opened:
                return _lenient(_limited(opened, member.file_size))
        except _DAMAGE:
            return None

    def _zstandard(self, member: zipfile.ZipInfo) -> bytes:
        try:
            import zstandard
        except ImportError as error:
            raise MissingExtra("zstandard", "tables") from error
        with self._file.open("rb") as file:
            file.seek(member.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
            file.seek(member.header_offset + 30 + name + extra)
            packed = file.read(member.compress_size)
        try:
            # Inspect writes several frames where a document is large.
            stream = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
            return _limited(stream, member.file_size)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error


def _limited(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size + 1)
    if len(data) != size:
        raise ValueError("it does not unpack to the size that it claims")
    return data


def _lenient(data: bytes) -> object:
    """A document in which NaN may stand, as Inspect writes unscored samples; they become null."""
    return json.loads(data, parse_constant=lambda _: None)
