"""A batch's way to the provider and back, each step journalled before the next.

A kill between two steps leaves a step that was journalled and one that perhaps happened. The one that costs money is
handing a batch in: before that is done again, the provider is asked whether it has a batch under our key.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from vlsbench.core.errors import AccessDenied, RequestFailed, Stopped, UserError, VLSBenchError
from vlsbench.core.secrets import hide_in_json
from vlsbench.models.batches import Batch, BatchService, Found, Phase
from vlsbench.run.batches.returned import Returned, sort_out
from vlsbench.run.batches.spool import is_file_of
from vlsbench.run.throttle import Gate, Halt, Patience, persist
from vlsbench.store import journal
from vlsbench.store.batches import BatchEntry, BatchJournal

T = TypeVar("T")

SETTLE_S = 2.0
"""How old an attempt to hand a batch in has to be until its absence from the provider's list is believed."""

APPEARS_WITHIN_S = 60.0
"""How long a provider may take to know a batch that it has just taken in."""

_DOWNLOADS = 2
"""How often the results of a completed batch are fetched that lack answers: a transfer that was cut off between two
lines looks whole, and what it lacks would be paid again."""

LOST = "lost"
"""The status of a batch whose results the provider has deleted."""


class Errand:
    """The dealings of one stage with its provider.

    Args:
        service: The provider's batches.
        journal: The journal of the run's batches.
        halt: The user's wish to stop.
        patience: How often and how long to try.
    """

    def __init__(self, service: BatchService, journal: BatchJournal, halt: Halt, patience: Patience) -> None:
        self.service = service
        self.seen: dict[str, Batch] = {}
        self._journal = journal
        self._halt = halt
        self._gate = Gate(1, halt)
        self._patience = patience

    async def hand_in(self, entry: BatchEntry) -> None:
        """Hand in a batch that was prepared just now.

        Raises:
            Stopped: It could not be handed in; it stays prepared.
        """
        payload, tries = self._journal.payload(entry.key), 0

        async def attempt() -> str | None:
            nonlocal tries
            tries += 1
            # An attempt that brought no answer may have arrived all the same.
            found = await self._find(entry) if tries > 1 else Found()
            if found.uncertain:
                return None
            return found.id or await self.service.submit(entry.key, payload, len(entry.numbers))

        batch_id = await self._ask("take a batch", attempt)
        if batch_id is not None:
            self._journal.submitted(entry, batch_id, time.time())
            payload.unlink(missing_ok=True)

    async def recover(self, entry: BatchEntry, *, sending: bool) -> None:
        """Find out what became of a batch that was prepared and perhaps handed in, by a process that was killed.

        Args:
            entry: The batch.
            sending: Hand it in where the provider has not got it; else it is dropped.

        Raises:
            Stopped: The provider could not be asked.
        """
        found = await self._ask("list its batches", lambda: self._find(entry))
        payload = self._journal.payload(entry.key)
        if found.id is not None:
            self._journal.submitted(entry, found.id, time.time())
            payload.unlink(missing_ok=True)
        elif not found.uncertain:
            if sending and is_file_of(payload, entry.sha256):
                await self.hand_in(entry)
            else:
                self._journal.dropped(entry, time.time())
                payload.unlink(missing_ok=True)

    async def _find(self, entry: BatchEntry) -> Found:
        await self._halt.sleep(max(0.0, entry.prepared + SETTLE_S - time.time()))
        others = {other.id for other in self._journal.entries.values() if other.id is not None}
        return await self.service.find(entry.key, len(entry.numbers), entry.prepared, others)

    async def collect(self, entry: BatchEntry) -> Returned | None:
        """The results of a batch, on disk and journalled; None while it has not ended.

        Raises:
            UserError: The provider does not know the batch, or does not show it to this key.
            Stopped: The provider could not be asked.
        """
        if (batch_id := entry.id) is None:
            return None
        with self._where_it_is(entry):
            batch = await self._ask("say how a batch stands", lambda: self.service.look(batch_id))
        if batch is None and time.time() - (entry.submitted or 0.0) < APPEARS_WITHIN_S:
            return None
        if batch is None:
            raise UserError(
                f"{self.service.provider} at {self.service.address} does not know the batch {batch_id} of this run, "
                f"with {len(entry.numbers):,} requests. Is the key that of another account or project? If the batch is "
                f"gone for good, {_give_up(entry)}."
            )
        if batch.phase is Phase.RUNNING:
            self.seen[entry.key] = batch
            return None
        results = self._journal.results(entry.key)
        with self._where_it_is(entry):
            found, present = await self._download(entry, batch, results)
        self._journal.collected(
            replace(
                entry,
                status=batch.phase.value if present else LOST,
                why=batch.why,
                answered=len(found.replies),
                failed=len(found.errors),
                unanswered=len(found.unanswered),
            ),
            time.time(),
        )
        if not _lacks(batch, found):  # else somebody may want to look at what was sent
            with contextlib.suppress(VLSBenchError):  # what is left there goes by itself, within a month or so
                await self.service.discard(batch)
        return found

    @contextlib.contextmanager
    def _where_it_is(self, entry: BatchEntry) -> Iterator[None]:
        """Say of a batch that is denied which it is: Gemini denies files that are gone, and accounts that owe."""
        try:
            yield
        except AccessDenied as error:
            raise AccessDenied(
                f"{error} The batch {entry.id} with {len(entry.numbers):,} requests of this run is at {entry.address}: "
                f"use the key that it was handed in with. If it is gone for good, {_give_up(entry)}."
            ) from error

    async def _download(self, entry: BatchEntry, batch: Batch, results: Path) -> tuple[Returned, bool]:
        """What came back, and whether the provider still had it."""
        for _ in range(_DOWNLOADS):
            what = "send the results of a batch"
            present = await self._ask(what, lambda: self._fetch(batch, results), _give_up(entry))
            found = sort_out(results, entry, self.service)
            if not present or not _lacks(batch, found):
                break
        return found, present

    async def _fetch(self, batch: Batch, results: Path) -> bool:
        part = results.with_suffix(".part")
        try:
            with part.open("wb") as file:
                present = await self.service.fetch(batch, file)
            # Only now, for a line may come in two pieces: what servers echo is kept without keys.
            journal.write_atomically(results, (hide_in_json(line) for _, line in journal.lines(part)))
        except OSError as error:
            raise Stopped(f"Cannot write {part}: {error.strerror}.") from error
        finally:
            part.unlink(missing_ok=True)
        return present

    async def _ask(self, what: str, call: Callable[[], Awaitable[T]], otherwise: str = "") -> T:
        try:
            return await persist(call, self._gate, self._patience)
        except RequestFailed as error:
            hint = f". If it never does, {otherwise}" if otherwise else ""
            raise Stopped(f"{self.service.provider} did not {what}: {error}{hint}") from error


def _lacks(batch: Batch, found: Returned) -> bool:
    """Whether answers are missing that the provider should have."""
    return batch.phase is Phase.COMPLETED and bool(found.unanswered)


def _give_up(entry: BatchEntry) -> str:
    return f"give it up with --batch-forget {entry.id}; its requests are then made, and paid, again"
