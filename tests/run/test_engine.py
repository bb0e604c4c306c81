from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap

import pytest

from builders import SRC
from vlsbench.core.errors import AccessDenied, Interrupted, RequestFailed
from vlsbench.core.types import Prompt, Reply, ResponseOutcome
from vlsbench.run import engine
from vlsbench.run.engine import PatientModel, drive, run_to_end
from vlsbench.run.throttle import Gate, Halt, Patience


async def numbers(n, read=None):
    for number in range(n):
        if read is not None:
            read.append(number)
        yield number


def run(items, work, *, width=3, halt=None):
    async def session():
        await drive(items, work, width=lambda: width, halt=halt or Halt())

    asyncio.run(session())


def test_every_item_is_worked_on_once():
    done = []

    async def work(item):
        await asyncio.sleep(0.001 * (item % 3))
        done.append(item)

    run(numbers(50), work)
    assert sorted(done) == list(range(50))


def test_nothing_to_do_is_done_at_once():
    done = []

    async def work(item):
        done.append(item)

    run(numbers(0), work)
    assert done == []


def test_no_more_items_are_in_work_or_even_read_than_there_is_room_for():
    read, working, most, most_read = [], 0, 0, 0

    async def work(item):
        nonlocal working, most, most_read
        working += 1
        most, most_read = max(most, working), max(most_read, len(read) - finished)
        await asyncio.sleep(0.001)
        working -= 1
        finish()

    finished = 0

    def finish():
        nonlocal finished
        finished += 1

    run(numbers(40, read), work, width=4)
    assert most == 4
    assert most_read <= 4


def test_one_error_stops_all_work_and_comes_out():
    cancelled = []

    async def work(item):
        if item == 2:
            raise AccessDenied("no key")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    with pytest.raises(AccessDenied, match="no key"):
        run(numbers(100), work)
    assert sorted(cancelled) == [0, 1]


def test_an_error_of_the_items_stops_all_work_and_comes_out():
    cancelled = []

    async def items():
        yield 0
        await asyncio.sleep(0.01)
        raise OSError("gone")

    async def work(item):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    with pytest.raises(OSError, match="gone"):
        run(items(), work)
    assert cancelled == [0]


def test_the_wish_to_stop_lets_work_finish_and_starts_nothing_new():
    started, finished = [], []

    async def session():
        halt = Halt()

        async def work(item):
            started.append(item)
            if item == 2:
                halt.ask()
            await asyncio.sleep(0.02)
            finished.append(item)

        with pytest.raises(Interrupted):
            await drive(numbers(100), work, width=lambda: 3, halt=halt)

    asyncio.run(session())
    assert started == finished
    assert len(started) <= 4


@pytest.mark.parametrize("what", ["a halt", "an error"])
def test_an_item_that_is_long_in_coming_holds_up_neither_the_halt_nor_an_error(what):
    closed = []

    async def items():
        yield 0
        try:
            await asyncio.sleep(3600)
            yield 1
        finally:
            closed.append(True)

    async def session():
        halt = Halt()

        async def work(item):
            await asyncio.sleep(0.01)
            if what == "an error":
                raise AccessDenied("no key")
            halt.ask()

        with pytest.raises(Interrupted if what == "a halt" else AccessDenied):
            await asyncio.wait_for(drive(items(), work, width=lambda: 3, halt=halt), 20)

    asyncio.run(session())
    assert closed == [True]


def test_work_that_does_not_finish_in_time_is_given_up(monkeypatch):
    monkeypatch.setattr(engine, "GRACE_S", 0.05)

    async def session():
        halt = Halt()

        async def work(item):
            halt.ask()
            await asyncio.sleep(60)

        with pytest.raises(Interrupted):
            await drive(numbers(3), work, width=lambda: 1, halt=halt)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(session())


def test_an_error_while_finishing_is_not_lost_behind_the_wish_to_stop():
    async def session():
        halt = Halt()

        async def work(item):
            halt.ask()
            await asyncio.sleep(0.01)
            raise AccessDenied("no key")

        await drive(numbers(3), work, width=lambda: 1, halt=halt)

    with pytest.raises(AccessDenied):
        asyncio.run(session())


def ask(generate):
    class Model:
        name = "m"

    Model.generate = generate
    model = PatientModel(Model(), Gate(1, Halt()), Patience(tries=2, base_s=0, cap_s=0))
    return asyncio.run(model.generate(Prompt(text="?")))


@pytest.mark.parametrize("error", [ValueError("bad"), KeyError("x"), ZeroDivisionError(), RecursionError("deep")])
def test_an_exception_in_a_model_becomes_a_failed_request(error):
    async def generate(self, prompt):
        raise error

    with pytest.raises(RequestFailed, match=type(error).__name__):
        ask(generate)


@pytest.mark.parametrize("said", [None, "just a text", {"outcome": "ok"}])
def test_a_model_that_gives_back_no_reply_fails_that_request(said):
    async def generate(self, prompt):
        return said

    with pytest.raises(RequestFailed, match=f"instead of a Reply.*{type(said).__name__}"):
        ask(generate)


def test_a_run_may_be_started_from_within_an_event_loop():
    async def session():
        return asyncio.get_running_loop()

    async def notebook():
        assert run_to_end(session(), Halt()) is not asyncio.get_running_loop()

    asyncio.run(notebook())


def test_errors_come_out_of_a_run_started_from_within_an_event_loop():
    async def session():
        raise AccessDenied("no key")

    async def notebook():
        with pytest.raises(AccessDenied, match="no key"):
            run_to_end(session(), Halt())

    asyncio.run(notebook())


NOTEBOOK = """
    import asyncio, signal
    from vlsbench.run.engine import drive, run_to_end, stoppable
    from vlsbench.core.errors import Interrupted
    from vlsbench.run.throttle import Halt

    halt = Halt()
    finished = []

    async def items():
        for number in range(1000):
            yield number

    async def work(item):
        print("working", flush=True)
        await asyncio.sleep({seconds})
        finished.append(item)

    async def session():
        with stoppable(halt):
            try:
                await drive(items(), work, width=lambda: 1, halt=halt)
            except asyncio.CancelledError:
                raise Interrupted("at once") from None

    async def cell():
        try:
            run_to_end(session(), halt)
        except Interrupted as error:
            print(f"stopped after {{len(finished)}}: {{error}}", flush=True)

    asyncio.new_event_loop().run_until_complete(cell())
"""


@pytest.mark.parametrize(("seconds", "signals", "outcome"), [(0.5, 1, "stopped after 1"), (60, 2, "stopped after 0")])
def test_ctrl_c_in_a_notebook_stops_the_run_and_a_second_one_at_once(seconds, signals, outcome):
    code = textwrap.dedent(NOTEBOOK).format(seconds=seconds)
    command = [sys.executable, "-W", "ignore", "-c", code]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(SRC)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            assert process.stdout.readline() == "working\n"
            process.send_signal(signal.SIGINT)
            if signals == 2:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(0.4)
                process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
        rest = process.stdout.read()
    assert rest.startswith(outcome)


def test_replies_pass_through_unchanged():
    reply = Reply(outcome=ResponseOutcome.OK, text="yes")

    async def generate(self, prompt):
        return reply

    assert ask(generate) is reply
