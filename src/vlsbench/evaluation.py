"""The main job: dataset → answers → verdicts → safety rate.

`evaluate` is the public function; `judge_run` judges the answers of an existing run. Both drive the same
flow: each sample is answered and judged as soon as there is a free slot for it, and every record is on
disk before its slot is free. Samples are read from the run's own ``samples.jsonl``, so a run can be judged
again without its dataset.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlsbench import datasets, judges, models, preparation, summary, wiring
from vlsbench.engine import drive, run_to_end, stoppable
from vlsbench.errors import Interrupted, RunError, UserError
from vlsbench.flow import Answering, Flow, Generation, Judging
from vlsbench.identity import Identity
from vlsbench.preparation import Fingerprint, Preparation
from vlsbench.runs import Run, open_or_create, require_same, timestamp
from vlsbench.summary import Summary
from vlsbench.tally import Progress
from vlsbench.throttle import Halt
from vlsbench.types import Dataset, Judge, Model, Sees
from vlsbench.wiring import Effort


def evaluate(
    *,
    model: str | Model,
    dataset: str | Dataset,
    judge: str | Judge,
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
) -> Summary:
    """Evaluate a model on a dataset with a judge, or continue doing so.

    Args:
        model: A reference such as ``openai:gpt-4o@http://localhost:8000/v1``, or any `Model`.
        dataset: A reference such as ``vlsbench:DIR`` or ``jsonl:FILE``, or any `Dataset`.
        judge: A model reference, ``refusal``, or any `Judge`.
        judge_sees: ``image`` (the paper), ``description`` (text only) or ``both``.
        rubric: A packaged rubric's name or a file; None for the three labels of the paper.
        out: The run folder; by default ``runs/<slug>-<hash8>``.
        limit: Only the first so many samples.
        seed: Passed to the model, where it takes one.
        max_tokens: Length limit of an answer in tokens (128 in the paper's release).
        temperature: Sampling temperature; 0 is greedy.
        system: System prompt for the model.
        effort: Concurrency, keys, time limit.
        fresh: Start over; the old folder is kept aside.
        progress: Called after every record.

    Returns:
        The summary of the run, over all its judges.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out; the same call continues.
        Interrupted: The user stopped the run; the same call continues.
    """
    effort = effort or Effort()
    temperature = float(temperature)  # 0 and 0.0 are the same run, in the folder's name too
    generation = Generation(max_tokens=max_tokens, temperature=temperature, system=system, seed=seed)
    _check_numbers(generation, limit, effort)
    data = datasets.load(dataset) if isinstance(dataset, str) else dataset
    _check_texts(system, model, data.name, str(data.root))
    stamp = preparation.stamp(data)  # before the records are read, so that a change meanwhile shows next time
    known = preparation.recall(Path(out), data, limit) if out is not None and not fresh else None
    found = known or preparation.fingerprint(data, limit)
    identity = Identity(
        model=models.canonical(model) if isinstance(model, str) else wiring.named(model),
        dataset=data.name,
        dataset_hash=found.sha256,
        max_tokens=max_tokens,
        temperature=temperature,
        system=system,
        seed=seed,
        limit=limit,
    )
    path = Path(out) if out is not None else Path("runs") / identity.folder_name()
    if not fresh:
        require_same(path, identity)  # before a large model is loaded for nothing
    _check_sees(_sees(judge_sees), judge, found)
    halt = Halt()
    loader = wiring.Loader(effort, (model, judges.model_ref(judge) if isinstance(judge, str) else None))
    judging = wiring.judging(judge, _sees(judge_sees), rubric, loader, halt)
    answering = wiring.answering(loader.model(model, effort.model_key_env), generation, effort, halt)
    details = {
        "dataset_size": found.size,
        "dataset_revision": data.revision,
        "dataset_described": found.n_described,
        "dataset_stamp": stamp,
        "parameters": asdict(effort),
        "model_details": _details(answering.model),
    }
    run = open_or_create(path, identity, details, fresh=fresh)
    try:
        source = Preparation(run, data, limit)
        return run_to_end(_session(run, source, answering, judging, loader, halt, progress), halt)
    finally:
        run.unlock()


def judge_run(
    path: str | Path,
    *,
    judge: str | Judge,
    judge_sees: str = Sees.IMAGE,
    rubric: str | None = None,
    effort: Effort | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Judge the answers of a run, again or with another judge; verdicts of other judges stay.

    Args:
        path: The run folder.
        judge: As for `evaluate`.
        judge_sees: As for `evaluate`.
        rubric: As for `evaluate`.
        effort: As for `evaluate`; what concerns the model is ignored.
        progress: Called after every record.

    Returns:
        The summary of the run, over all its judges.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out; the same call continues.
        Interrupted: The user stopped the run; the same call continues.
    """
    effort = effort or Effort()
    _check_numbers(Generation(), None, effort)
    run = Run(Path(path))
    halt = Halt()
    if not run.responses.exists():
        raise RunError(f"{run.path} holds no answers to judge yet. Run `vlsbench eval` on it first.")
    loader = wiring.Loader(effort, (judges.model_ref(judge) if isinstance(judge, str) else None,))
    judging = wiring.judging(judge, _sees(judge_sees), rubric, loader, halt)
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
    loader: wiring.Loader,
    halt: Halt,
    progress: Progress | None,
) -> Summary:
    """One sitting: from what is on disk to the summary, or to the reason for stopping."""
    run.add_judge(judging.stem, _judge_entry(judging.judge))
    flow = Flow(run, source, answering=answering, judging=judging, halt=halt, progress=progress)
    finished, reporting = None, asyncio.create_task(flow.report())
    with stoppable(halt):
        try:
            source.start()
            await drive(flow.pending(), flow.process, width=flow.width, halt=halt)
            finished = timestamp()
        except asyncio.CancelledError:
            raise Interrupted("Interrupted.") from None
        finally:
            reporting.cancel()
            source.stop()
            try:
                flow.close()
                _record_session(run, answering, judging, finished)
                figures = summary.write(run, judging.stem)
            finally:
                await loader.close()
    return figures


def _record_session(run: Run, answering: Answering | None, judging: Judging, finished: str | None) -> None:
    """Note in the manifest what the servers turned out to want and to be."""
    if answering is not None:
        served = sorted({*run.manifest.get("model_served", []), *answering.served})
        run.update(model_served=served, model_adaptations=_adaptations(answering.model), finished=finished)
    if adaptations := _adaptations(judging.judge):
        run.add_judge(judging.stem, {"adaptations": adaptations})


def _adaptations(asked: object) -> list[str]:
    """What a model, or the model within a judge, had to change for its server."""
    return [text for layer in _layers(asked) for text in getattr(layer, "adaptations", [])]


def _details(model: Model) -> dict[str, str]:
    """What a model says of itself beyond its name (`details`), as text."""
    found = (details for layer in _layers(model) if isinstance(details := getattr(layer, "details", None), Mapping))
    return {str(name): str(value) for details in found for name, value in details.items()}


def _layers(thing: object) -> list[object]:
    """A model or judge and what it wraps (`inner`), the outermost first."""
    layers = []
    while thing is not None:
        layers.append(thing)
        thing = getattr(thing, "inner", None)
    return layers


def _judge_entry(judge: Judge) -> dict[str, Any]:
    return {
        "judge": judge.name,
        **judge.settings,
        **getattr(judge, "details", {}),
        "labels": list(judge.labels),
        "baseline": bool(getattr(judge, "baseline", False)),
    }


def _sees(text: str) -> Sees:
    try:
        return Sees(text)
    except ValueError as error:
        raise UserError(f"A judge sees image, description or both, not {text!r}.") from error


def _check_numbers(generation: Generation, limit: int | None, effort: Effort) -> None:
    widths = [width for width in (effort.concurrency, effort.judge_concurrency) if width != "auto"]
    if generation.max_tokens < 1:
        raise UserError("--max-tokens must be at least 1.")
    if not 0 <= generation.temperature <= 10:
        raise UserError("--temperature must lie between 0 and 10.")
    if limit is not None and limit < 1:
        raise UserError("--limit must be at least 1.")
    if any(width < 1 for width in widths):
        raise UserError("--concurrency and --judge-concurrency must be at least 1, or auto.")
    if not 0 < effort.timeout_s < math.inf:
        raise UserError("--timeout must be over 0 seconds.")
    for number in (generation.max_tokens, generation.seed, limit):
        if number is not None and not -(2**63) <= number < 2**63:
            raise UserError(f"{number} is too large a number for --max-tokens, --seed or --limit.")


def _check_texts(*texts: object) -> None:
    """The manifest holds these, and JSON holds Unicode only."""
    for text in texts:
        try:
            _ = text.encode() if isinstance(text, str) else b""
        except UnicodeEncodeError as error:
            raise UserError(f"{text!r:.80} is not valid UTF-8. Rename the file, or set the locale to UTF-8.") from error


def _check_sees(sees: Sees, judge: str | Judge, found: Fingerprint) -> None:
    if sees is Sees.DESCRIPTION and isinstance(judge, str) and not judges.is_offline(judge) and not found.n_described:
        raise UserError("No sample has an image description or safety reason to judge from. Use --judge-sees image.")
