"""Makes the cells of a sweep: those of one place one after the other, those of different places at once."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vlsbench import models
from vlsbench.core.errors import BatchesOut, Interrupted, UserError, VLSBenchError
from vlsbench.core.protocols import Closing
from vlsbench.run.batches.rounds import is_out, left_behind
from vlsbench.run.engine import run_to_end, stoppable
from vlsbench.run.loading import Loader, Shared
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Halt
from vlsbench.sweep.cells import LocalKey, Making, SweepCell

SLOTS = 64
"""Requests on their way at once, over all servers."""

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of a cell: `error` says why it failed, `waiting` what it waits for; both are empty where it did not.

    `passed_over` cells were finished before. `unscored_share` is the largest share of samples that a judge left
    unscored, between 0 and 1.
    """

    cell: SweepCell
    error: str = ""
    waiting: str = ""
    passed_over: bool = False
    unscored_share: float = 0.0

    @property
    def is_made(self) -> bool:
        """Whether it neither failed nor waits."""
        return not self.error and not self.waiting

    def to_json(self) -> dict[str, object]:
        """The object of a cell in ``vlsbench sweep --json``."""
        return {
            "name": self.cell.name,
            "path": str(self.cell.path),
            "failed": self.error or None,
            "waiting": self.waiting or None,
            "passed_over": self.passed_over,
            "unscored_share": self.unscored_share,
        }


def make_all(
    cells: Sequence[SweepCell],
    *,
    slots: int = SLOTS,
    fresh: bool = False,
    progress: Progress | None = None,
    log: Log = lambda _line: None,
) -> list[Made]:
    """Make or continue every cell; one that fails is reported, and the others go on.

    Args:
        cells: What `vlsbench.sweep.planning.plan_sweep` gives.
        slots: Requests on their way to servers at once, over all cells.
        fresh: Start every cell over; old folders are kept aside.
        progress: Told how all cells stand together.
        log: Takes a line for each cell.

    Returns:
        What became of each, in the order of `cells`.

    Raises:
        Interrupted: The user stopped; the same call continues.
    """
    _require_out(cells)
    finished = [not fresh and cell.is_finished() for cell in cells]
    halt = Halt()
    making = _Sweep(
        [cell for cell, done in zip(cells, finished, strict=True) if not done], slots, halt, progress, log, fresh=fresh
    )
    if passed := sum(finished):
        log(f"{passed:,} of {len(cells):,} cells are finished already")
    made = {id(one.cell): one for one in (run_to_end(making.run(), halt) if not all(finished) else [])}
    return [
        Made(cell=cell, passed_over=True) if done else made[id(cell)]
        for cell, done in zip(cells, finished, strict=True)
    ]


def _require_out(cells: Sequence[SweepCell]) -> None:
    """Nothing where a batch that is to be given up is out in one of the cells.

    Raises:
        UserError: It is in none.
    """
    for forget in {effort.batch.forget for cell in cells for _, effort in cell.asked} - {None}:
        if not any(is_out(cell.path, str(forget)) for cell in cells):
            raise UserError(f"--batch-forget: no batch {forget} of this sweep is out.")


class _Sweep:
    """One go at the cells that are left."""

    def __init__(
        self,
        cells: Sequence[SweepCell],
        slots: int,
        halt: Halt,
        progress: Progress | None,
        log: Log,
        *,
        fresh: bool,
    ) -> None:
        self._cells = cells
        self._shared = Shared(budget=asyncio.Semaphore(slots))
        self._halt = halt
        self._progress = _Together(cells, progress) if progress is not None else None
        self._log = log
        self._fresh = fresh
        self._wanted = Counter(key for cell in cells for key in cell.local)
        self._loading = asyncio.Lock()
        self._made: list[Made] = []

    async def run(self) -> list[Made]:
        """All places at once.

        Raises:
            Interrupted: The user stopped.
        """
        lanes: dict[str, list[SweepCell]] = {}
        for cell in self._cells:
            lanes.setdefault(cell.place, []).append(cell)
        with stoppable(self._halt):
            try:
                await asyncio.gather(*(self._lane(lane) for lane in lanes.values()))
            finally:
                for key in list(self._shared.local):
                    await self._close(key)
        self._halt.check()
        return self._made

    async def _lane(self, cells: Iterable[SweepCell]) -> None:
        # A model's cells stand together, so that it can be let go before the next is loaded.
        order = {model: place for place, model in enumerate(dict.fromkeys(map(_first_model, cells)))}
        for cell in sorted(cells, key=lambda cell: order[_first_model(cell)]):
            if self._halt.asked:
                return
            made = await self._make(cell)
            self._made.append(made)
            if not self._halt.asked:
                what = f"failed: {made.error}" if made.error else made.waiting or "done"
                self._log(f"{len(self._made):,} of {len(self._cells):,}: {cell.name}: {what}")

    async def _make(self, cell: SweepCell) -> Made:
        tell = self._progress.tell if self._progress is not None else None
        making = Making(shared=self._shared, halt=self._halt, progress=tell, fresh=self._fresh)
        if self._fresh and (left := left_behind(cell.path)):
            self._log(left)
        try:
            await self._load(cell)
            return Made(cell=cell, unscored_share=await cell.make(making))
        except Interrupted as error:
            return Made(cell=cell, error=str(error))
        except BatchesOut as error:
            return Made(cell=cell, waiting=str(error))
        except VLSBenchError as error:
            return Made(cell=cell, error=str(error))
        except Exception as error:  # noqa: BLE001 - a fault in one cell, memory that runs out, must not cost the others
            return Made(cell=cell, error=f"{type(error).__name__}: {error}")
        finally:
            await self._let_go(cell)

    async def _load(self, cell: SweepCell) -> None:
        """Load a cell's local models aside, so that requests to servers go on meanwhile."""
        if not cell.local:
            return
        async with self._loading:
            for ref, effort in cell.asked:
                if isinstance(ref, str) and models.is_local(ref):
                    loader = Loader(effort, (ref,), self._progress.loading if self._progress else None, self._shared)
                    await asyncio.to_thread(loader.model, ref, None)
                    self._halt.check()

    async def _let_go(self, cell: SweepCell) -> None:
        """Close the local models that no other cell needs."""
        for key in cell.local:
            self._wanted[key] -= 1
            if not self._wanted[key]:
                await self._close(key)

    async def _close(self, key: LocalKey) -> None:
        model = self._shared.local.pop(key, None)
        if isinstance(model, Closing):
            await model.close()
        del model
        gc.collect()  # the weights, before the next model's are read


class _Together:
    """How all cells stand, in one `RunCounts`."""

    def __init__(self, cells: Sequence[SweepCell], progress: Progress) -> None:
        self._progress = progress
        self._ended = RunCounts(total=sum(cell.size for cell in cells))
        self._going: list[RunCounts] = []

    def loading(self, counts: RunCounts) -> None:
        """A model is being loaded."""
        self._progress(counts)

    def tell(self, counts: RunCounts) -> None:
        """One stage of a cell has come further."""
        if counts.loading:
            self.loading(counts)
            return
        if not any(counts is known for known in self._going):
            # What has ended is added up once: a sweep may have hundreds of stages, and a count for each record.
            if counts.round_of is not None:
                self._going = [known for known in self._going if known.round_of is not counts.round_of]
            for ended in [known for known in self._going if known.ended is not None and known.round_of is None]:
                self._going.remove(ended)
                _add(self._ended, ended)
            self._going.append(counts)
        found = RunCounts(total=self._ended.total, started=self._ended.started)
        for part in (self._ended, *self._going):
            _add(found, part)
        for part in self._going:
            found.asking += part.asking if part.ended is None else 0
            found.judging += part.judging if part.ended is None else 0
            found.paused_s = max(found.paused_s, part.paused_s)
            found.stopping |= part.stopping
        for name in ("waiting", "notice", "doubt"):
            setattr(found, name, next(filter(None, (getattr(part, name) for part in self._going)), ""))
        self._progress(found)


def _add(found: RunCounts, counts: RunCounts) -> None:
    found.answered += counts.answered
    found.judged += counts.judged
    found.failed += counts.failed
    found.labels.update(counts.labels)
    found.unscored.update(counts.unscored)
    found.prompt_tokens += counts.prompt_tokens
    found.completion_tokens += counts.completion_tokens
    found.new += counts.new
    found.asked.uncounted += counts.asked.uncounted + counts.judge_asked.uncounted
    costs = counts.costs or ({counts.currency: counts.spent} if counts.spent is not None else {})
    for currency, cost in costs.items():
        found.costs[currency] = found.costs.get(currency, 0.0) + cost


def _first_model(cell: SweepCell) -> str:
    model, _ = cell.asked[0] if cell.asked else ("", None)
    return model if isinstance(model, str) else model.name
