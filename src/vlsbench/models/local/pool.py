"""Prepared requests that wait for a batch, and which of them make a good one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vlsbench.core.errors import RequestFailed, VLSBenchError

Request = TypeVar("Request")
Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_BYTES = 512 * 1024 * 1024
_PATIENCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Generic[Item]):
    """A prepared request: its `length` (any unit, for sorting), its `n_bytes`, and with whom it may share a batch."""

    item: Item
    length: int
    n_bytes: int = 0
    group: Hashable = None


class Waiting(Generic[Request, Item, Result]):
    """A request on its way: who waits for it, and what it became when it was prepared."""

    __slots__ = ("future", "passed_over", "ready", "request")

    def __init__(self, request: Request, future: asyncio.Future[Result]) -> None:
        self.request = request
        self.future = future
        self.ready: Ready[Item]
        self.passed_over = 0

    def finish(self, result: Result | RequestFailed) -> None:
        """Hand over the result, unless nobody waits any more."""
        if self.future.done():
            return
        if isinstance(result, RequestFailed):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Hand over an error; one that is not ours becomes a `RequestFailed`."""
        if not self.future.done():
            ours = isinstance(error, VLSBenchError)
            self.future.set_exception(error if ours else RequestFailed(f"{type(error).__name__}: {error}"))


class Pool(Generic[Request, Item, Result]):
    """The prepared requests, in the order of their arrival."""

    def __init__(self) -> None:
        self._entries: list[Waiting[Request, Item, Result]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Waiting[Request, Item, Result]) -> None:
        """Put a prepared request at the end."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget them all."""
        self._entries.clear()

    def drop_cancelled(self) -> None:
        """Forget those for which nobody waits any more."""
        self._entries = [entry for entry in self._entries if not entry.future.done()]

    def is_full(self, size: int) -> bool:
        """Whether no more should be prepared for batches of `size`.

        Twice the batch leaves something to choose from; the bytes bound what decoded images may take.
        """
        return len(self) >= 2 * size or sum(entry.ready.n_bytes for entry in self._entries) >= _MOST_BYTES

    def take(self, size: int, *, full_only: bool) -> list[Waiting[Request, Item, Result]]:
        """Take a batch: one group, neighbours in length, the longest-waiting request first served.

        Args:
            size: Requests in a full batch.
            full_only: Take nothing where no group fills a batch.
        """
        if not self._entries:
            return []
        oldest = self._entries[0]
        sizes = Counter(entry.ready.group for entry in self._entries)
        if full_only and sizes[oldest.ready.group] < size:
            if max(sizes.values()) < size:
                return []
            if oldest.passed_over < _PATIENCE:
                oldest = next(entry for entry in self._entries if sizes[entry.ready.group] >= size)
        members = [entry for entry in self._entries if entry.ready.group == oldest.ready.group]
        members.sort(key=lambda entry: entry.ready.length)
        middle = members.index(oldest)
        starts = range(max(0, middle - size + 1), min(middle, max(0, len(members) - size)) + 1)
        chosen = min((members[i : i + size] for i in starts), key=_spread)
        taken = set(map(id, chosen))
        self._entries = [entry for entry in self._entries if id(entry) not in taken]
        for entry in self._entries:
            entry.passed_over += 1
        return chosen


def _spread(entries: list[Waiting[Any, Any, Any]]) -> int:
    return int(entries[-1].ready.length - entries[0].ready.length)
