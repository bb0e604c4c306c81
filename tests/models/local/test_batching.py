"""The batcher, with an engine made of plain Python."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
import weakref
from collections.abc import Coroutine, Sequence

import pytest

from vlsbench.core.errors import RequestFailed
from vlsbench.models.local.batching import Batcher
from vlsbench.models.local.pool import Ready
from vlsbench.models.local.preparing import Outcomes, Preparer


class Engine:
    """Doubles numbers; fits `room` of them into memory at once; records every batch it ran."""

    def __init__(self, room: int = 1000, pause_s: float = 0.0) -> None:
        self.room = room
        self.pause_s = pause_s
        self.batches: list[list[int]] = []
        self.prepared: list[int] = []
        self.threads: set[str] = set()
        self.stopped = threading.Event()
        self.growing = False

    def prepare(self, request: int) -> Ready[int]:
        if request < 0:
            raise ValueError(f"{request} is negative")
        self.prepared.append(request)
        return Ready(item=request, length=request, group=request % 2 if request >= 1000 else 0)

    def collate(self, items: Sequence[int]) -> list[int]:
        if 666 in items:
            raise ValueError("666 cannot be collated")
        return list(items)

    def run(self, batch: list[int]) -> list[int | RequestFailed]:
        self.threads.add(threading.current_thread().name)
        if len(batch) > self.room:
            raise MemoryError
        if 13 in batch:
            raise KeyError("13 breaks the engine")
        self.stopped.wait(self.pause_s)
        self.batches.append(batch)
        return [RequestFailed("too long") if item == 99 else 2 * item for item in batch]

    def is_out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, MemoryError)

    def may_double(self) -> bool:
        return self.growing

    def stop(self) -> None:
        self.stopped.set()


def ask(engine: Engine, requests: Sequence[int], **settings: float) -> list[int | BaseException]:
    async def main() -> list[int | BaseException]:
        batcher: Batcher[int, int, list[int], int] = Batcher(engine, **{"size": 4, **settings})  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(20):
                return await asyncio.gather(*map(batcher.submit, requests), return_exceptions=True)
        finally:
            await batcher.close()

    return asyncio.run(main())


def test_every_request_gets_its_own_answer() -> None:
    assert ask(Engine(), range(10)) == [2 * i for i in range(10)]


def test_batches_are_full_and_hold_neighbours_in_length() -> None:
    engine = Engine(pause_s=0.1)
    ask(engine, [0, 1, 2, 3, 4, 50, 5, 51, 6, 52, 7, 53])  # the first four meet an idle engine
    assert sorted(map(sorted, engine.batches)) == [[0, 1, 2, 3], [4, 5, 6, 7], [50, 51, 52, 53]]


def test_requests_go_to_the_threads_and_back_a_batch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[int] = []
    prepare = Preparer.prepare

    def counted(self: Preparer[int, int], requests: Sequence[int]) -> Coroutine[None, None, Outcomes[int]]:
        handed.append(len(requests))
        return prepare(self, requests)

    monkeypatch.setattr(Preparer, "prepare", counted)
    assert ask(Engine(), range(200, 264), size=16) == [2 * i for i in range(200, 264)]
    assert handed == [16, 16, 16, 16]


def test_requests_with_many_pixels_come_back_before_the_batch_is_whole() -> None:
    class Photographs(Engine):
        def prepare(self, request: int) -> Ready[int]:
            return dataclasses.replace(super().prepare(request), n_bytes=40 * 1024 * 1024)

    async def main() -> int:
        preparer = Preparer(Photographs().prepare)
        outcomes = await preparer.prepare(range(16))
        preparer.stop()
        preparer.join()
        return len(outcomes.each)

    assert asyncio.run(main()) == 2
    assert ask(Photographs(), range(200, 264), size=16) == [2 * i for i in range(200, 264)]


class Hanging(Engine):
    """Does not come back from preparing what is over 900."""

    def __init__(self) -> None:
        super().__init__()
        self.forever = threading.Event()
        self.others = set(threading.enumerate())

    def prepare(self, request: int) -> Ready[int]:
        if request > 900:
            self.forever.wait(30)
        return super().prepare(request)

    def release(self) -> None:
        """Let the threads that were left behind end."""
        self.forever.set()
        for thread in set(threading.enumerate()) - self.others:
            if thread.name == "vlsbench-prepare":
                thread.join(5)


def test_a_request_that_hangs_while_it_is_prepared_fails_alone() -> None:
    engine = Hanging()
    results = ask(engine, [201, 202, 901, *range(203, 220)], prepare_limit_s=0.2)
    engine.release()
    assert isinstance(results[2], RequestFailed)
    assert "does not end within 0.2 s" in str(results[2])
    assert [r for r in results if not isinstance(r, BaseException)] == [2 * i for i in range(201, 220)]


def test_a_model_whose_requests_hang_time_and_again_is_asked_no_more() -> None:
    engine = Hanging()
    results = ask(engine, [901, 902, 903, *range(200, 240)], prepare_limit_s=0.2)
    engine.release()
    assert all("within 0.2 s" in str(result) for result in results[:3])
    assert all("asked no more" in str(result) for result in results[3:])


def test_groups_never_mix() -> None:
    engine = Engine()
    ask(engine, range(1000, 1020))
    assert all(len({item % 2 for item in batch}) == 1 for batch in engine.batches)


def test_a_lone_group_does_not_wait_for_the_others_to_end() -> None:
    engine = Engine()
    ask(engine, [1000, *range(1001, 1201, 2)])
    assert [1000] in engine.batches[:8]


def test_a_request_that_cannot_be_prepared_fails_alone() -> None:
    results = ask(Engine(), [1, -1, 2])
    assert results[0] == 2
    assert results[2] == 4
    assert isinstance(results[1], RequestFailed)
    assert "negative" in str(results[1])


@pytest.mark.parametrize("bad", [666, 13, 99])
def test_a_request_that_breaks_its_batch_fails_alone(bad: int) -> None:
    results = ask(Engine(), [10, 11, bad, 12])
    assert isinstance(results[2], RequestFailed)
    assert [r for i, r in enumerate(results) if i != 2] == [20, 22, 24]


def test_running_out_of_memory_halves_the_batch_and_goes_on() -> None:
    engine = Engine(room=3)
    assert ask(engine, range(20, 60), size=8) == [2 * i for i in range(20, 60)]
    assert max(map(len, engine.batches)) <= 3


def test_what_a_failed_batch_held_is_free_before_the_next_try() -> None:
    class Tensor:
        pass

    class Big(Engine):
        held: weakref.ref[Tensor] | None = None
        freed: bool | None = None

        def run(self, batch: list[int]) -> list[int | RequestFailed]:
            if self.held is None:
                tensor = Tensor()
                self.held = weakref.ref(tensor)
                try:
                    raise KeyError("inner")
                except KeyError:
                    raise MemoryError from None
            if self.freed is None:
                self.freed = self.held() is None
            return super().run(batch)

    engine = Big()
    assert ask(engine, [1, 2, 3, 4]) == [2, 4, 6, 8]
    assert engine.freed


def test_out_of_memory_at_batch_one_fails_the_request_and_the_rest_goes_on() -> None:
    class Picky(Engine):
        def run(self, batch: list[int]) -> list[int | RequestFailed]:
            if 77 in batch:
                raise MemoryError
            return super().run(batch)

    results = ask(Picky(), [70, 77, 71, 72, 73])
    assert isinstance(results[1], RequestFailed)
    assert "memory" in str(results[1])
    assert [results[i] for i in (0, 2, 3, 4)] == [140, 142, 144, 146]


def test_the_batch_grows_only_while_the_engine_agrees() -> None:
    engine = Engine()
    engine.growing = True
    ask(engine, range(200), size=2, ceiling=16)
    assert max(map(len, engine.batches)) == 16
    modest = Engine()
    ask(modest, range(200), size=2, ceiling=16)
    assert max(map(len, modest.batches)) == 2


def test_the_next_batch_is_prepared_while_the_present_one_runs() -> None:
    engine = Engine(pause_s=0.2)

    async def main() -> int:
        batcher: Batcher[int, int, list[int], int] = Batcher(engine, size=4)
        tasks = [asyncio.create_task(batcher.submit(i)) for i in range(8)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        prepared = len(engine.prepared)
        await asyncio.gather(*tasks)
        await batcher.close()
        return prepared

    assert asyncio.run(main()) == 8
    assert len(engine.threads) == 1


def test_the_event_loop_stays_free_while_the_engine_works() -> None:
    class Busy(Engine):
        def prepare(self, request: int) -> Ready[int]:
            time.sleep(0.02)
            return super().prepare(request)

    engine = Busy(pause_s=0.3)
    longest = 0.0

    async def main() -> None:
        nonlocal longest
        batcher: Batcher[int, int, list[int], int] = Batcher(engine, size=4)
        work = asyncio.gather(*map(batcher.submit, range(8)))
        while not work.done():
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before)
        await batcher.close()

    asyncio.run(main())
    assert longest < 0.2


def test_cancelled_requests_are_dropped() -> None:
    engine = Engine(pause_s=0.1)

    async def main() -> list[int]:
        batcher: Batcher[int, int, list[int], int] = Batcher(engine, size=2)
        tasks = [asyncio.create_task(batcher.submit(i)) for i in range(10)]
        await asyncio.sleep(0.05)
        for task in tasks[4:]:
            task.cancel()
        done = await asyncio.gather(*tasks[:4])
        more = await batcher.submit(50)
        await batcher.close()
        return [*done, more]

    assert asyncio.run(main()) == [0, 2, 4, 6, 100]
    assert sum(map(len, engine.batches)) < 9


def test_closing_stops_the_engine_and_cancels_what_waits() -> None:
    engine = Engine(pause_s=30)

    async def main() -> list[int | BaseException]:
        batcher: Batcher[int, int, list[int], int] = Batcher(engine, size=2)
        tasks = [asyncio.create_task(batcher.submit(i)) for i in range(6)]
        await asyncio.sleep(0.1)
        await batcher.close()
        await batcher.close()
        with pytest.raises(RuntimeError, match="closed"):
            await batcher.submit(1)
        async with asyncio.timeout(5):
            return await asyncio.gather(*tasks, return_exceptions=True)

    started, before = time.monotonic(), set(threading.enumerate())
    assert all(isinstance(result, asyncio.CancelledError) for result in asyncio.run(main()))
    assert time.monotonic() - started < 5
    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("vlsbench-")]


def test_one_batcher_serves_one_event_loop_after_another() -> None:
    batcher: Batcher[int, int, list[int], int] = Batcher(Engine(), size=2)

    async def once(number: int) -> int:
        return await batcher.submit(number)

    assert asyncio.run(once(1)) == 2
    assert asyncio.run(once(2)) == 4
    asyncio.run(batcher.close())
