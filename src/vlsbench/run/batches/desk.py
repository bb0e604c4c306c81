"""One stage's requests: which are out, which have come back, and which are to be sent.

Nothing here waits. A request that is out, or has just been put into a file, ends its sample for this time round with
`Postponed`; when results are there, the samples go round again and find their replies here.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial

from vlsbench.core import metering
from vlsbench.core.errors import Postponed, RequestFailed, UserError, VLSBenchError
from vlsbench.core.protocols import Model
from vlsbench.core.types import Prompt, Reply
from vlsbench.models.batches import BatchService
from vlsbench.run.batches.errand import Errand
from vlsbench.run.batches.request import current_sample, custom_id, digest_of
from vlsbench.run.batches.returned import ReplyPlace, Returned, reply_at, sort_out
from vlsbench.run.batches.spool import SHARE, Spool, fits
from vlsbench.run.throttle import Halt, Patience
from vlsbench.store.batches import BatchEntry, BatchJournal, Stage
from vlsbench.store.folders import make_folder

ASKED_DIRECTLY = 3
"""How many requests at most are made one by one, at the full price, until one is answered: a wrong key, an unknown
model or a parameter that the server does not take shows within seconds, and not in every line of a batch tomorrow."""


class BatchDesk:
    """The batches of one stage of a run, answers or verdicts, for one model.

    Args:
        service: The provider's batches.
        model: The model's reference.
        stage: Which stage.
        sending: Whether new requests go into batches; otherwise only what is out is brought home.
        halt: The user's wish to stop.
        patience: How often and how long to try.
    """

    def __init__(
        self, service: BatchService, *, model: str, stage: Stage, sending: bool, halt: Halt, patience: Patience
    ) -> None:
        self.service = service
        self.stage = stage
        self.ended: list[BatchEntry] = []
        self._model = model
        self._sending = sending
        self._halt = halt
        self._patience = patience
        self._journal: BatchJournal | None = None
        self._lock = asyncio.Lock()
        self._spool: Spool | None = None
        self._key = ""
        self._asked_directly = 0
        self._direct: set[int] = set()
        self._out: dict[str, str] = {}
        self._replies: dict[str, ReplyPlace] = {}
        self._errors: dict[str, VLSBenchError] = {}
        self._unanswered: set[str] = set()
        self._recorded: dict[str, set[int]] = {}

    async def open(self, journal: BatchJournal) -> None:
        """Take up what earlier sessions left: find what was perhaps sent, and bring home what has ended.

        Raises:
            UserError: Batches are out at another address, or the provider does not know one of them.
            Stopped: The provider could not be asked.
        """
        self._journal = journal
        self._errand = Errand(self.service, journal, self._halt, self._patience)
        for entry in self._mine():
            if entry.is_out:
                self._require_here(entry)
            else:
                found = sort_out(journal.results(entry.key), entry, self.service)
                self._replies |= {d: place for d, place in found.replies.items() if place.number not in entry.used}
        await self.collect()

    def _mine(self) -> list[BatchEntry]:
        entries = self._journal.entries.values() if self._journal is not None else ()
        return [entry for entry in entries if (entry.stage, entry.model) == (self.stage, self._model)]

    def _require_here(self, entry: BatchEntry) -> None:
        if entry.address != self.service.address:
            raise UserError(
                f"{len(entry.numbers):,} requests of this run are out in a batch at {entry.address}, and "
                f"{self.service.address} is asked now. Name the address where they are."
            )

    @property
    def out(self) -> list[BatchEntry]:
        """The batches that have not come back."""
        return [entry for entry in self._mine() if entry.is_out]

    @property
    def done(self) -> int:
        """How many requests of the batches that are out have come to an end, where the provider counts."""
        return sum(self._errand.seen[entry.key].done for entry in self.out if entry.key in self._errand.seen)

    @property
    def odd(self) -> list[str]:
        """What is odd about the batches that are out, each once."""
        seen = (self._errand.seen.get(entry.key) for entry in self.out)
        return list(dict.fromkeys(batch.why for batch in seen if batch is not None and batch.why))

    async def reply(self, prompt: Prompt, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """The reply to a request, where there is one.

        Args:
            prompt: The request.
            ask: Makes it directly, without a batch.

        Raises:
            Postponed: It is out, or will be.
            RequestFailed: It has failed, like every other request may.
        """
        if self._journal is None:
            return await ask()
        number = current_sample.get()
        digest = digest_of(prompt, number)
        place = self._replies.get(digest)
        if place is not None and (reply := reply_at(place, self.service)) is not None:
            self._once_recorded(place)
            metering.sent()
            metering.replied(reply, batched=True)
            return reply
        if digest in self._errors:
            metering.sent()
            raise self._errors[digest]
        if digest in self._out or digest in self._unanswered:
            raise Postponed("This request is out in a batch.")
        if not self._sending or number in self._direct:
            return await ask()  # also a second request about a sample whose first one is nowhere but here
        async with self._lock:
            if self._asked_directly < ASKED_DIRECTLY:
                self._asked_directly += 1
                self._direct.add(number)
                reply = await ask()
                self._asked_directly = ASKED_DIRECTLY
                return reply
            await self._put(self._journal, prompt, number, digest)
        raise Postponed("This request goes into a batch.")

    def _once_recorded(self, place: ReplyPlace) -> None:
        """Note that a reply has been used, as soon as its sample has come to its end."""

        def note(task: asyncio.Task[object]) -> None:
            if not task.cancelled() and task.exception() is None:
                self._recorded.setdefault(place.key, set()).add(place.number)

        task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(note)

    async def _put(self, journal: BatchJournal, prompt: Prompt, number: int, digest: str) -> None:
        """Write a request into the file, and send the file first where it is full."""
        key = self._key or f"vlsb-{secrets.token_hex(8)}"
        write = partial(self.service.line, prompt=prompt)
        line = await write(custom_id(key, self.stage, number))
        size, limits = sum(map(len, line)), self.service.limits
        if not fits(0, 0, size, limits):
            raise RequestFailed(
                f"the request has {size:,} bytes, and a batch at {self.service.provider} at most "
                f"{int(SHARE * limits.n_bytes):,}; --image-max-side makes its picture smaller"
            )
        if self._spool is not None and not fits(len(self._spool.numbers), self._spool.n_bytes, size, limits):
            await self._send(journal)
            key = f"vlsb-{secrets.token_hex(8)}"
            line = await write(custom_id(key, self.stage, number))
        if self._spool is None:
            make_folder(journal.folder)
            self._key, self._spool = key, Spool(journal.payload(key))
        self._spool.add(line, number, digest)
        self._out[digest] = key

    async def send(self) -> None:
        """Send what has been gathered.

        Raises:
            Stopped: It could not be handed in; it stays prepared.
        """
        if self._journal is not None:
            await self._send(self._journal)

    async def _send(self, journal: BatchJournal) -> None:
        spool, key = self._spool, self._key
        if spool is None:
            return
        self._spool, self._key = None, ""
        entry = BatchEntry(
            key=key,
            stage=self.stage,
            provider=self.service.provider,
            model=self._model,
            address=self.service.address,
            numbers=tuple(spool.numbers),
            digests=tuple(spool.digests),
            n_bytes=spool.n_bytes,
            sha256=spool.finish(),
            prepared=time.time(),
        )
        journal.prepared(entry)
        await self._errand.hand_in(entry)

    async def collect(self) -> bool:
        """Bring home what has ended; returns whether there was anything.

        Raises:
            UserError: The provider does not know a batch.
            Stopped: The provider could not be asked.
        """
        journal, news = self._journal, False
        if journal is None:
            return news
        for entry in self.out:
            if entry.id is None:
                await self._errand.recover(entry, sending=self._sending)
        self._out = {digest: entry.key for entry in self.out for digest in entry.digests}
        for entry in self.out:
            found = await self._errand.collect(entry)
            if found is not None:
                news = True
                self._take(found)
                self.ended.append(journal.entries[entry.key])
        return news

    def _take(self, found: Returned) -> None:
        self._replies |= found.replies
        self._errors |= found.errors
        self._unanswered |= found.unanswered
        for digest in (*found.replies, *found.errors, *found.unanswered):
            self._out.pop(digest, None)

    def note(self, *, over: bool) -> None:
        """Journal which replies have become records, and delete the results that nobody needs any more.

        Args:
            over: Whether every sample has come to its end, so that none is needed.
        """
        journal = self._journal
        if journal is None:
            return
        for entry in (entry for entry in self._mine() if not entry.is_out):
            journal.use(entry, entry.numbers if over else self._recorded.get(entry.key, ()), time.time())
            if len(journal.entries[entry.key].used) >= entry.answered:
                journal.results(entry.key).unlink(missing_ok=True)

    async def close(self) -> None:
        """Close the connections, and delete a file that was not finished."""
        if self._spool is not None:
            self._spool.abandon()
            self._spool = None
        await self.service.close()


class BatchedModel:
    """A model whose requests go through a desk. Implements `vlsbench.core.protocols.Model`.

    Args:
        inner: The model itself, for requests that are made directly.
        desk: Where the others go.
    """

    def __init__(self, inner: Model, desk: BatchDesk) -> None:
        self.inner = inner
        self._desk = desk

    @property
    def name(self) -> str:
        """The model's reference."""
        return self.inner.name

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt, or postpone it."""
        return await self._desk.reply(prompt, lambda: self.inner.generate(prompt))
