"""The main job: dataset → answers → verdicts → safety rate.

`evaluate` is the public function; `judge_run` judges the answers of an existing run. Both drive the same
flow: each sample is answered and judged as soon as there is a free slot for it, and every record is on
disk before its slot is free. Samples are read from the run's own ``samples.jsonl``, so a run can be judged
again without its dataset.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vlsbench import datasets, judges, models, preparation, summary
from vlsbench.engine import PatientModel, drive, run_to_end, stoppable
from vlsbench.errors import Interrupted, RunError, UserError
from vlsbench.flow import Answering, Flow, Generation, Judging
from vlsbench.preparation import Fingerprint, Preparation
from vlsbench.runs import Identity, Run, judge_slug, open_or_create, timestamp
from vlsbench.summary import Summary
from vlsbench.tally import Progress
from vlsbench.throttle import Concurrency, Gate, Halt, Patience
from vlsbench.types import Dataset, Judge, Model, Sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard to try. Not part of a run's identity: the figures do not depend on it.

    Args:
        concurrency: Requests to the model at once, or ``"auto"``.
        judge_concurrency: Requests to the judge at once, or ``"auto"``.
        model_key_env: Environment variable that holds the model's API key.
        judge_key_env: Environment variable that holds the judge's API key.
        timeout_s: Limit for one request in seconds.
    """

    concurrency: Concurrency = "auto"
    judge_concurrency: Concurrency = "auto"
    model_key_env: str | None = None
    judge_key_env: str | None = None
    timeout_s: float = 300.0


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
    halt = Halt()
    refs = tuple(ref for ref in (model, judge) if isinstance(ref, str) and not judges.is_baseline(ref))
    judging = _judging(judge, Sees(judge_sees), rubric, effort, refs, halt)
    target = _model(model, effort.model_key_env, refs, effort)
    gate = Gate(effort.concurrency, halt)
    answering = Answering(model=PatientModel(target, gate, Patience()), gate=gate, generation=generation)

    print_ = preparation.fingerprint(data, limit)
    _check_sees(Sees(judge_sees), judge, print_)
    identity = Identity(
        model=target.name,
        dataset=data.name,
        dataset_hash=print_.sha256,
        max_tokens=max_tokens,
        temperature=temperature,
        system=system,
        seed=seed,
        limit=limit,
    )
    details = {
        "dataset_size": print_.size,
        "dataset_revision": data.revision,
        "dataset_described": print_.n_described,
        "parameters": asdict(effort),
    }
    path = Path(out) if out is not None else Path("runs") / identity.folder_name()
    run = open_or_create(path, identity, details, fresh=fresh)
    try:
        source = Preparation(run, data, limit)
        return run_to_end(_session(run, source, answering, judging, halt, progress), halt)
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
    refs = (judge,) if isinstance(judge, str) and not judges.is_baseline(judge) else ()
    judging = _judging(judge, Sees(judge_sees), rubric, effort, refs, halt)
    if not run.responses.exists():
        raise RunError(f"{run.path} holds no answers to judge yet. Run `vlsbench eval` on it first.")
    run.lock()
    try:
        return run_to_end(_session(run, Preparation(run, None), None, judging, halt, progress), halt)
    finally:
        run.unlock()


async def _session(
    run: Run,
    source: Preparation,
    answering: Answering | None,
    judging: Judging,
    halt: Halt,
    progress: Progress | None,
) -> Summary:
    """One sitting: from what is on disk to the summary, or to the reason for stopping."""
    run.add_judge(judging.stem, _judge_entry(judging.judge))
    flow = Flow(run, source, answering=answering, judging=judging, halt=halt, progress=progress)
    finished = None
    try:
        with stoppable(halt):
            source.start()
            await drive(flow.pending(), flow.process, width=flow.width, halt=halt)
        finished = timestamp()
    except asyncio.CancelledError:
        raise Interrupted("Interrupted.") from None
    finally:
        source.stop()
        try:
            flow.close()
            _record_session(run, answering, judging, finished)
            figures = summary.write(run, judging.stem)
        finally:
            await _close(answering.model if answering else None, judging.judge)
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


def _judging(
    judge: str | Judge, sees: Sees, rubric: str | None, effort: Effort, refs: tuple[str, ...], halt: Halt
) -> Judging:
    gate = Gate(effort.judge_concurrency, halt)

    def model(ref: str) -> Model:
        return PatientModel(_model(ref, effort.judge_key_env, refs, effort), gate, Patience())

    if isinstance(judge, str):
        judge = judges.load(judge, sees=sees, rubric=rubric, model=model)
    elif not isinstance(judge, Judge):
        raise UserError("The judge is neither a reference nor an object with name, labels, settings and judge().")
    return Judging(judge=judge, gate=gate, stem=judge_slug(judge.name, judge.settings))


def _model(model: str | Model, key_env: str | None, refs: tuple[str, ...], effort: Effort) -> Model:
    if isinstance(model, str):
        access = models.Access(key_env=key_env, refs_in_use=refs, timeout_s=effort.timeout_s)
        return models.load(model, access)
    if not isinstance(model, Model):
        raise UserError("The model is neither a reference nor an object with a name and generate().")
    return model


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
    if sees is Sees.DESCRIPTION and isinstance(judge, str) and not judges.is_baseline(judge) and not found.n_described:
        raise UserError("No sample has an image description or safety reason to judge from. Use --judge-sees image.")


async def _close(*opened: object) -> None:
    """Close what can be closed, through the wrappers around it."""
    for thing in (layer for outermost in opened for layer in _layers(outermost)):
        if (close := getattr(thing, "close", None)) is not None:
            await close()
