"""All batches of a session, and the rounds that its samples make: everything goes through, then the next round waits.

A round takes every sample as far as it comes without waiting. What went into files is then handed in. When results have
come back, the samples go round again: answers are recorded, and their verdicts asked for in batches of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vlsbench.core.errors import BatchesOut, UserError
from vlsbench.core.protocols import Model
from vlsbench.core.words import counted, noun
from vlsbench.models.batches import Batching, Phase
from vlsbench.run.batches.desk import BatchDesk, BatchedModel
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Halt, Patience
from vlsbench.store.batches import FILE, BatchEntry, BatchJournal, Stage, read

POLL_S = 60.0
"""How often the provider is asked how a batch stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEffort:
    """What is asked of batches. Not part of a run's identity.

    Args:
        sending: Whether new requests go into batches.
        wait_s: How long to wait for what is out, in seconds; then the same command continues.
        forget: The provider's id of a batch that is given up.
    """

    sending: bool = False
    wait_s: float = 0.0
    forget: str | None = None


class Batches:
    """The batches of one session of a run.

    Args:
        effort: What is asked of them.
        halt: The user's wish to stop.
        where_possible: Whether a session in which nobody takes batches goes on without them.
    """

    def __init__(self, effort: BatchEffort, halt: Halt, *, where_possible: bool = False) -> None:
        self._where_possible = where_possible
        self._effort = effort
        self._halt = halt
        self._desks: list[BatchDesk] = []
        self._without: list[tuple[Stage, str]] = []
        self._elsewhere: list[BatchEntry] = []

    def model(self, model: Model, asked: Model, stage: Stage, patience: Patience) -> Model:
        """The model, with its requests in batches where its provider takes them so.

        Args:
            model: The model itself.
            asked: The model with retries, for requests that are made directly.
            stage: What is asked of it.
            patience: How often and how long to try.
        """
        if not isinstance(model, Batching):
            self._without.append((stage, model.name))
            return asked
        desk = BatchDesk(
            model.batches(),
            model=model.name,
            stage=stage,
            sending=self._effort.sending,
            halt=self._halt,
            patience=patience,
        )
        self._desks.append(desk)
        return BatchedModel(asked, desk)

    async def open(self, run: Path) -> None:
        """Take up what earlier sessions left.

        Raises:
            UserError: Nobody here takes batches, or what is out cannot be brought home as asked.
            Stopped: A provider could not be asked.
        """
        journal = BatchJournal(run)
        if self._effort.forget is not None and (not self._where_possible or is_out(run, self._effort.forget)):
            _forget(journal, self._effort.forget)
        if self._effort.sending and not self._desks and not self._where_possible:
            raise UserError(
                "--batch: neither the model nor the judge is asked through an API that takes batches (openai:, "
                "anthropic:, gemini:; not through --servers). Leave it out."
            )
        for entry in journal.entries.values():
            if entry.is_out and (entry.stage, entry.model) in self._without:
                raise UserError(
                    f"{counted(len(entry.numbers), 'request')} for {entry.stage} of this run are out in a batch at "
                    f"{entry.address}. Ask {entry.model} there, without --servers, until they are home."
                )
        # Whoever only judges has no model to bring answers home with; what it would find without them is no result.
        asked = {desk.stage for desk in self._desks} | {stage for stage, _ in self._without}
        out = [entry for entry in journal.entries.values() if entry.is_out and entry.stage is Stage.ANSWERS]
        self._elsewhere = [] if Stage.ANSWERS in asked else out
        _sweep(journal)
        for desk in self._desks:
            await desk.open(journal)

    async def next_round(self, counts: RunCounts, progress: Progress | None) -> bool:
        """Send what was gathered, and wait as long as was asked; returns whether anything came back.

        Args:
            counts: How the run stands, for the progress.
            progress: Told while waiting.

        Raises:
            BatchesOut: Batches are out, or came back without answers; the same command continues.
            Stopped: A provider could not be asked.
            Interrupted: The user stopped the run.
        """
        until = time.monotonic() + self._effort.wait_s
        for desk in self._desks:
            await desk.send()
            desk.note(over=False)
        while True:
            if any([await desk.collect() for desk in self._desks]):
                return True
            left = until - time.monotonic()
            if left <= 0 or not any(desk.out for desk in self._desks):
                break
            if progress is not None:
                counts.waiting = _standing(self._desks)
                progress(counts)
            await self._halt.sleep(min(POLL_S, left))
        endings = [_ending(desk, entry) for desk in self._desks for entry in desk.ended]
        said = [_standing(self._desks), *endings, _elsewhere(self._elsewhere)]
        if any(said):
            raise BatchesOut("; ".join(filter(None, said)))
        for desk in self._desks:
            desk.note(over=True)
        return False

    async def close(self) -> None:
        """Close all connections."""
        for desk in self._desks:
            desk.note(over=False)
            await desk.close()


def of(effort: BatchEffort, run: Path | None, halt: Halt, *, where_possible: bool = False) -> Batches | None:
    """The batches of a session; None where none are wanted and none are left of earlier ones.

    Args:
        effort: What is asked of batches.
        run: A run folder that may have some; it need not exist.
        halt: The user's wish to stop.
        where_possible: As for `Batches`.
    """
    left = run is not None and (run / FILE).exists()
    return Batches(effort, halt, where_possible=where_possible) if left or effort != BatchEffort() else None


def is_out(run: Path, batch_id: str) -> bool:
    """Whether a batch of a run, by the provider's id or by ours, is out; the folder need not exist."""
    return any(_is_called(entry, batch_id) for entry in read(run).values())


def _is_called(entry: BatchEntry, batch_id: str) -> bool:
    """Whether a batch that is out goes by a name; one that the provider perhaps has not got goes by our key alone."""
    return entry.is_out and batch_id in (entry.id, entry.key)


def _forget(journal: BatchJournal, batch_id: str) -> None:
    """Give up a batch.

    Raises:
        UserError: None with this id is out.
    """
    for entry in journal.entries.values():
        if _is_called(entry, batch_id):
            journal.give_up(entry, time.time())
            return
    out = ", ".join(entry.id or entry.key for entry in journal.entries.values() if entry.is_out)
    raise UserError(f"--batch-forget: no batch {batch_id} of this run is out{f'; {out}' if out else ''}.")


def _sweep(journal: BatchJournal) -> None:
    """Delete files of requests that were never sent, or have been: a kill leaves them behind."""
    waiting = {journal.payload(entry.key) for entry in journal.entries.values() if entry.is_out and entry.id is None}
    known = {journal.results(key) for key in journal.entries}
    for path in journal.folder.glob("*") if journal.folder.exists() else ():
        if path not in waiting and path not in known:
            path.unlink(missing_ok=True)


def _standing(desks: Iterable[BatchDesk]) -> str:
    """What is out, in words; empty where nothing is."""
    said = []
    for desk in desks:
        if out := desk.out:
            total = sum(len(entry.numbers) for entry in out)
            done = f" ({desk.done:,} done)" if desk.done else ""
            said.append(
                f"waiting for {counted(len(out), 'batch')} with {total:,} requests for {desk.stage} at "
                f"{desk.service.provider}{done}{''.join(f'; {odd}' for odd in desk.odd)}"
            )
    return ", ".join(said)


def _elsewhere(out: Iterable[BatchEntry]) -> str:
    """What is to be done about answers that are out while nobody here asks for them; empty where none are."""
    return ", ".join(
        f"{counted(len(entry.numbers), 'answer')} by {entry.model} {noun(len(entry.numbers), 'is')} still out at "
        f"{entry.provider} in the batch {entry.id or entry.key}: first bring them home with the `vlsbench eval` that "
        "asked for them"
        for entry in out
    )


def left_behind(run: Path) -> str:
    """What there is to say where a run is put aside and begun anew while batches of it are out; empty where none are.

    Args:
        run: The run folder; it need not exist.
    """
    out = [entry for entry in read(run).values() if entry.is_out]
    if not out:
        return ""
    names = ", ".join(f"{entry.id or entry.key} at {entry.provider}" for entry in out)
    total = sum(len(entry.numbers) for entry in out)
    return (
        f"{counted(total, 'request')} of {run} {noun(total, 'is')} out in batches ({names}) and will not be used here, "
        "but paid for unless you cancel them there. The folder that is kept aside still brings them home: continue it, "
        "as --out, without --fresh."
    )


def _ending(desk: BatchDesk, entry: BatchEntry) -> str:
    """What there is to say of a batch that came back without some of its answers; empty where there is nothing."""
    if not entry.unanswered:
        return ""
    why = f" ({entry.why})" if entry.why else ""
    left = f"; what it sent is left at {desk.service.provider}" if entry.status == Phase.COMPLETED else ""
    return (
        f"the batch {entry.id} at {desk.service.provider} is {entry.status}{why}: {entry.unanswered:,} of "
        f"{len(entry.numbers):,} requests for {desk.stage} were not answered, and are made again by the next run{left}"
    )
