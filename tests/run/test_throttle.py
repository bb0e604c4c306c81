from __future__ import annotations

import asyncio
import time

import pytest

from vlsbench.core.errors import ConnectionFailed, Interrupted, RateLimited, RequestFailed, Stopped, Transient
from vlsbench.run.climb import AUTO_MAX, AUTO_START
from vlsbench.run.throttle import CONNECTION_FAILURES_IN_A_ROW, Gate, Halt, Patience, persist

AT_ONCE = Patience(tries=4, base_s=0.0001, cap_s=0.0001, rate_limit_s=0.2)


class Server:
    """Gives back or raises one thing after the other."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.asked = 0

    async def __call__(self):
        self.asked += 1
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, BaseException):
            raise reply
        return reply


def ask(server, *, gate=None, patience=AT_ONCE):
    async def session():
        return await persist(server, gate or Gate(1, Halt()), patience)

    return asyncio.run(session())


async def most_at_once(gate, tasks=50):
    inside = most = 0

    async def one():
        nonlocal inside, most
        async with gate:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(tasks)))
    return most


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_gate_lets_through_its_limit_and_no_more(limit):
    assert asyncio.run(most_at_once(Gate(limit, Halt()))) == limit


def test_auto_starts_small():
    assert asyncio.run(most_at_once(Gate("auto", Halt()))) == AUTO_START


def test_auto_doubles_with_each_round_of_answers_until_the_first_rate_limit():
    gate = Gate("auto", Halt())
    for _ in range(AUTO_START):
        gate.succeeded()
    assert gate.limit == 2 * AUTO_START


def test_auto_halves_on_a_rate_limit_and_then_grows_by_one_a_round():
    gate = Gate("auto", Halt())
    for _ in range(16):
        gate.succeeded()
    gate.rate_limited(None)
    assert gate.limit == 10
    for _ in range(9):
        gate.succeeded()
    assert gate.limit == 10
    gate.succeeded()
    assert gate.limit == 11


def test_a_burst_of_rate_limits_halves_once_and_later_ones_go_down_to_one(monkeypatch):
    now = 100.0
    monkeypatch.setattr("vlsbench.run.throttle.time.monotonic", lambda: now)
    gate = Gate("auto", Halt())
    for _ in range(3):
        gate.rate_limited(None)
    assert gate.limit == AUTO_START // 2
    for _ in range(5):
        now += 2
        gate.rate_limited(None)
    assert gate.limit == 1


def test_auto_has_a_ceiling():
    gate = Gate("auto", Halt())
    for _ in range(1000):
        gate.succeeded()
    assert gate.limit == AUTO_MAX


class Places:
    """Servers of a model, of which there may come more."""

    roots: tuple[str, ...] = ()
    notice = ""

    def __init__(self, n):
        self.addresses = [f"http://{number}:1/v1" for number in range(n)]

    async def meet(self):
        raise NotImplementedError


def test_the_ceiling_is_that_of_each_server_also_of_those_that_come_later():
    gate, places = Gate("auto", Halt()), Places(3)
    gate.attend(places)
    for _ in range(1000):
        gate.succeeded()
    assert gate.limit == 3 * AUTO_MAX
    places.addresses.append("http://late:1/v1")
    for _ in range(1000):
        gate.succeeded()
    assert gate.limit == 4 * AUTO_MAX


def test_where_all_slots_are_used_and_answers_come_faster_auto_goes_on(monkeypatch):
    now = 100.0
    monkeypatch.setattr("vlsbench.run.throttle.time.monotonic", lambda: now)

    async def session():
        nonlocal now
        gate = Gate("auto", Halt())
        for _ in range(60):
            gate.succeeded()
        most = 0
        for _ in range(3000):
            while gate.in_use < gate.limit:
                await gate.__aenter__()
            now += 1 / min(gate.limit, 500)  # the server works on 500 at a time, a second each
            gate.succeeded()
            await gate.__aexit__(None, None, None)
            most = max(most, gate.limit)
        return gate.limit, most

    assert asyncio.run(session()) == (512, 1024)


def test_a_rate_limit_beyond_the_ceiling_is_remembered(monkeypatch):
    gate = Gate("auto", Halt())
    for _ in range(1000):
        gate.succeeded()
    gate.rate_limited(None)
    for _ in range(64 * 64):
        gate.succeeded()
    assert gate.limit == AUTO_MAX


def test_a_fixed_limit_stays_as_it_is():
    gate = Gate(7, Halt())
    for _ in range(100):
        gate.succeeded()
    gate.rate_limited(None)
    assert gate.limit == 7


def test_a_growing_gate_lets_those_who_wait_in():
    async def session():
        gate = Gate("auto", Halt())
        inside = asyncio.Semaphore(0)

        async def one():
            async with gate:
                inside.release()
                await asyncio.Event().wait()

        tasks = [asyncio.create_task(one()) for _ in range(AUTO_START + 1)]
        for _ in range(AUTO_START):
            await inside.acquire()
        assert inside.locked()
        gate.succeeded()
        await asyncio.wait_for(inside.acquire(), 5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await most_at_once(Gate(2, Halt()), 4)

    asyncio.run(session())


def test_slots_of_cancelled_requests_come_back():
    async def session():
        gate = Gate(2, Halt())

        async def one():
            async with gate:
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(one()) for _ in range(6)]
        for order in ((5, 3), (0, 1, 2, 4)):
            await asyncio.sleep(0)
            for number in order:
                tasks[number].cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        return await most_at_once(gate)

    assert asyncio.run(session()) == 2


def test_nobody_enters_once_the_run_should_stop():
    async def session():
        halt = Halt()
        gate = Gate(1, halt)
        halt.ask()
        with pytest.raises(Interrupted):
            async with gate:
                pytest.fail("entered")
        with pytest.raises(Interrupted):
            async with gate:
                pytest.fail("entered")

    asyncio.run(session())


def test_an_answer_is_given_back():
    assert ask(Server("yes")) == "yes"


def test_failures_that_may_mend_are_tried_again():
    server = Server(Transient("500"), ConnectionFailed("reset"), Transient("502"), "yes")
    assert ask(server) == "yes"
    assert server.asked == 4


def test_patience_ends_after_so_many_tries():
    server = Server(Transient("HTTP 500"))
    with pytest.raises(RequestFailed, match=r"HTTP 500 \(4 tries\)") as failed:
        ask(server)
    assert not isinstance(failed.value, Transient)
    assert server.asked == 4


def test_failures_that_will_not_mend_are_not_tried_again():
    server = Server(RequestFailed("HTTP 400"))
    with pytest.raises(RequestFailed, match="HTTP 400"):
        ask(server)
    assert server.asked == 1


def test_rate_limits_do_not_use_up_the_tries():
    server = Server(*[RateLimited("HTTP 429")] * 20, "yes")
    assert ask(server, patience=Patience(tries=2, base_s=0, cap_s=0)) == "yes"
    assert server.asked == 21


def test_a_rate_limit_that_does_not_end_costs_the_request_where_others_are_answered():
    gate = Gate(1, Halt())

    class Starving(Server):
        async def __call__(self):
            gate.succeeded()  # somebody else's request
            return await super().__call__()

    with pytest.raises(RequestFailed, match="still rate limited after 0 s") as failed:
        ask(Starving(RateLimited("HTTP 429")), gate=gate, patience=Patience(base_s=0, cap_s=0, rate_limit_s=0.02))
    assert not isinstance(failed.value, Transient)


def test_nothing_but_rate_limits_stops_the_run():
    with pytest.raises(Stopped, match="Nothing but rate limits"):
        ask(Server(RateLimited("HTTP 429")))


@pytest.mark.parametrize("kind", [RateLimited, Transient])
def test_a_server_that_wants_hours_stops_the_run(kind):
    server = Server(kind("come back later", retry_after=86_400.0))
    with pytest.raises(Stopped, match=r"asks to wait 86,400 s: come back later"):
        ask(server, patience=Patience())
    assert server.asked == 1


def test_a_rate_limit_holds_everybody_back_for_as_long_as_the_server_said():
    async def session():
        gate = Gate(2, Halt())
        gate.rate_limited(0.05)
        before = time.monotonic()
        await persist(Server("yes"), gate, AT_ONCE)
        return time.monotonic() - before

    assert asyncio.run(session()) >= 0.045


def test_a_server_that_is_gone_stops_the_run():
    gate = Gate(1, Halt())
    server = Server(ConnectionFailed("refused"))
    with pytest.raises(Stopped, match=f"{CONNECTION_FAILURES_IN_A_ROW} requests in a row got no answer: refused"):
        ask(server, gate=gate, patience=Patience(tries=1000, base_s=0, cap_s=0))
    assert server.asked == CONNECTION_FAILURES_IN_A_ROW == 20


@pytest.mark.parametrize("sign", ["yes", Transient("HTTP 500"), RateLimited("HTTP 429"), RequestFailed("HTTP 400")])
def test_any_answer_shows_that_the_server_is_there(sign):
    gate = Gate(1, Halt())
    impatient = Patience(tries=1, base_s=0, cap_s=0, rate_limit_s=0)
    for _ in range(3):
        for _ in range(CONNECTION_FAILURES_IN_A_ROW - 1):
            with pytest.raises(RequestFailed, match="refused"):
                ask(Server(ConnectionFailed("refused")), gate=gate, patience=impatient)
        try:
            ask(Server(sign), gate=gate, patience=impatient)
        except (RequestFailed, Stopped):
            assert sign != "yes"


def test_a_wait_for_another_try_ends_when_the_user_stops():
    async def session():
        halt = Halt()
        gate = Gate(1, halt)
        patience = Patience(base_s=1000, cap_s=1000)
        waiting = asyncio.create_task(persist(Server(RateLimited("429", retry_after=500.0)), gate, patience))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        halt.ask()
        with pytest.raises(Interrupted):
            await asyncio.wait_for(waiting, 10)

    asyncio.run(session())


def test_waits_are_jittered_grow_to_a_cap_and_never_undercut_the_server():
    patience = Patience(base_s=1, cap_s=8)
    for failed_tries, cap in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (5000, 8)):
        waits = [patience.wait(failed_tries, None) for _ in range(200)]
        assert 0 <= min(waits) < cap / 4
        assert cap * 3 / 4 < max(waits) <= cap
        assert all(3 <= patience.wait(failed_tries, 3.0) <= 4 for _ in range(20))
