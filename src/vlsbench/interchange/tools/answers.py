"""What every reader of another tool's file gives back, and checked access to records that anybody may have written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from vlsbench.core.errors import RequestFailed, UserError
from vlsbench.core.types import Reply, ResponseOutcome
from vlsbench.models import replies
from vlsbench.store import journal

Record = Mapping[str, object]

MAX_LINE = 64 << 20
"""Bytes of one record; a longer line is damage, or an attack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as another tool recorded it, or its failure.

    `keys` are what the tool calls the sample, `position` its number in the tool's data (from 0), `asked` the text that
    was sent, as far as the record has them. `raw` is the whole record, without pictures.
    """

    keys: tuple[str, ...]
    position: int | None
    asked: str
    reply: Reply
    latency_s: float = 0.0
    raw: Record = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A file of another tool.

    `model` is empty where the file does not say it. `damaged` names records that could not be read, `notes` what else
    a user ought to know. What is None was not recorded.
    """

    model: str
    found: tuple[Answer, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    system: str | None = None
    seed: int | None = None
    damaged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def said(
    text: str,
    *,
    reasoning: str = "",
    finish_reason: str | None = None,
    refused: bool = False,
    prompt_tokens: int | None = None,
    completion_tokens: int | None = None,
) -> Reply:
    """The reply of a text that is no failure message, read as the replies of our own models are."""
    try:
        return replies.reply(
            text,
            reasoning=reasoning,
            # A refusal in a provider's own field is an answer, whatever the tool calls its end.
            finish_reason=None if refused else finish_reason,
            refused=refused,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
        )
    except RequestFailed as error:
        return failed(str(error))


def failed(why: str) -> Reply:
    """A request that got no answer."""
    return Reply(outcome=ResponseOutcome.ERROR, error=why)


def text_of(record: Record, name: str) -> str:
    """A text of a record; empty where it is missing or something else."""
    value = record.get(name)
    return value if isinstance(value, str) else ""


def object_of(record: Record, name: str) -> Record:
    """An object within a record; empty where it is missing or something else."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def count_of(record: Record, name: str) -> int | None:
    """A count of a record, None where it is missing or no count."""
    value = record.get(name)
    sound = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return int(value) if sound and isinstance(value, int) else None


def number_of(record: Record, name: str) -> float | None:
    """A number of a record, None where it is missing, no number, or not finite."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def parse(data: bytes | str) -> object:
    """A JSON document.

    Raises:
        ValueError: It is none.
    """
    return orjson.loads(data)


def json_lines(file: Path, damaged: list[str]) -> Iterator[Record]:
    """The objects of a file of JSON lines; lines that are none are noted in `damaged`.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        for number, (_, line) in enumerate(journal.lines(file), start=1):
            if not line.strip():
                continue
            try:
                record = parse(line) if len(line) <= MAX_LINE else None
            except ValueError:
                record = None
            if isinstance(record, dict):
                yield record
            else:
                damaged.append(f"line {number}")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from error
