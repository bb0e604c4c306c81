"""How many requests at once, when to slow down, and when to give up.

A `Gate` hands out request slots, a fixed number or as many as the server bears (``auto``: slow start, additive
increase, halving on a rate limit; beyond the usual number only while it brings more answers, see `climb`). A `Patience`
says how long to wait before another try.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, TypeVar

from vlsbench.core import metering
from vlsbench.core.errors import ConnectionFailed, Interrupted, RateLimited, RequestFailed, Stopped, Transient
from vlsbench.core.protocols import LocalModel, Noticing, Served, Telling
from vlsbench.run.climb import AutoLimit

T = TypeVar("T")

Concurrency = int | Literal["auto"]

CONNECTION_FAILURES_IN_A_ROW = 20
"""After this many failures to connect, with no answer between, the run stops: the server is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How retries are spaced: full jitter (uniform between 0 and a growing cap), never before Retry-After.

    Args:
        tries: Tries per request for failures other than rate limits.
        base_s: Cap of the first wait, in seconds; doubles with each try.
        cap_s: Largest cap of a wait, in seconds.
        rate_limit_s: How long one request may be put off by rate limits, in seconds.
    """

    tries: int = 6
    base_s: float = 0.5
    cap_s: float = 30.0
    rate_limit_s: float = 900.0

    def wait(self, failed_tries: int, retry_after: float | None) -> float:
        """Seconds to wait after this many failed tries."""
        jitter = random.uniform(0, min(self.cap_s, self.base_s * 2 ** min(failed_tries - 1, 16)))  # noqa: S311
        return jitter if retry_after is None else retry_after + min(jitter, 1.0)


class Halt:
    """The user's wish to stop: no new request starts, waits end at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    @property
    def asked(self) -> bool:
        """Whether the run should stop."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Stop the run."""
        self._asked.set()

    async def wait(self) -> None:
        """Until somebody asks."""
        await self._asked.wait()

    def check(self) -> None:
        """Raise `Interrupted` once the run should stop."""
        if self.asked:
            raise Interrupted("Interrupted.")

    async def sleep(self, seconds: float) -> None:
        """Sleep, unless the run should stop first (then raise `Interrupted`)."""
        try:
            await asyncio.wait_for(self._asked.wait(), seconds)
        except TimeoutError:
            return
        self.check()


_LOOK_EVERY_S = 1.0


class Gate:
    """Request slots for one server, with the memory of how it has been answering.

    Use as an async context manager around one request and the writing of its record: the slot is free
    only after the record is written.

    Args:
        concurrency: A fixed number of slots, or ``"auto"``.
        halt: Stops waiting when the user stops the run.
        budget: Requests that may be on their way at once, over all the gates that share it; None for any number. A
            request that waits for another try takes none of it.
    """

    def __init__(self, concurrency: Concurrency, halt: Halt, budget: asyncio.Semaphore | None = None) -> None:
        self._auto = AutoLimit() if concurrency == "auto" else None
        self._limit = 0 if concurrency == "auto" else concurrency
        self._width: Callable[[], int] | None = None
        self._served: Served | None = None
        self._telling: Telling | None = None
        self._noticing: Noticing | None = None
        self._most_in_use = 0
        self.halt = halt
        self.budget = budget
        self._in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._paused_until = 0.0
        self._failed_connections = 0
        self._ever_answered = False
        self._limited_since: float | None = None

    @property
    def limit(self) -> int:
        """How many slots there are at this moment."""
        if self._width is not None:
            return self._width()
        return self._limit if self._auto is None else self._auto.limit

    def follow(self, model: LocalModel) -> None:
        """In ``auto``, have as many slots as a local model wants; it knows better than any probing."""
        self._noticing = model if isinstance(model, Noticing) else None
        if self._auto is not None:
            self._auto, self._width = None, lambda: model.width

    def attend(self, model: Served) -> None:
        """Know the servers that the slots are for."""
        self._served = model
        self._noticing = self._telling = model if isinstance(model, Telling) else None

    @property
    def notice(self) -> str:
        """What the requests wait for beside answers, or an empty text."""
        return self._noticing.notice if self._noticing is not None else ""

    @property
    def doubt(self) -> str:
        """What the user should know of the servers, or an empty text."""
        return self._telling.doubt if self._telling is not None else ""

    async def __aenter__(self) -> None:
        if self._in_use >= self.limit or self._waiting:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            self._hand_out()
            try:
                await turn
            except asyncio.CancelledError:
                # Cancelled between being handed the slot and waking up: nobody else knows of it.
                if turn.done() and not turn.cancelled():
                    self._give_slot_back()
                raise
        else:
            self._in_use += 1
        self._most_in_use = max(self._most_in_use, self._in_use)
        if self.halt.asked:
            self._give_slot_back()
            self.halt.check()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An error that passes here ends the run, with no record written: its slot goes to nobody.
        ends_the_run = error is not None and not isinstance(error, asyncio.CancelledError | Interrupted)
        if not ends_the_run or self.halt.asked:
            self._give_slot_back()

    def _give_slot_back(self) -> None:
        self._in_use -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self._in_use < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():  # who was cancelled while waiting is still in line
                # Counted here and not by whoever wakes up, or the same slot would be handed out twice meanwhile.
                self._in_use += 1
                turn.set_result(None)

    @property
    def in_use(self) -> int:
        """Slots taken at this moment."""
        return self._in_use

    @property
    def paused_s(self) -> float:
        """Seconds for which a rate limit still pauses everybody."""
        return max(0.0, self._paused_until - time.monotonic())

    async def open(self) -> None:
        """Wait while a rate limit pauses everybody, or there is no server."""
        while self.notice:
            await self.halt.sleep(_LOOK_EVERY_S)
        while (left := self._paused_until - time.monotonic()) > 0:
            await self.halt.sleep(left)

    def succeeded(self) -> None:
        """A request was answered: in ``auto``, make room for more."""
        self._failed_connections = 0
        self._ever_answered, self._limited_since = True, None
        if self._auto is None:
            return
        servers = len(self._served.addresses) if self._served is not None else 1
        if self._auto.answered(max(1, servers), self._most_in_use):
            self._most_in_use = self._in_use
            self._hand_out()

    def rate_limited(self, retry_after: float | None) -> None:
        """The server asked to slow down: pause everybody as long as it said and, in ``auto``, halve."""
        self._failed_connections = 0
        now = time.monotonic()
        self._limited_since = self._limited_since or now
        if retry_after:
            self._paused_until = max(self._paused_until, now + retry_after)
        if self._auto is not None:
            self._auto.rate_limited(now)

    @property
    def limited_s(self) -> float:
        """Seconds since the first rate limit with no answer since; 0 where there was none."""
        return 0.0 if self._limited_since is None else time.monotonic() - self._limited_since

    def connection_failed(self, error: ConnectionFailed, *, again: bool = False) -> None:
        """No answer came; `again` where that is the second time or more for this request.

        A server that drops the same request time and again may be there for all others: then only the first
        time counts, or a few samples that it cannot bear would stop the run.

        Raises:
            Stopped: It was the last of too many in a row.
        """
        if again and error.reached:
            return
        self._failed_connections += 1
        if self._failed_connections >= CONNECTION_FAILURES_IN_A_ROW:
            hint = "" if self._ever_answered else "; check the address, and that the server is up"
            raise Stopped(f"{self._failed_connections} requests in a row got no answer: {error}{hint}") from error

    def answered(self) -> None:
        """The server is there, even if it did not like the request."""
        self._failed_connections = 0
        self._ever_answered = True


async def persist(call: Callable[[], Awaitable[T]], gate: Gate, patience: Patience) -> T:
    """Try a request until it is answered or another try is pointless.

    Args:
        call: Sends the request.
        gate: Learns how the server answers.
        patience: How often and how long to try.

    Raises:
        RequestFailed: This request failed for good. Never a `Transient`.
        Stopped: The server is gone.
        Interrupted: The user stopped the run while this request waited for another try.
    """
    started = time.monotonic()
    failed_tries = rate_limits = 0
    while True:
        await gate.open()
        metering.sent(again=failed_tries + rate_limits > 0)
        try:
            async with gate.budget or nullcontext():
                result = await call()
        except RateLimited as error:
            _check_wait(error, patience)
            gate.rate_limited(error.retry_after)
            rate_limits += 1
            wait = patience.wait(rate_limits, error.retry_after)
            if time.monotonic() + wait - started > patience.rate_limit_s:
                if gate.limited_s + wait > patience.rate_limit_s:  # nobody else was answered either
                    raise Stopped(f"Nothing but rate limits for {gate.limited_s:,.0f} s: {error}") from error
                raise RequestFailed(f"still rate limited after {patience.rate_limit_s:.0f} s: {error}") from error
        except Transient as error:
            if isinstance(error, ConnectionFailed):
                gate.connection_failed(error, again=failed_tries > 0)
            else:
                gate.answered()
            _check_wait(error, patience)
            failed_tries += 1
            if failed_tries >= patience.tries:
                raise RequestFailed(f"{error} ({failed_tries} tries)") from error
            wait = patience.wait(failed_tries, error.retry_after)
        except RequestFailed:
            gate.answered()
            raise
        else:
            gate.succeeded()
            return result
        await gate.halt.sleep(wait)


def _check_wait(error: Transient, patience: Patience) -> None:
    """Stop where the server asks for a longer wait than anybody would sit through."""
    if error.retry_after is not None and error.retry_after > patience.rate_limit_s:
        raise Stopped(f"The server asks to wait {error.retry_after:,.0f} s: {error}") from error
