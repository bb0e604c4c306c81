"""The main job: dataset → answers → verdicts → safety rate.

`evaluate` runs all of it; `judge` judges the answers of an existing run. Both drive the same
flow: each sample is answered and judged as soon as there is a free slot for it, and every record is on
disk before its slot is free. Samples are read from the run's own ``samples.jsonl``, so a run can be judged
again without its dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from vlsbench import judges
from vlsbench.core.errors import RunError
from vlsbench.core.protocols import Dataset, Judge, Model
from vlsbench.core.types import Sees
from vlsbench.datasets import Columns
from vlsbench.results.summary import Summary
from vlsbench.run import loading, prices
from vlsbench.run.batches import rounds
from vlsbench.run.engine import run_to_end, stoppable
from vlsbench.run.flow import Answering, Generation, Judging
from vlsbench.run.loading import Effort
from vlsbench.run.plan import Evaluation, check_answers, check_numbers, check_servers, make_plan, to_sees
from vlsbench.run.preparation import Preparation
from vlsbench.run.progress import Progress
from vlsbench.run.session import conduct
from vlsbench.run.throttle import Halt
from vlsbench.store import records, shard_file
from vlsbench.store.run_folder import Run, open_or_create


def evaluate(
    *,
    model: str | Model,
    dataset: str | Dataset,
    judge: str | Judge,
    columns: str | Mapping[str, str] | Columns | None = None,
    judge_sees: str = Sees.IMAGE,
    rubric: str | None = None,
    out: str | Path | None = None,
    limit: int | None = None,
    shard: str | None = None,
    seed: int | None = None,
    max_tokens: int = 128,
    temperature: float = 0.0,
    system: str | None = None,
    image_max_side: int | None = None,
    effort: Effort | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Evaluate a model on a dataset with a judge, or continue doing so.

    Args:
        model: A reference such as ``openai:gpt-4o@http://localhost:8000/v1``, or any `Model`.
        dataset: A reference such as ``vlsbench:DIR`` or ``jsonl:FILE``, or any `Dataset`.
        judge: A model reference, ``refusal``, or any `Judge`.
        columns: For a dataset that is a table: which column holds which field, as ``text=prompt,image=picture``.
        judge_sees: ``image`` (the paper), ``description`` (text only) or ``both``.
        rubric: A packaged rubric's name or a file; None for the three labels of the paper.
        out: The run folder; by default ``runs/<slug>-<hash8>``.
        limit: Only the first so many samples.
        shard: ``I/N`` for every N-th group of samples from the I-th on, to be joined by `merge` with the others.
        seed: Passed to the model, where it takes one.
        max_tokens: Length limit of an answer in tokens (128 in the paper's release).
        temperature: Sampling temperature; 0 is greedy.
        system: System prompt for the model.
        image_max_side: Images with a longer side, in pixels, are scaled down for model and judge.
        effort: Concurrency, keys, time limit.
        fresh: Start over; the old folder is kept aside.
        progress: Called after every record.

    Returns:
        The summary of the run, over all its judges.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out, or requests are out in batches; the same call continues.
        Interrupted: The user stopped the run; the same call continues.
    """
    asked = Evaluation(
        model=model,
        dataset=dataset,
        judge=judge,
        columns=columns,
        judge_sees=judge_sees,
        rubric=rubric,
        limit=limit,
        shard=shard,
        generation=Generation(
            max_tokens=max_tokens, temperature=temperature, system=system, seed=seed, image_max_side=image_max_side
        ),
        effort=effort or Effort(),
    )
    return carry_out(asked, out=out, fresh=fresh, progress=progress)


def carry_out(
    asked: Evaluation,
    *,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Summary:
    """`evaluate`, by an evaluation that is described already; `say` is told what there is to warn of beforehand.

    Raises:
        UserError: As `evaluate`, like all that follows.
        Stopped: Likewise.
        Interrupted: Likewise.
    """
    plan = make_plan(asked, recorded=Path(out) if out is not None and not fresh else None)
    path = plan.folder(out, fresh=fresh)  # before a large model is loaded for nothing
    if fresh and say is not None and (left := rounds.left_behind(path)):
        say(left)
    halt = Halt()
    batches = rounds.of(asked.effort.batch, None if fresh else path, halt)
    loader = loading.Loader(asked.effort, asked.refs, progress, batches=batches)
    judging = loading.judging(asked.judge, plan.sees, asked.rubric, loader, halt, asked.generation.image_max_side)
    answering = loading.answering(asked.model, plan.generation, loader, halt)
    run = open_or_create(path, plan.identity, plan.details(answering.model, asked.effort), fresh=fresh)
    try:
        if plan.selection.part is not None:
            shard_file.write(run.path, plan.selection.part)
        if say is not None:
            for told in _price_news(run, answering, judging):
                say(told)
        source = Preparation(run, plan.data, asked.limit)
        return run_to_end(_session(run, source, answering, judging, loader, halt, progress), halt)
    finally:
        run.unlock()


def _price_news(run: Run, answering: Answering, judging: Judging) -> Iterator[str]:
    """Where this session names other prices than those before it."""
    known = run.judges.get(judging.stem_in(run))
    for model, before, now in (
        (run.manifest.model, run.manifest.price, answering.price),
        (judging.judge.name, known.price if known is not None else None, judging.price),
    ):
        if told := prices.changed(model, before, now):
            yield told


def judge(
    path: str | Path,
    *,
    judge: str | Judge,
    judge_sees: str = Sees.IMAGE,
    rubric: str | None = None,
    image_max_side: int | None = None,
    effort: Effort | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Judge the answers of a run, again or with another judge; verdicts of other judges stay.

    Args:
        path: The run folder.
        judge: As for `evaluate`.
        judge_sees: As for `evaluate`.
        rubric: As for `evaluate`.
        image_max_side: Images with a longer side, in pixels, are scaled down for the judge.
        effort: As for `evaluate`; what concerns the model is ignored.
        progress: Called after every record.

    Returns:
        The summary of the run, over all its judges.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out, or requests are out in batches; the same call continues.
        Interrupted: The user stopped the run; the same call continues.
    """
    effort = effort or Effort()
    check_numbers(Generation(image_max_side=image_max_side), None, effort)
    ref = judges.model_ref(judge) if isinstance(judge, str) else None
    check_servers(replace(effort, servers=None), None, ref)
    run = Run(Path(path))
    halt = Halt()
    if not run.responses.exists():
        raise RunError(f"{run.path} holds no answers to judge yet. Run `vlsbench eval` on it first.")
    check_answers(judge, records.samples(run.samples))
    batches = rounds.of(effort.batch, run.path, halt)
    loader = loading.Loader(effort, (ref,), progress, batches=batches)
    judging = loading.judging(judge, to_sees(judge_sees), rubric, loader, halt, image_max_side)
    run.lock()
    try:
        return run_to_end(_session(run, Preparation(run, None), None, judging, loader, halt, progress), halt)
    finally:
        run.unlock()


async def _session(
    run: Run,
    source: Preparation,
    answering: Answering | None,
    judging: Judging,
    loader: loading.Loader,
    halt: Halt,
    progress: Progress | None,
) -> Summary:
    """One session, stopped by Ctrl-C, and the end of the models that were made for it."""
    with stoppable(halt):
        try:
            return await conduct(run, source, answering, judging, halt, progress, loader.batches)
        finally:
            await loader.close()
