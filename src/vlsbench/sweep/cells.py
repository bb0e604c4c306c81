"""The cells of a sweep: each makes or continues one folder of results, and knows whether that is finished."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vlsbench import judges, models
from vlsbench.ablation import folder
from vlsbench.ablation.ablate import AblationPlan, AblationWork, conduct_all
from vlsbench.ablation.conditions import FULL
from vlsbench.ablation.folder import RESULT
from vlsbench.core.protocols import Judge, Model
from vlsbench.results.summary import Summary
from vlsbench.run import loading
from vlsbench.run.batches import rounds
from vlsbench.run.estimate import Estimate, estimate, read_recorded, unloaded_judge
from vlsbench.run.flow import Judging
from vlsbench.run.loading import Effort, Loader, Shared
from vlsbench.run.plan import Evaluation, Plan, to_sees
from vlsbench.run.preparation import Preparation
from vlsbench.run.progress import Progress
from vlsbench.run.session import conduct
from vlsbench.run.throttle import Halt
from vlsbench.store import json_file
from vlsbench.store.folders import acquire_lock, make_folder
from vlsbench.store.identity import judge_slug
from vlsbench.store.run_folder import Run, open_or_create

HERE = "this process"
"""The place of models that are loaded here: their cells are made one after the other."""

LocalKey = tuple[str, models.Local]
"""A local model's reference, and how it is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a cell needs while it is made: what all cells share, the user's wish to stop, and who is told."""

    shared: Shared
    halt: Halt
    progress: Progress | None
    fresh: bool


class SweepCell(ABC):
    """One folder of results of a sweep."""

    path: Path

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is, for people and for ``--only``."""

    @property
    @abstractmethod
    def asked(self) -> tuple[tuple[str | Model, Effort], ...]:
        """Every model that is asked, the one that decides the place first, and how it is reached."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Verdicts that it takes."""

    @abstractmethod
    def is_finished(self) -> bool:
        """Whether all that it takes is on disk; nothing is loaded to find out."""

    @abstractmethod
    def estimate(self, *, fresh: bool) -> Estimate:
        """What is still to be asked for, at most; nobody is contacted."""

    @abstractmethod
    async def make(self, making: Making) -> float:
        """Make or continue it; returns the largest share of samples that a judge left unscored.

        Raises:
            Interrupted: The user stopped.
            VLSBenchError: What would go wrong with every sample.
        """

    @property
    def place(self) -> str:
        """Where its model runs; cells of one place are made one after the other."""
        if not self.asked:
            return self.name
        model, effort = self.asked[0]
        return effort.servers or place_of(model)

    @property
    def local(self) -> tuple[LocalKey, ...]:
        """The local models that it needs."""
        found = [(ref, effort.local) for ref, effort in self.asked if isinstance(ref, str) and models.is_local(ref)]
        return tuple(dict.fromkeys(found))


def place_of(model: str | Model) -> str:
    """The server of a model's reference, or `HERE`."""
    if not isinstance(model, str) or models.is_local(model):
        return HERE
    scheme, rest = models.split(model)
    _, at, url = rest.rpartition("@")
    return url if at else scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCell(SweepCell):
    """One model on one dataset. The judges differ alone in `judged`; the first judges on the way."""

    path: Path
    effort: Effort
    judged: tuple[Evaluation, ...]
    plan: Plan

    @property
    def name(self) -> str:
        """``MODEL on DATASET``."""
        return f"{self.plan.identity.model} on {self.plan.identity.dataset}"

    @property
    def asked(self) -> tuple[tuple[str | Model, Effort], ...]:
        """The model, and the judges' models."""
        return _asked(self.effort, self.judged)

    @property
    def size(self) -> int:
        """Verdicts that it takes."""
        return self.plan.selection.found.size * len(self.judged)

    def is_finished(self) -> bool:
        """Whether every sample has its answer and a verdict of each judge."""
        return all_judged(self.path, self.judged)

    def estimate(self, *, fresh: bool) -> Estimate:
        """What is still to be asked for; nobody is contacted."""
        return _estimate(self.judged, self.path, fresh=fresh)

    async def make(self, making: Making) -> float:
        """Ask, and judge by every judge."""
        first = self.judged[0]
        async with _loaders(self.effort, self.judged, making) as (own, *loaders):
            _batch(self, own, loaders, making)
            judging = _judging(first, loaders[0], making.halt)
            answering = loading.answering(first.model, self.plan.generation, own, making.halt)
            details = self.plan.details(answering.model, self.effort)
            run = open_or_create(self.path, self.plan.identity, details, fresh=making.fresh)
            try:
                source = Preparation(run, self.plan.data, first.limit)
                summary = await conduct(run, source, answering, judging, making.halt, making.progress, own.batches)
                summary = await _judge_again(run, self.judged[1:], loaders[1:], making) or summary
            finally:
                run.unlock()
        return replace(summary, latest=None).unscored_share


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationCell(SweepCell):
    """One model on one dataset under several conditions; the figures are by the first judge."""

    path: Path
    effort: Effort
    judged: tuple[Evaluation, ...]
    planned: AblationPlan

    @property
    def name(self) -> str:
        """``MODEL on DATASET, ablation``."""
        identity = self.planned.plan.identity
        return f"{identity.model} on {identity.dataset}, ablation"

    @property
    def asked(self) -> tuple[tuple[str | Model, Effort], ...]:
        """The model, and the judges' models."""
        return _asked(self.effort, self.judged)

    @property
    def size(self) -> int:
        """Verdicts that it takes."""
        return self.planned.plan.selection.found.size * len(self.judged) * len(self.planned.names)

    def is_finished(self) -> bool:
        """Whether the figures are there, and every sample has a verdict of each judge under each condition."""
        if not (self.path / RESULT).is_file():
            return False
        skipped = json_file.read(self.path / RESULT).get("skipped")
        names = [name for name in self.planned.names if not isinstance(skipped, dict) or name not in skipped]
        return all(all_judged(self.path / name, self.judged) for name in names)

    def estimate(self, *, fresh: bool) -> Estimate:
        """What is still to be asked for, as if every condition showed the image; nobody is contacted."""
        full = tuple(replace(asked, dataset=self.planned.plan.data, columns=None) for asked in self.judged)
        found = [_estimate(full, None, fresh=fresh) for _ in self.planned.names]
        return sum(found[1:], start=found[0])

    async def make(self, making: Making) -> float:
        """Ask under every condition, and judge by every judge."""
        first, plan = self.judged[0], self.planned.plan
        async with _loaders(self.effort, self.judged, making) as (own, *loaders):
            judging = _judging(first, loaders[0], making.halt)
            if making.fresh:
                folder.set_aside(self.path)
            else:
                folder.require_same_judge(self.path, judging)
            answering = loading.answering(first.model, plan.generation, own, making.halt)
            work = AblationWork(
                path=self.path,
                planned=self.planned,
                effort=self.effort,
                answering=answering,
                judging=judging,
                halt=making.halt,
            )
            found = await conduct_all(work, making.progress, lambda _line: None)
            for name in found.conditions if len(self.judged) > 1 else ():
                run = Run(self.path / name)
                run.lock()
                try:
                    await _judge_again(run, self.judged[1:], loaders[1:], making)
                finally:
                    run.unlock()
        return found.unscored_share

    @property
    def full(self) -> Path:
        """The run with image and text, which stands beside those of other cells."""
        return self.path / FULL


def judge_of(asked: Evaluation) -> Judge:
    """The judge with its name, settings and labels; of a reference, one that cannot be asked."""
    if isinstance(asked.judge, str):
        return unloaded_judge(asked.judge, to_sees(asked.judge_sees), asked.rubric)
    return asked.judge


def stem_of(asked: Evaluation) -> str:
    """The stem of a judge's verdict file."""
    judge = judge_of(asked)
    return judge_slug(judge.name, judge.settings)


def all_judged(path: Path, judged: Iterable[Evaluation]) -> bool:
    """Whether a run exists, and every sample has an answer with a final verdict of each judge."""
    if not (path / "manifest.json").exists():
        return False
    run = Run(path)
    if run.manifest.finished is None:
        return False
    return all(len(read_recorded(path, judge_of(asked)).judged) == run.size for asked in judged)


def _estimate(judged: Iterable[Evaluation], path: Path | None, *, fresh: bool) -> Estimate:
    found = [estimate(asked, out=path, fresh=fresh, answering=not place) for place, asked in enumerate(judged)]
    return sum(found[1:], start=found[0])


def _asked(effort: Effort, judged: tuple[Evaluation, ...]) -> tuple[tuple[str | Model, Effort], ...]:
    asking = [(ref, asked.effort) for asked in judged for ref in asked.refs[1:] if ref is not None]
    return ((judged[0].model, effort), *asking)


@asynccontextmanager
async def _loaders(effort: Effort, judged: tuple[Evaluation, ...], making: Making) -> AsyncIterator[list[Loader]]:
    """A loader for the model and one for each judge, as each may have options of its own; all know every server."""
    refs = tuple(ref for asked in judged for ref in asked.refs)
    efforts = (effort, *(asked.effort for asked in judged))
    servers = tuple(filter(None, (effort.servers, *(asked.effort.judge_servers for asked in judged))))
    loaders = [Loader(one, refs, making.progress, making.shared, servers_beside=servers) for one in efforts]
    try:
        yield loaders
    finally:
        for loader in loaders:
            await loader.close()


def _judging(asked: Evaluation, loader: Loader, halt: Halt) -> Judging:
    side = asked.generation.image_max_side
    return loading.judging(asked.judge, to_sees(asked.judge_sees), asked.rubric, loader, halt, side)


def _batch(cell: RunCell, own: Loader, loaders: Sequence[Loader], making: Making) -> None:
    """Let requests go into batches where that is asked for: the first judge's with the model's, as in one run."""
    path = None if making.fresh else cell.path
    own.batches = loaders[0].batches = rounds.of(cell.effort.batch, path, making.halt, where_possible=True)
    for asked, loader in zip(cell.judged[1:], loaders[1:], strict=True):
        if not (isinstance(asked.judge, str) and judges.is_offline(asked.judge)):
            loader.batches = rounds.of(asked.effort.batch, path, making.halt, where_possible=True)


async def _judge_again(
    run: Run, judged: Iterable[Evaluation], loaders: Iterable[Loader], making: Making
) -> Summary | None:
    """Let further judges judge the answers of a locked run."""
    summary = None
    for asked, loader in zip(judged, loaders, strict=True):
        making.halt.check()
        loader.batches = rounds.of(asked.effort.batch, run.path, making.halt, where_possible=True)
        judging = _judging(asked, loader, making.halt)
        source = Preparation(run, None)
        summary = await conduct(run, source, None, judging, making.halt, making.progress, loader.batches)
    return summary


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only one who writes to a folder, which is made where it is missing."""
    make_folder(path)
    lock = acquire_lock(path)
    try:
        yield
    finally:
        os.close(lock)
