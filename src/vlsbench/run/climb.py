"""How many requests at once ``auto`` makes.

It starts slowly, halves on a rate limit and grows by one a round after that; and it goes beyond the usual number as
long as answers per second rise.

A server works on so many requests at a time and lets the others wait, so more requests at once give more answers per
second up to a point, and then nothing. The number is doubled, the answers are counted in both settings, and the larger
one is kept only if it gives more.
"""

from __future__ import annotations

import time

AUTO_START = 4
AUTO_MAX = 64
"""Requests at once to one server that ``auto`` may come to without asking whether it is worth it."""

MOST = 2048
"""No more requests at once than this are tried: each holds its picture in memory."""

WORTH = 1.08
"""A doubling is kept if answers per second rise by this factor at least; counts of a hundred are worth no finer one."""

AGAIN_S = 60.0
"""After a doubling that was worth nothing, the next try: servers come, and others leave off using them."""


class Climb:
    """Decides on doublings by what they bring."""

    def __init__(self) -> None:
        self._before: tuple[int, float] | None = None
        self._rests_until = float("-inf")
        self._start(0)

    def _start(self, in_flight: int) -> None:
        """Begin to measure, once the requests on their way at this moment are answered."""
        self._to_skip = in_flight
        self._counted = 0
        self._since = 0.0

    def reset(self) -> None:
        """What was measured no longer holds: there are other servers."""
        self._before, self._rests_until = None, float("-inf")
        self._start(0)

    def rest(self, now: float | None = None) -> None:
        """Try no more for a while: the servers asked for less."""
        self._before, self._rests_until = None, (time.monotonic() if now is None else now) + AGAIN_S
        self._start(0)

    def answered(self, limit: int, *, is_full: bool, now: float | None = None) -> int:
        """One more answer; how many slots there should be.

        Args:
            limit: How many there are.
            is_full: Whether all of them have been in use together.
            now: Seconds on a clock, for tests.
        """
        now = time.monotonic() if now is None else now
        if now < self._rests_until:
            return limit
        if self._to_skip > 0 or not self._since:
            self._to_skip -= 1
            self._since = now
            return limit
        self._counted += 1
        if self._counted < limit or now <= self._since:
            return limit
        if not is_full:
            self._start(0)  # nobody asks for as much, so the count says nothing
            return limit
        return self._decide(limit, self._counted / (now - self._since), now)

    def _decide(self, limit: int, rate: float, now: float) -> int:
        if self._before is not None and rate < WORTH * self._before[1]:
            limit = self._before[0]
            self.rest(now)
            return limit
        self._before = (limit, rate)
        self._start(limit)
        return max(limit, min(MOST, 2 * limit))


class AutoLimit:
    """The number of slots of a gate that is left to find it."""

    def __init__(self) -> None:
        self.limit = AUTO_START
        self._servers = 1
        self._borne = AUTO_MAX
        self._climb = Climb()
        self._slow_start = True
        self._good_since_change = 0
        self._last_cut = float("-inf")

    def answered(self, servers: int, most_in_use: int) -> bool:
        """A request was answered; whether there are other slots now.

        Args:
            servers: How many there are.
            most_in_use: The most slots that were in use together since the last change.
        """
        before = self.limit
        if servers != self._servers:
            self._servers, self._borne, self._slow_start = servers, AUTO_MAX * servers, True
            self._climb.reset()
        if self.limit >= self._borne:
            self.limit = self._borne = self._climb.answered(self.limit, is_full=most_in_use >= self.limit)
            return self.limit != before
        self._good_since_change += 1
        if self._slow_start or self._good_since_change >= self.limit:
            self.limit += 1
            self._good_since_change = 0
        return self.limit != before

    def rate_limited(self, now: float) -> None:
        """The servers asked for less."""
        # Requests sent before the last cut say nothing about the new limit: one cut per second at most.
        if now - self._last_cut > 1.0:
            self.limit = max(1, self.limit // 2)
            self._last_cut, self._good_since_change, self._slow_start = now, 0, False
            self._climb.rest(now)
