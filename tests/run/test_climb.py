"""Whether the search for the right number of requests at once finds it, on a server that is simulated."""

from __future__ import annotations

import heapq
import random

import pytest

from vlsbench.run.climb import AGAIN_S, MOST, Climb

START = 64


def answers_per_s(at_once: int, bears: int, latency_s: float) -> float:
    return min(at_once, bears) / latency_s


def climbed(bears: int, *, seconds: float, spread: float = 0.0, latency_s: float = 1.0, is_full: bool = True) -> int:
    """Where it stands after a while on a server that works on `bears` requests at a time and lets others wait.

    Args:
        spread: Latencies vary so much, as a share.
    """
    rng = random.Random(bears)
    climb, limit, sent, now = Climb(), START, 0, 0.0
    free = [0.0] * bears  # when each place of the server is free
    on_their_way: list[float] = []
    while now < seconds:
        while sent < limit:
            begin = max(now, heapq.heappop(free))
            end = begin + latency_s * rng.uniform(1 - spread, 1 + spread)
            heapq.heappush(free, end)
            heapq.heappush(on_their_way, end)
            sent += 1
        now = heapq.heappop(on_their_way)
        sent -= 1
        limit = climb.answered(limit, is_full=is_full, now=now)
    return limit


@pytest.mark.parametrize("bears", [8, 64, 100, 150, 400, 512, 600, 1500])
@pytest.mark.parametrize("spread", [0.0, 0.3, 0.8])
def test_it_finds_nine_tenths_of_what_the_server_can_do(bears: int, spread: float) -> None:
    found = climbed(bears, seconds=50, spread=spread)
    assert answers_per_s(found, bears, 1.0) >= 0.9 * answers_per_s(10_000, bears, 1.0)


@pytest.mark.parametrize("bears", [8, 64, 512])
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_it_does_not_heap_up_requests_that_only_wait(bears: int, spread: float) -> None:
    assert climbed(bears, seconds=50, spread=spread) <= max(START, 2 * bears)


def test_it_never_asks_for_more_than_memory_is_meant_for() -> None:
    assert climbed(10**5, seconds=120) == MOST


def test_a_limit_beyond_that_stays_as_it_is() -> None:
    climb = Climb()
    assert climb.answered(4 * MOST, is_full=True, now=1.0) == 4 * MOST


def test_where_nobody_asks_for_as_much_nothing_is_concluded() -> None:
    assert climbed(512, seconds=50, is_full=False) == START


def test_after_a_try_in_vain_it_waits_before_the_next() -> None:
    assert climbed(64, seconds=AGAIN_S / 2) == START


def test_other_servers_are_tried_at_once() -> None:
    climb = Climb()
    climb.rest(now=0.0)
    climb.reset()
    limit = START
    for number in range(4 * START):
        limit = climb.answered(limit, is_full=True, now=1.0 + number / START)
    assert limit == 2 * START
