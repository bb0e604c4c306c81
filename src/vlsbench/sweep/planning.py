"""From what a sweep is asked for to its cells, with every mistake found before the first request."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from vlsbench import datasets, models
from vlsbench.ablation import folder
from vlsbench.ablation.ablate import plan_ablation
from vlsbench.core.errors import MissingExtra, SeveralMistakes, UserError
from vlsbench.core.protocols import Dataset, Model
from vlsbench.datasets import Columns
from vlsbench.leakage.audit import make_way, plan_audit
from vlsbench.leakage.guards import Guard, model_ref
from vlsbench.models.local import origin
from vlsbench.run.loading import Effort, Loader
from vlsbench.run.plan import Evaluation, Selection, check_numbers, make_plan, select
from vlsbench.sweep.audits import AuditCell
from vlsbench.sweep.cells import AblationCell, RunCell, SweepCell, stem_of

MOST_MISTAKES = 20
"""So many are listed; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRun:
    """A model on a dataset, perhaps under conditions.

    `judged` has an evaluation for each judge: they differ in the judge and in the effort, which is how the judge is
    reached. How the model is reached stands in `effort`.
    """

    judged: tuple[Evaluation, ...]
    conditions: tuple[str, ...] = ()
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAudit:
    """A dataset before a guard; the guard takes the judge's place in `effort`."""

    dataset: str | Dataset
    guard: str | Guard
    columns: str | Mapping[str, str] | Columns | None = None
    limit: int | None = None
    effort: Effort = field(default_factory=Effort)


Asked = AskedRun | AskedAudit

Say = Callable[[str], None]


def plan_sweep(
    asked: Iterable[Asked | UserError], out: Path, *, fresh: bool = False, say: Say | None = None
) -> list[SweepCell]:
    """The cells of a sweep, in order. Reads each dataset once; loads and contacts nothing.

    Args:
        asked: What each cell is to be, or why it cannot be.
        out: The folder that theirs lie in.
        fresh: Whether what is there will be set aside.
        say: Told, in one line each, what an audit leaves out.

    Raises:
        UserError: Something has to change first; the message lists every mistake that was found.
    """
    planner = _Planner(out, fresh=fresh, say=say)
    cells: list[SweepCell] = []
    mistakes: dict[str, None] = {}
    for one in asked:
        if isinstance(one, UserError):
            mistakes[str(one)] = None
            continue
        try:
            cells.append(planner.run(one) if isinstance(one, AskedRun) else planner.audit(one))
        except UserError as error:
            mistakes[str(error)] = None
    owners: dict[Path, SweepCell] = {}
    for cell in cells:
        if cell.path in owners:
            other = owners[cell.path].name
            again = f" (as {other})" if other != cell.name else ""
            mistakes[f"{cell.name} is asked for twice, with the same samples and settings{again}."] = None
        owners.setdefault(cell.path, cell)
    if mistakes:
        raise _listed(list(mistakes))
    if not cells:
        raise UserError("Nothing is left to do in this sweep: it has no cell.")
    return cells


def only(cells: Iterable[SweepCell], globs: Iterable[str]) -> list[SweepCell]:
    """The cells whose name or folder fits one of the patterns; all of them where there is none.

    Raises:
        UserError: None does.
    """
    cells, globs = list(cells), list(globs)
    if not globs:
        return cells
    found = [cell for cell in cells if any(_fits(cell, glob) for glob in globs)]
    if not found:
        heading = f"No cell fits --only {' '.join(globs)}. Write for example --only '{cells[0].name}'; there are:"
        raise _shortened(heading, [cell.name for cell in cells])
    return found


def _fits(cell: SweepCell, glob: str) -> bool:
    pattern = glob if any(character in glob for character in "*?[") else f"*{glob}*"
    return any(fnmatchcase(text, pattern) for text in (cell.name, cell.path.name))


def _listed(mistakes: list[str]) -> UserError:
    if len(mistakes) == 1:
        return UserError(mistakes[0])
    return _shortened(f"{len(mistakes):,} things have to change first:", mistakes)


def _shortened(heading: str, lines: list[str]) -> SeveralMistakes:
    rest = len(lines) - MOST_MISTAKES
    return SeveralMistakes(heading, [*lines[:MOST_MISTAKES], *([f"… and {rest:,} more"] if rest > 0 else [])])


class _Planner:
    """Plans cells one by one, and remembers what they have in common."""

    def __init__(self, out: Path, *, fresh: bool, say: Say | None) -> None:
        self._out = out
        self._fresh = fresh
        self._say = say
        self._opened: dict[object, Dataset] = {}
        self._selections: dict[object, Selection] = {}
        self._reachable: set[tuple[object, ...]] = set()

    def run(self, asked: AskedRun) -> SweepCell:
        """The cell of a model and a dataset.

        Raises:
            UserError: Something has to change first.
        """
        first = asked.judged[0]
        refs = tuple(ref for each in asked.judged for ref in each.refs)
        stems = [stem_of(each) for each in asked.judged]
        if len(set(stems)) < len(stems):
            raise UserError(f"{first.model}: the same judge is named twice, with the same settings.")
        check_numbers(first.generation, first.limit, asked.effort)
        effort = asked.effort
        self._require_usable(first.model, effort.model_key_env, effort.servers, refs, effort)
        for each in asked.judged:
            for judge in each.refs[1:]:
                own = each.effort
                self._require_usable(judge, own.judge_key_env, own.judge_servers, refs, own)
        if asked.conditions:
            if asked.effort.batch.sending:
                raise UserError("An ablation is not asked in batches: leave out batch or conditions.")
            planned = plan_ablation(first, asked.conditions)
            path = self._out / folder.default_name(planned.plan.identity, stems[0])
            planned.require_continuable(path, fresh=self._fresh)
            return AblationCell(path=path, effort=asked.effort, judged=asked.judged, planned=planned)
        if first.shard is not None:
            raise UserError("A sweep is not sharded: run `vlsbench eval --shard` for each shard, and `vlsbench merge`.")
        selection = self._selection(first.dataset, first.columns, first.limit)
        plan, *_ = [make_plan(each, selection=selection) for each in asked.judged]
        path = plan.folder(self._out / plan.identity.folder_name(), fresh=self._fresh)
        return RunCell(path=path, effort=asked.effort, judged=asked.judged, plan=plan)

    def audit(self, asked: AskedAudit) -> SweepCell:
        """The cell of a dataset and a guard.

        Raises:
            UserError: Something has to change first.
        """
        selection = self._selection(asked.dataset, asked.columns, asked.limit)
        plan = plan_audit(selection.data, asked.guard, limit=asked.limit, effort=asked.effort, selection=selection)
        if isinstance(asked.guard, str):
            effort, ref = asked.effort, model_ref(asked.guard)
            if asked.guard.startswith("moderation:"):
                access = Loader(effort, (ref,)).access(effort.judge_key_env, effort.judge_servers)
                models.load_moderation(asked.guard.removeprefix("moderation:"), access)
            self._require_usable(ref, effort.judge_key_env, effort.judge_servers, (ref,), effort)
        path = self._out / plan.folder_name()
        if not self._fresh:
            make_way(path, plan, fresh=False)
        return AuditCell(path=path, guard=asked.guard, plan=plan, say=self._say)

    def _selection(
        self, dataset: str | Dataset, columns: str | Mapping[str, str] | Columns | None, limit: int | None
    ) -> Selection:
        """The samples of a dataset, read once for all cells that have them in common."""
        key = (dataset if isinstance(dataset, str) else id(dataset), str(columns), limit)
        if key not in self._selections:
            self._selections[key] = select(datasets.opened(dataset, columns), limit)
        return self._selections[key]

    def _require_usable(
        self,
        model: str | Model | None,
        key_env: str | None,
        servers: str | None,
        refs: tuple[str | Model | None, ...],
        effort: Effort,
    ) -> None:
        """Nothing where a model can be made, as far as can be told without loading it.

        Raises:
            UserError: Its key, its folder or the packages that it needs are missing.
        """
        if not isinstance(model, str):
            return
        asked = (model, key_env, servers, refs)
        if asked in self._reachable:
            return
        models.canonical(model)
        if models.is_local(model):
            _require_local(model)
        else:
            Loader(effort, refs).model(model, key_env, servers)
        self._reachable.add(asked)


def _require_local(ref: str) -> None:
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")):
        raise MissingExtra("torch and transformers", "hf")
    scheme, rest = models.split(ref)
    if scheme == "hf":
        source = origin.parse(rest)
        for place in (source.base, source.adapter):
            if place is not None:
                origin.require_place(place)
