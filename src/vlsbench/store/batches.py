"""The requests of a run that are out in batches at a provider: ``batches.jsonl`` and the files beside it.

    batches.jsonl                  what became of each batch, one line per step
    batches/<key>.jsonl            what is about to be sent; deleted once the provider has it
    batches/<key>.results.jsonl    what came back; deleted once all of it is recorded

A batch goes from ``prepared`` (its file is whole) by way of ``submitted`` (the provider gave it an id) to ``collected``
(its results are on disk), or from ``prepared`` to ``dropped``, where it was never sent. ``used`` names the lines whose
replies have become records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from vlsbench.store import journal
from vlsbench.store.journal import Journal

FILE = "batches.jsonl"
FOLDER = "batches"
FORGOTTEN = "forgotten"
"""The status of a batch that the user has given up."""


class Stage(StrEnum):
    """What the requests of a batch ask for."""

    ANSWERS = "answers"
    VERDICTS = "verdicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEntry:
    """A batch of a run, as far as its journal tells.

    `numbers` are those of the samples, counted from 0, and `digests` say of each line what is asked, in the same order.
    `sha256` is that of the file that was prepared. `id` is the provider's, once it has it. `status` is how it ended;
    `answered`, `failed` and `unanswered` count its lines by how they ended. `used` are the lines that became records.
    """

    key: str
    stage: Stage
    provider: str
    model: str
    address: str
    numbers: tuple[int, ...]
    digests: tuple[str, ...]
    n_bytes: int
    sha256: str
    prepared: float
    submitted: float | None = None
    id: str | None = None
    status: str | None = None
    why: str = ""
    answered: int = 0
    failed: int = 0
    unanswered: int = 0
    used: frozenset[int] = frozenset()

    @property
    def is_out(self) -> bool:
        """Whether the provider has it, or may have it, and its results are not here yet."""
        return self.status is None

    def to_json(self) -> dict[str, object]:
        """What ``vlsbench show --json`` says of it."""
        return {
            "key": self.key,
            "id": self.id,
            "stage": self.stage,
            "provider": self.provider,
            "model": self.model,
            "requests": len(self.numbers),
            "prepared": self.prepared,
            "submitted": self.submitted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A line of the journal; which fields it has depends on the step."""

    step: str
    key: str
    at: float = 0.0
    stage: Stage = Stage.ANSWERS
    provider: str = ""
    model: str = ""
    address: str = ""
    numbers: tuple[int, ...] = ()
    digests: tuple[str, ...] = ()
    n_bytes: int = 0
    sha256: str = ""
    id: str = ""
    status: str = ""
    why: str = ""
    answered: int = 0
    failed: int = 0
    unanswered: int = 0
    lines: tuple[int, ...] = ()


class BatchJournal:
    """The journal of the batches of one run, and where their files lie.

    Args:
        run: The run folder; writing needs its lock.
    """

    def __init__(self, run: Path) -> None:
        self.path = run / FILE
        self.folder = run / FOLDER
        self.entries = read(run)

    def payload(self, key: str) -> Path:
        """The file of a batch that is about to be sent."""
        return self.folder / f"{key}.jsonl"

    def results(self, key: str) -> Path:
        """The file of what came back."""
        return self.folder / f"{key}.results.jsonl"

    def prepared(self, entry: BatchEntry) -> None:
        """A batch whose file is whole."""
        fields = ("key", "stage", "provider", "model", "address", "numbers", "digests", "n_bytes", "sha256")
        self._write("prepared", entry, entry.prepared, **{name: getattr(entry, name) for name in fields})

    def submitted(self, entry: BatchEntry, batch_id: str, at: float) -> BatchEntry:
        """The provider has it."""
        return self._write("submitted", replace(entry, id=batch_id, submitted=at), at, id=batch_id)

    def collected(self, entry: BatchEntry, at: float) -> None:
        """Its results are on disk, and counted in the entry."""
        fields = ("status", "why", "answered", "failed", "unanswered")
        self._write("collected", entry, at, **{name: getattr(entry, name) for name in fields})

    def dropped(self, entry: BatchEntry, at: float) -> None:
        """It was never sent."""
        del self.entries[entry.key]
        self._append({"step": "dropped", "key": entry.key, "at": at})

    def give_up(self, entry: BatchEntry, at: float) -> None:
        """The user does not want it any more."""
        self.collected(replace(entry, status=FORGOTTEN, unanswered=len(entry.numbers)), at)

    def use(self, entry: BatchEntry, lines: Iterable[int], at: float) -> None:
        """The replies of some lines have become records."""
        new = sorted({*lines} - entry.used)
        if new:
            self._write("used", replace(entry, used=entry.used.union(new)), at, lines=new)

    def _write(self, step: str, entry: BatchEntry, at: float, **fields: object) -> BatchEntry:
        self._append({"step": step, "key": entry.key, "at": at, **fields})
        self.entries[entry.key] = entry
        return entry

    def _append(self, record: dict[str, object]) -> None:
        # Closed, and with that synced, each time: money hangs on these few lines, also where the power fails.
        with Journal(self.path) as file:
            file.append(record)


def read(run: Path) -> dict[str, BatchEntry]:
    """The batches of a run folder by their keys, in the order of their preparation."""
    entries: dict[str, BatchEntry] = {}
    for step in journal.read(run / FILE, _Step):
        if step.step == "prepared":
            entries[step.key] = BatchEntry(
                key=step.key,
                stage=step.stage,
                provider=step.provider,
                model=step.model,
                address=step.address,
                numbers=step.numbers,
                digests=step.digests,
                n_bytes=step.n_bytes,
                sha256=step.sha256,
                prepared=step.at,
            )
        elif step.key in entries:
            entries[step.key] = _after(entries[step.key], step)
            if step.step == "dropped":
                del entries[step.key]
    return entries


def _after(entry: BatchEntry, step: _Step) -> BatchEntry:
    if step.step == "submitted":
        return replace(entry, id=step.id, submitted=step.at)
    if step.step == "collected":
        return replace(
            entry,
            status=step.status,
            why=step.why,
            answered=step.answered,
            failed=step.failed,
            unanswered=step.unanswered,
        )
    return replace(entry, used=entry.used.union(step.lines)) if step.step == "used" else entry
