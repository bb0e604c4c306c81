"""The audit: how much of the harm does the text of a set already tell?

First the guard, where one is named, judges every pair, its text alone and its image alone (`checking`,
`protocol`). Then the signals that need no model are measured (`signals`), and both are written down
(`findings`). The same call again continues: verdicts that are there are not asked for again.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from vlsbench import datasets, models
from vlsbench.core.errors import RunError, UserError
from vlsbench.core.names import slug, without_address
from vlsbench.core.protocols import Dataset, require
from vlsbench.core.usage import Price
from vlsbench.datasets import Columns
from vlsbench.leakage import findings, guards
from vlsbench.leakage.checking import Checking
from vlsbench.leakage.findings import Audit, Verdicts, Writer
from vlsbench.leakage.guards import Desk, Guard
from vlsbench.leakage.signals.measures import Measures
from vlsbench.results import served
from vlsbench.run.engine import run_to_end, stoppable
from vlsbench.run.fingerprint import Fingerprint
from vlsbench.run.loading import Effort, adaptations_of, details_of, meet, parameters_of, placed, roots_of
from vlsbench.run.plan import Selection, check_texts, select
from vlsbench.run.preparation import Preparation
from vlsbench.run.progress import Progress
from vlsbench.run.throttle import Halt
from vlsbench.store.folders import acquire_lock, default_folder, is_occupied, make_folder, require_known, set_aside
from vlsbench.store.identity import Identity
from vlsbench.store.kinds import GUARD
from vlsbench.store.manifest import merged
from vlsbench.store.run_folder import Run, is_answered, open_or_create, require_same, timestamp

_FILES = frozenset({"audit.json", "guard"})

Say = Callable[[str], None]

Remember = Callable[[Guard], Guard]
"""Puts a memory around a guard; name and settings stay the guard's."""


def audit(
    *,
    dataset: str | Dataset,
    guard: str | Guard | None = None,
    columns: str | Mapping[str, str] | Columns | None = None,
    out: str | Path | None = None,
    limit: int | None = None,
    reference: str | Dataset | None = None,
    embedder: str | None = None,
    ocr: bool | None = None,
    effort: Effort | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    say: Say | None = None,
    remember: Remember | None = None,
) -> Audit:
    """Audit a dataset, or continue doing so.

    Args:
        dataset: A reference such as ``vlsbench:DIR`` or ``jsonl:FILE``, or any `Dataset`.
        guard: A reference (see `vlsbench.leakage.guards`), or any `Guard`; None to ask no model. Verdicts that an
            earlier call recorded in the folder are counted in any case.
        columns: Which column of a table holds which field, as for `vlsbench.evaluate`.
        out: The audit's folder; by default ``runs/audit-<slug>-<hash8>``.
        limit: Only the first so many samples.
        reference: Another set with benign records, or a reference to one: the harmful texts are compared with its
            texts as well, because benign twins that share their text cannot show what it tells.
        embedder: ``hf:REPO_OR_FOLDER`` of a sentence encoder, for one more signal.
        ocr: Read the text in the images: True, False, or None for where it can be done.
        effort: Requests at once to the guard (`judge_concurrency`), its key (`judge_key_env`), time limit, prices.
        fresh: Start over; the old folder is kept aside.
        progress: Called after every verdict.
        say: Told, in one line each, what is left out.
        remember: Put around the guard before it is asked; may answer in its place what was asked before.

    Returns:
        The figures, which are also written to ``audit.json``; each sample's verdicts and signals are in
        ``samples.jsonl``.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out; the same call continues.
        Interrupted: The user stopped; the same call continues.
    """
    effort = effort or Effort()
    data = datasets.opened(dataset, columns)
    other = datasets.opened(reference) if reference is not None else None
    recorded = Path(out) / "guard" if out is not None and not fresh else None
    plan = plan_audit(data, guard, limit=limit, effort=effort, recorded=recorded)
    path = Path(out) if out is not None else plan.default_folder()
    make_way(path, plan, fresh=fresh)
    make_folder(path)
    lock = acquire_lock(path)
    try:
        if guard is not None:
            halt = Halt()
            desk = Desk(guard, data.name, effort, halt, remember, progress)
            run_to_end(_session(plan, path, desk, halt, progress), halt)
        measures = Measures(embedder=embedder, workers=effort.local.workers, ocr=ocr, say=say)
        return conclude(path, plan, other, measures)
    finally:
        os.close(lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlan:
    """What an audit is to be; `identity` is that of the guard's run, None where no guard is asked.

    `earlier` is the identity that earlier versions gave the guard's run, which held its server's address.
    """

    selection: Selection
    limit: int | None
    effort: Effort
    identity: Identity | None
    earlier: Identity | None = None

    @property
    def price(self) -> Price | None:
        """What the guard costs, where somebody said so."""
        prices = self.effort.prices
        return prices.of_judge(self.identity.model) if prices is not None and self.identity is not None else None

    def folder_name(self) -> str:
        """``audit-<slug>-<hash8>``."""
        return self._name(self.identity)

    def default_folder(self) -> Path:
        """Where the audit is made or continued if nothing else is said."""
        return default_folder(self.folder_name(), self._name(self.earlier))

    def _name(self, identity: Identity | None) -> str:
        found = self.selection.found
        named = identity.fields() if identity is not None else {"dataset_hash": found.sha256}
        digest = hashlib.sha256(orjson.dumps(named, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return f"audit-{slug(self.selection.data.name)}-{digest[:8]}"


def plan_audit(
    data: Dataset,
    guard: str | Guard | None,
    *,
    limit: int | None,
    effort: Effort,
    recorded: Path | None = None,
    selection: Selection | None = None,
) -> AuditPlan:
    """Check what is asked for; nothing is loaded or contacted.

    Args:
        data: The samples.
        guard: As for `audit`, like what is not explained here.
        limit: Likewise.
        effort: Likewise.
        recorded: The guard's run, which may know the records already.
        selection: The samples, where they are known.

    Raises:
        UserError: Something in the arguments or files has to change first.
    """
    _check(limit, effort)
    guards.require_servable(guard, effort.judge_servers)
    check_texts(data.name, str(data.root))
    if guard is not None and not isinstance(guard, str):
        require(guard, Guard, "guard")
    known = guards.identify(guard, data.name) if isinstance(guard, str) else guard
    selection = selection or select(data, limit, recorded)
    identity = _identity(known, data, selection.found, limit) if known is not None else None
    earlier = None
    if identity is not None and guard is not None:
        named = models.named_before(guard) if isinstance(guard, str) else guard.name
        earlier = replace(identity, model=named)
    return AuditPlan(selection=selection, limit=limit, effort=effort, identity=identity, earlier=earlier)


def _identity(guard: Guard, data: Dataset, found: Fingerprint, limit: int | None) -> Identity:
    """The guard's run as a run: what would change a verdict is part of it."""
    return Identity(
        model=without_address(guard.name),
        dataset=data.name,
        dataset_hash=found.sha256,
        max_tokens=0,
        temperature=0.0,
        system=None,
        seed=None,
        limit=limit,
        condition={"name": GUARD, **guard.settings},
    )


def make_way(path: Path, plan: AuditPlan, *, fresh: bool) -> None:
    """Nothing where this audit may be written to a folder, which may hold an earlier state of it.

    Raises:
        RunError: The folder holds something else.
    """
    what = "an audit's folder (it has no audit.json)"
    if not is_occupied(path):
        return
    if fresh:
        set_aside(path, _FILES, what)
        return
    require_known(path, _FILES, what)
    if plan.identity is not None and (path / "guard").exists():
        require_same(path / "guard", plan.identity)
    if _hash_of(path) not in (None, plan.selection.found.sha256):
        raise RunError(
            f"{path} holds the audit of other samples. Choose another --out, or --fresh to start over (the old folder "
            "is kept aside)."
        )


def _hash_of(path: Path) -> str | None:
    """The hash of the samples that a folder holds an audit of; None where it does not say yet."""
    if (path / "guard" / "manifest.json").exists() and is_answered(run := Run(path / "guard")):
        return run.manifest.dataset_hash
    try:
        found: Any = orjson.loads((path / "audit.json").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError) as error:
        raise RunError(f"{path / 'audit.json'} cannot be read: {error}. Delete it, and it is written anew.") from error
    return str(found.get("dataset_hash")) if isinstance(found, dict) else None


async def _session(plan: AuditPlan, path: Path, desk: Desk, halt: Halt, progress: Progress | None) -> None:
    """The guard's verdicts, stopped by Ctrl-C."""
    with stoppable(halt):
        await ask(plan, path, desk, halt, progress)


async def ask(plan: AuditPlan, path: Path, desk: Desk, halt: Halt, progress: Progress | None) -> None:
    """Get the guard's verdicts that are not there yet into an audit's folder; the guard is closed at the end.

    Raises:
        RunError: The folder holds another guard's verdicts, or is being written to.
        Interrupted: The user stopped.
        VLSBenchError: What would go wrong with every sample.
    """
    try:
        run = _opened(plan, path / "guard", desk)
        finished = None
        try:
            await meet(desk.guard)
            if plan.price is not None:
                run.update(price=asdict(plan.price))
            source = Preparation(run, plan.selection.data, plan.limit)
            await Checking(run, source, desk.guard, desk.gate, halt, progress, run.manifest.price).follow()
            finished = timestamp()
        finally:
            try:
                run.update(
                    finished=finished,
                    model_adaptations=adaptations_of(desk.guard),
                    model_roots=merged(run.manifest.model_roots, roots_of(desk.guard)),
                    **placed(run, desk.guard),
                )
            finally:
                run.unlock()
    finally:
        await desk.close()


def _opened(plan: AuditPlan, path: Path, desk: Desk) -> Run:
    """The locked run of the guard."""
    if plan.identity is None:
        raise UserError("This audit was planned without a guard.")
    found = plan.selection.found
    details = {
        "dataset_size": found.size,
        "dataset_revision": plan.selection.data.revision,
        "dataset_described": found.n_described,
        "dataset_stamp": plan.selection.stamp,
        "parameters": parameters_of(plan.effort, desk.guard),
        "model_details": details_of(desk.guard),
    }
    return open_or_create(path, plan.identity, details)


def conclude(path: Path, plan: AuditPlan, reference: Dataset | None, measures: Measures) -> Audit:
    """Read what the guard said, measure the signals, and write both down.

    Raises:
        Stopped: The files cannot be written.
    """
    data, found, limit = plan.selection.data, plan.selection.found, plan.limit
    run = Run(path / "guard") if (path / "guard" / "manifest.json").exists() else None
    verdicts = Verdicts(run) if run is not None and run.manifest.dataset_hash == found.sha256 else None
    writer = Writer(path, data.root, verdicts)
    writer.write(measures.of(data, limit))
    done = Audit(
        path=path,
        dataset=data.name,
        dataset_hash=found.sha256,
        limit=limit,
        selected=found.size,
        guarded=verdicts.guarded() if verdicts is not None else None,
        usage=verdicts.usage(plan.effort.prices) if verdicts is not None else {},
        signals=measures.totals,
        partial_input=measures.partial_input(data, limit),
        partial_input_reference=measures.partial_input(data, limit, reference) if reference is not None else None,
        notes=(*(served.doubts(run.manifest) if verdicts is not None and run is not None else ()), *measures.notes),
        examples=writer.examples,
    )
    findings.write(done)
    return done


def _check(limit: int | None, effort: Effort) -> None:
    if limit is not None and limit < 1:
        raise UserError("--limit must be at least 1.")
    if effort.judge_concurrency != "auto" and effort.judge_concurrency < 1:
        raise UserError("--guard-concurrency must be at least 1, or auto.")
    if not 0 < effort.timeout_s < math.inf:
        raise UserError("--timeout must be over 0 seconds.")
