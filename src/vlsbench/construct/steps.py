"""Durable steps: each remembers what it came to, so that a chain of them is an ordinary async function.

A result counts only for the very input and settings it was made from. So a changed prompt redoes that step and what
follows from it, and nothing before it; and going back to an earlier prompt asks nobody. Failures are not remembered:
they are tried again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from vlsbench.core.errors import Blocked, ImageProblem, RequestFailed
from vlsbench.run.throttle import Gate
from vlsbench.store import journal
from vlsbench.store.journal import Journal
from vlsbench.store.run_folder import timestamp

_MAX_REASON = 1000
_MAX_LINE = 1 << 16
_OK, _DROPPED = "ok", "dropped"


class StepOutcome(StrEnum):
    """How a step ended. `OK` and `DROPPED` are final; all others are failures, and tried again."""

    OK = "ok"
    DROPPED = "dropped"
    BLOCKED = "blocked"
    REFUSED = "refused"
    UNPARSABLE = "unparsable"
    ERROR = "error"
    PENDING = "pending"

    @property
    def is_final(self) -> bool:
        """Whether it is an answer rather than a failure."""
        return self in (StepOutcome.OK, StepOutcome.DROPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step came to: its `output` as JSON, and `reason` where it was dropped or failed.

    `requests` and the tokens are what it cost, repairs included.
    """

    outcome: StepOutcome
    output: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    model: str = ""
    requests: int = 1
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the chain goes on from here."""
        return self.outcome is StepOutcome.OK


Told = Callable[[str, Done], None]
"""Told of every result that is new, with the step's name."""


def digest(*parts: object) -> str:
    """A short hash of JSON values; equal values give equal hashes."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


class Ledger:
    """The results that a journal held when it was first asked, found by key and input.

    Args:
        path: The journal.
        failures: Whether failures are found too, the last one of each input.
    """

    def __init__(self, path: Path, *, failures: bool = False) -> None:
        self._path = path
        self._failures = failures
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._known: dict[int, int] | None = None

    def _index(self) -> dict[int, int]:
        """Where each result stands; read when it is first needed, which for most steps of a finished build is never."""
        # By a hash of 64 bits: a tenth of the memory that names would take. `find` looks at the names themselves.
        return {
            _place(row.get("sample_id"), row.get("input")): offset
            for offset, row in _rows(self._path)
            if self._failures or row.get("outcome") in (_OK, _DROPPED)
        }

    def find(self, key: str, wanted: str) -> Done | None:
        """The result for a key and the digest of its input; None where there is none, or its line is damaged."""
        if self._known is None:
            self._known = self._index()
        offset = self._known.get(_place(key, wanted))
        row = self._at(offset) if offset is not None else None
        if row is None or row.get("sample_id") != key or row.get("input") != wanted:
            return None
        try:
            return to_done(row)
        except (KeyError, ValueError, TypeError):
            return None

    def _at(self, offset: int) -> Mapping[str, Any] | None:
        data = os.pread(self._handle, _MAX_LINE, offset)
        while b"\n" not in data:
            more = os.pread(self._handle, _MAX_LINE, offset + len(data))
            if not more:
                return None
            data += more
        try:
            found = orjson.loads(data[: data.index(b"\n")])
        except orjson.JSONDecodeError:
            return None
        return found if isinstance(found, dict) else None

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


class Step:
    """One kind of work with its journal, its slots, and the settings that its results depend on.

    A step that is made of other steps has no gate: to hold a slot while its parts wait for one would be a deadlock. Its
    settings hold those of its parts.

    Args:
        folder: Where the journals are; ``<name>.jsonl`` is this step's.
        name: The step's name.
        gate: Its slots; None where it is made of other steps or asks nobody.
        settings: Everything beside the input that a result depends on.
        told: Told of every new result.
        earlier: The same settings as earlier versions wrote them; results under them stand as well.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        gate: Gate | None,
        settings: Mapping[str, Any],
        told: Told | None = None,
        earlier: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.gate = gate
        self.settings = dict(settings)
        self._earlier = earlier if earlier != settings else None
        self.path = folder / f"{name}.jsonl"
        self._told = told
        self._journal = Journal(self.path)
        self._ledger = Ledger(self.path)

    async def __call__(
        self,
        key: str,
        given: Mapping[str, Any],
        work: Callable[[], Awaitable[Done]],
        holds: Callable[[Done], bool] = lambda done: True,  # noqa: ARG005
    ) -> Done:
        """The result for a key: the recorded one where input and settings are the same, else that of `work`.

        Args:
            key: What the step is about, for example ``e17/q2``.
            given: Its input.
            work: Does it, inside the step's slot; its result is on disk before the slot is free.
            holds: Whether a recorded result still stands; one that does not is made again.

        Raises:
            VLSBenchError: What would go wrong with everything: no access, no disk, no network, the user's wish.
        """
        wanted = digest(given, self.settings)
        known = self._ledger.find(key, wanted)
        if known is None and self._earlier is not None:
            known = self._ledger.find(key, digest(given, self._earlier))
        if known is not None and holds(known):
            return known
        async with self.gate or contextlib.nullcontext():
            started = time.monotonic()
            done = await _tried(work)
            self._record(key, wanted, done, round(time.monotonic() - started, 4))
        if self._told is not None:
            self._told(self.name, done)
        return done

    def _record(self, key: str, wanted: str, done: Done, latency_s: float) -> None:
        self._journal.append(
            {
                "sample_id": key,
                "outcome": done.outcome.value,
                "label": None,
                "input": wanted,
                "output": dict(done.output),
                "reason": done.reason[:_MAX_REASON],
                "model": done.model,
                "requests": done.requests,
                "prompt_tokens": done.prompt_tokens,
                "completion_tokens": done.completion_tokens,
                "latency_s": latency_s,
                "at": timestamp(),
            }
        )

    def close(self) -> None:
        """Sync and close the journal; raises Stopped where it could not be written."""
        self._ledger.close()
        self._journal.close()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a journal with their byte offsets; damaged lines are passed over."""
    for offset, line in journal.lines(path):
        with contextlib.suppress(orjson.JSONDecodeError):
            row = orjson.loads(line)
            if isinstance(row, dict):
                yield offset, row


async def _tried(work: Callable[[], Awaitable[Done]]) -> Done:
    try:
        return await work()
    except Blocked as error:
        return Done(outcome=StepOutcome.BLOCKED, reason=str(error))
    except (RequestFailed, ImageProblem) as error:
        return Done(outcome=StepOutcome.ERROR, reason=str(error))


def _place(key: object, wanted: object) -> int:
    return int.from_bytes(hashlib.blake2b(f"{key}\0{wanted}".encode(errors="replace"), digest_size=8).digest())


def to_done(row: Mapping[str, Any]) -> Done:
    """A result from its line.

    Raises:
        KeyError: A field is missing.
        ValueError: The outcome is none of ours.
        TypeError: The output is no object.
    """
    output = row["output"]
    if not isinstance(output, dict):
        raise TypeError("the output of a step is no object")
    return Done(
        outcome=StepOutcome(row["outcome"]),
        output=output,
        reason=str(row.get("reason") or ""),
        model=str(row.get("model") or ""),
        requests=int(row.get("requests") or 0),
        prompt_tokens=_count(row.get("prompt_tokens")),
        completion_tokens=_count(row.get("completion_tokens")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
