"""The ablation: the same model and judge on the same samples, with the image and without it.

One run folder per condition under one parent, and ``ablation.json`` beside them:

    DIR/full/  DIR/text/  DIR/caption/  DIR/blank/  DIR/mismatched/  DIR/mismatched.jsonl  DIR/ablation.json

The conditions are asked one after the other, with one model, one judge and their request slots for all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vlsbench import datasets, models
from vlsbench.ablation import conditions as views
from vlsbench.ablation import folder, mismatch
from vlsbench.ablation.conditions import CONDITIONS, FULL, MISMATCHED
from vlsbench.ablation.results import Ablation
from vlsbench.core.errors import DatasetError, UserError
from vlsbench.core.protocols import Dataset, Judge, Model, View
from vlsbench.core.types import Sees
from vlsbench.datasets import Columns
from vlsbench.results import judged_run
from vlsbench.results.summary import Summary, causes
from vlsbench.run import loading
from vlsbench.run.engine import run_to_end, stoppable
from vlsbench.run.flow import Answering, Generation, Judging
from vlsbench.run.loading import Effort, Loader
from vlsbench.run.plan import Evaluation, Plan, make_plan
from vlsbench.run.preparation import Preparation
from vlsbench.run.progress import Progress
from vlsbench.run.session import conduct
from vlsbench.run.throttle import Halt
from vlsbench.store.folders import acquire_lock, default_folder, make_folder
from vlsbench.store.identity import Identity, judge_slug
from vlsbench.store.run_folder import Run, open_or_create, require_same

Log = Callable[[str], None]


def ablate(
    *,
    model: str | Model,
    dataset: str | Dataset,
    judge: str | Judge,
    columns: str | Mapping[str, str] | Columns | None = None,
    conditions: Iterable[str] = CONDITIONS,
    judge_sees: str = Sees.IMAGE,
    rubric: str | None = None,
    out: str | Path | None = None,
    limit: int | None = None,
    seed: int | None = None,
    max_tokens: int = 128,
    temperature: float = 0.0,
    system: str | None = None,
    effort: Effort | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    log: Log = lambda _line: None,
) -> Ablation:
    """Measure what the image adds: ask with it, without it and with another, or continue doing so.

    Only samples with an image take part. The judge sees the sample itself under every condition.

    Args:
        model: As for `vlsbench.evaluate`, like all that is not explained here.
        dataset: Likewise.
        judge: Likewise.
        columns: Likewise.
        conditions: Some of ``full``, ``text``, ``caption``, ``blank`` and ``mismatched``; ``full`` must be one.
        judge_sees: Likewise.
        rubric: Likewise.
        out: The parent of the run folders; by default ``runs/ablation-<slug>-<hash8>``.
        limit: Only the first so many samples that have an image.
        seed: Passed to the model, and decides which other image ``mismatched`` shows (None: as 0).
        max_tokens: Likewise.
        temperature: Likewise.
        system: Likewise.
        effort: Likewise.
        fresh: Likewise; the whole parent is kept aside.
        progress: Called after every record, with new counts for each condition.
        log: Takes a line when a condition begins, and for one that is skipped.

    Returns:
        The figures, as ``ablation.json`` holds them.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out; the same call continues.
        Interrupted: The user stopped; the same call continues.
    """
    asked = Evaluation(
        model=model,
        dataset=dataset,
        judge=judge,
        columns=columns,
        judge_sees=judge_sees,
        rubric=rubric,
        limit=limit,
        generation=Generation(max_tokens=max_tokens, temperature=temperature, system=system, seed=seed),
        effort=effort or Effort(),
    )
    return carry_out(asked, conditions, out=out, fresh=fresh, progress=progress, log=log)


def carry_out(
    asked: Evaluation,
    conditions: Iterable[str],
    *,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    log: Log = lambda _line: None,
) -> Ablation:
    """`ablate`, by an evaluation that is described already.

    Raises:
        UserError: As `ablate`, like all that follows.
        Stopped: Likewise.
        Interrupted: Likewise.
    """
    path = Path(out) if out is not None else None
    planned = plan_ablation(asked, conditions, recorded=path / FULL if path is not None and not fresh else None)
    if path is not None:
        planned.require_continuable(path, fresh=fresh)  # before a large model is loaded for nothing
    halt = Halt()
    loader = Loader(asked.effort, asked.refs, progress)
    judging = loading.judging(
        asked.judge, planned.plan.sees, asked.rubric, loader, halt, asked.generation.image_max_side
    )
    if path is None:
        path = _default_folder(planned.plan, asked.judge, judging.judge)
        planned.require_continuable(path, fresh=fresh)
    if not fresh:
        folder.require_same_judge(path, judging)
    answering = loading.answering(asked.model, planned.plan.generation, loader, halt)
    if fresh:
        folder.set_aside(path)
    work = AblationWork(
        path=path, planned=planned, effort=asked.effort, answering=answering, judging=judging, halt=halt
    )
    return run_to_end(_session(work, loader, progress, log), halt)


async def _session(work: AblationWork, loader: Loader, progress: Progress | None, log: Log) -> Ablation:
    """All conditions, stopped by Ctrl-C, and the end of the models that were made for them."""
    with stoppable(work.halt):
        try:
            return await conduct_all(work, progress, log)
        finally:
            await loader.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationPlan:
    """What an ablation is to be: its conditions, those that the set does not allow, and the plan of `full`."""

    plan: Plan
    names: tuple[str, ...]
    skipped: Mapping[str, str]
    left_out: int

    def require_continuable(self, path: Path, *, fresh: bool) -> None:
        """Nothing where this ablation may be made or continued at a path.

        Raises:
            RunError: It holds something else.
        """
        folder.check(path)
        for name in self.names if not fresh else ():
            require_same(path / name, _identity(self.plan, views.identity_of(name)))


def plan_ablation(asked: Evaluation, conditions: Iterable[str], recorded: Path | None = None) -> AblationPlan:
    """Check what is asked for as far as can be without loading a model.

    Args:
        asked: What is to be evaluated; samples without an image are left out.
        conditions: As for `ablate`.
        recorded: The run folder of `full`, where there may be one.

    Raises:
        UserError: Something in the arguments or files has to change first.
    """
    names = views.chosen(conditions)
    data = datasets.opened(asked.dataset, asked.columns)
    found, skipped = _survey(data, names, asked.limit)
    return AblationPlan(
        plan=make_plan(replace(asked, dataset=views.WithImages(data), columns=None), recorded),
        names=tuple(name for name in names if name not in skipped),
        skipped=skipped,
        left_out=found.left_out,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationWork:
    """An ablation under way: its folder, and what all conditions share."""

    path: Path
    planned: AblationPlan
    effort: Effort
    answering: Answering
    judging: Judging
    halt: Halt

    @property
    def plan(self) -> Plan:
        """What `full` is to be."""
        return self.planned.plan

    async def run(self, view: View | None, progress: Progress | None) -> Summary:
        """Ask and judge under one condition; None is full."""
        identity = _identity(self.plan, view.identity if view is not None else None)
        name = view.identity["name"] if view is not None else FULL
        generation = replace(self.plan.generation, view=view)
        # The same model and slots, but the names that the server reports are of each run.
        answering = replace(self.answering, generation=generation, served=set())
        run = open_or_create(self.path / name, identity, self.plan.details(answering.model, self.effort))
        try:
            folder.share_images(Run(self.path / FULL), run)
            source = Preparation(run, self.plan.data, self.plan.identity.limit)
            return await conduct(run, source, answering, self.judging, self.halt, progress)
        finally:
            run.unlock()


def _default_folder(plan: Plan, judge: str | Judge, made: Judge) -> Path:
    earlier = models.named_before(judge) if isinstance(judge, str) else made.name
    return default_folder(
        folder.default_name(plan.identity, judge_slug(made.name, made.settings)),
        folder.default_name(plan.earlier, judge_slug(earlier, made.settings)),
    )


def _survey(data: Dataset, names: Iterable[str], limit: int | None) -> tuple[views.Survey, dict[str, str]]:
    """What the selection holds, and the conditions that it does not allow, with the reason."""
    found = views.survey(data, limit)
    if not found.n:
        raise DatasetError(f"No sample of {data.name} has an image, so there is nothing to take away from it.")
    names = tuple(names)
    skipped = views.skipped(names, found)
    if not set(names) - {FULL} - set(skipped):
        reasons = "; ".join(f"{name}: {why}" for name, why in skipped.items())
        raise UserError(f"Nothing is left to compare with full ({reasons}). Try --conditions full,text,blank.")
    return found, skipped


def _identity(plan: Plan, condition: Mapping[str, str] | None) -> Identity:
    return replace(plan.identity, condition=condition)


async def conduct_all(work: AblationWork, progress: Progress | None, log: Log) -> Ablation:
    """One condition after the other, and what they come to. The models stay open.

    Raises:
        UserError: Nothing got a verdict under `full`, or the folder is being written to.
        Interrupted: The user stopped.
        VLSBenchError: What would go wrong with every sample.
    """
    make_folder(work.path)
    lock = acquire_lock(work.path)
    try:
        planned, skipped = work.planned, dict(work.planned.skipped)
        for name, why in skipped.items():
            log(f"{name} is skipped: {why}")
        for place, name in enumerate(planned.names, start=1):
            work.halt.check()
            log(f"condition {name} ({place} of {len(planned.names)})")
            if name == FULL:
                _require_scored(await work.run(None, progress), work)
            elif (view := _view(name, work)) is not None:
                await work.run(view, progress)
            else:
                skipped[name] = views.ONE_IMAGE
                log(f"{name} is skipped: {views.ONE_IMAGE}")
        done = [work.path / name for name in planned.names if name not in skipped]
        runs = {path.name: judged_run.read(path, work.judging.stem_in(Run(path))) for path in done}
        result = Ablation.of(work.path, planned.plan.identity, runs, left_out=planned.left_out, skipped=skipped)
        result.write()
        return result
    finally:
        os.close(lock)


def _view(name: str, work: AblationWork) -> View | None:
    """The view of a condition; None where the images of the set do not allow it."""
    if name == MISMATCHED:
        full = Run(work.path / FULL)
        others = mismatch.other_images(full, work.path / "mismatched.jsonl", work.plan.identity.seed or 0)
        return views.Mismatched(others) if others else None
    return views.simple(name)


def _require_scored(summary: Summary, work: AblationWork) -> None:
    """Stop before the other conditions are asked for nothing: a model that takes no images, say."""
    found = summary.judges[summary.latest or ""].overall
    if found.scored:
        return
    run = Run(work.path / FULL)
    reasons = "; ".join(
        f"{cause.count:,} {cause.outcome}: {cause.reason or '(no reason given)'}"
        for cause in (*causes(run), *causes(run, work.judging.stem_in(run)))
    )
    raise UserError(
        f"With image and text, none of the {found.n:,} samples got a verdict ({reasons}). There is nothing to compare "
        "with, so no other condition was asked. Does the model take images?"
    )
