"""The bounded flow: many samples at once, few in memory, one stop for all. Knows no provider."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

from vlsbench.core import metering
from vlsbench.core.errors import Interrupted, RequestFailed, VLSBenchError
from vlsbench.core.protocols import Model, returned
from vlsbench.core.types import Prompt, Reply
from vlsbench.run.throttle import Gate, Halt, Patience, persist

T = TypeVar("T")

GRACE_S = 10.0
"""How long requests in flight may still finish after the user asked to stop."""


class PatientModel:
    """A model that tries again: wraps any `Model` with retries, and never raises `Transient`.

    Args:
        model: The model that sends the requests.
        gate: Learns how the server answers; the caller holds its slot.
        patience: How often and how long to try.
    """

    def __init__(self, model: Model, gate: Gate, patience: Patience) -> None:
        self.inner = model
        self._gate = gate
        self._patience = patience

    @property
    def name(self) -> str:
        """The wrapped model's reference."""
        return self.inner.name

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises:
            RequestFailed: For good. An error the model did not mean to raise counts as one, so that a
                bug in a user's model costs a sample and not the run.
            Stopped: The server is gone.
        """
        return await persist(lambda: self._once(prompt), self._gate, self._patience)

    async def _once(self, prompt: Prompt) -> Reply:
        try:
            reply = await self.inner.generate(prompt)
        except VLSBenchError:
            raise
        except Exception as error:
            raise RequestFailed(f"{type(error).__name__}: {error}") from error
        reply = returned(reply, Reply, "model")
        metering.replied(reply)
        return reply


async def drive(
    items: AsyncIterator[T], work: Callable[[T], Coroutine[Any, Any, None]], *, width: Callable[[], int], halt: Halt
) -> None:
    """Do some work for every item, at most `width()` at a time.

    Args:
        items: Read only when there is room, which is the back-pressure.
        work: Handles one item. Any exception stops the flow, so failures of single samples are its
            business; `Interrupted` is understood.
        width: How many items may be in work at this moment.
        halt: When asked, no new item starts and those in work get `GRACE_S` seconds.

    Raises:
        Interrupted: The user asked to stop.
        Exception: The first error of `work` or `items`; all other work is cancelled first.
    """
    crew = _Crew(work, halt)
    watcher = asyncio.create_task(halt.wait())
    watcher.add_done_callback(lambda _: crew.look())
    reader = asyncio.create_task(crew.take_in(items, width))
    reader.add_done_callback(crew.read_all)
    try:
        await crew.over.wait()
        reader.cancel()  # an item that is long in coming holds up neither the halt nor an error
        if halt.asked:
            await crew.finish_within(GRACE_S)
        crew.check()
        halt.check()
    finally:
        watcher.cancel()
        reader.cancel()
        await crew.cancel()
        await asyncio.wait([reader])


class _Crew:
    """The tasks in work: started here, watched here, none left behind."""

    def __init__(self, work: Callable[..., Coroutine[Any, Any, None]], halt: Halt) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.over = asyncio.Event()
        """Set once there is nothing more to wait for: all is done, something went wrong, or the user wants to stop."""
        self._work = work
        self._halt = halt
        self._ended = asyncio.Event()
        self._all_read = False
        self._error: BaseException | None = None

    async def take_in(self, items: AsyncIterator[object], width: Callable[[], int]) -> None:
        """Start the work on each item as long as there is room.

        One task reads them all: where items are at hand, as many start in one turn of the event loop as find room.
        """
        async for item in items:
            if self.over.is_set() or self._halt.asked:
                return
            self._start(item)
            while len(self.tasks) >= width():
                self._ended.clear()
                await self._ended.wait()

    def read_all(self, reader: asyncio.Task[None]) -> None:
        """The last item is in work, or reading failed."""
        self._all_read = True
        if not reader.cancelled():
            self._error = self._error or reader.exception()
        self.look()

    def _start(self, item: object) -> None:
        task = asyncio.create_task(self._work(item))
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self._ended.set()
        if not task.cancelled():
            error = task.exception()
            if error is not None and not isinstance(error, Interrupted) and self._error is None:
                self._error = error
        self.look()

    def look(self) -> None:
        """See whether there is anything left to wait for."""
        if self._halt.asked or self._error is not None or (self._all_read and not self.tasks):
            self.over.set()

    def check(self) -> None:
        """Raise what went wrong."""
        if self._error is not None:
            raise self._error

    async def finish_within(self, seconds: float) -> None:
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=seconds)

    async def cancel(self) -> None:
        for task in list(self.tasks):  # a copy: a task that ends takes itself out
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def run_to_end(session: Coroutine[Any, Any, T], halt: Halt) -> T:
    """Run a coroutine to its end; in a thread of its own where an event loop is running already (notebooks).

    Args:
        session: What to run.
        halt: Asked when Ctrl-C reaches the waiting notebook; a second one cancels the session. (Without a
            running loop that is the business of `stoppable`.)

    Raises:
        Interrupted: The session was cancelled again while it was coming to its end.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        return _run_aside(session, halt)
    try:
        return asyncio.run(session)
    except asyncio.CancelledError:
        raise Interrupted("Interrupted.") from None


def _run_aside(session: Coroutine[Any, Any, T], halt: Halt) -> T:
    aside = _Aside(session, halt)
    with _ctrl_c_calls(aside.stop):
        threading.Thread(target=aside.run, name="vlsbench").start()
        aside.over.wait()
    if aside.error is not None:
        raise aside.error
    return aside.results[0]


class _Aside(Generic[T]):
    """A session in another thread, which can be stopped from this one."""

    def __init__(self, session: Coroutine[Any, Any, T], halt: Halt) -> None:
        self.results: list[T] = []
        self.error: BaseException | None = None
        self.over = threading.Event()
        self._session = session
        self._halt = halt
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[T] | None = None

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                self.results.append(runner.run(self._watched()))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error
        finally:
            self.over.set()

    async def _watched(self) -> T:
        self._task = asyncio.current_task()
        return await self._session

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: the session is over anyway
            self._loop.call_soon_threadsafe(_ask_or_cancel, self._halt, self._task)


@contextlib.contextmanager
def _ctrl_c_calls(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C call a function instead of raising, at whatever moment it comes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)


def _ask_or_cancel(halt: Halt, task: asyncio.Task[Any] | None) -> None:
    """Politely the first time, at once the second."""
    if halt.asked and task is not None:
        task.cancel()
    halt.ask()


@contextlib.contextmanager
def stoppable(halt: Halt) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop the run politely, and a second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, _ask_or_cancel, halt, task)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            # Which sets Python's own handler, whatever there was before.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
