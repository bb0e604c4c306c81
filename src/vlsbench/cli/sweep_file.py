"""What a sweep is asked for, from its file or from the command line: models by datasets by judges."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vlsbench import datasets, judges, models
from vlsbench.cli import options
from vlsbench.cli.sweep_settings import OF_A_GUARD, OF_A_JUDGE, OF_THE_ANSWERS, Table, check, namespace
from vlsbench.core.errors import UserError
from vlsbench.sweep.making import SLOTS
from vlsbench.sweep.planning import Asked, AskedAudit, AskedRun

if TYPE_CHECKING:
    from vlsbench.run.plan import Evaluation

Given = Mapping[str, object]
"""Options of the command line by name, as they were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A reference, and the settings that stand beside it."""

    ref: str
    settings: Table = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Settings for the cells that fit: patterns of references, where an empty one fits all."""

    settings: Table
    model: str = ""
    dataset: str = ""
    guard: str = ""

    def fits(self, dataset: str, *, model: str = "", guard: str = "") -> bool:
        """Whether it is about a run of a model, or an audit by a guard."""
        if (self.model and not model) or (self.guard and not guard):
            return False
        pairs = ((self.dataset, dataset), (self.model, model), (self.guard, guard))
        return all(fnmatchcase(ref, pattern) for pattern, ref in pairs if pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFile:
    """A sweep as it is asked for; `settings` are options of ``eval`` for all cells."""

    models: tuple[Named, ...]
    datasets: tuple[Named, ...]
    judges: tuple[Named, ...] = ()
    audit: tuple[Named, ...] = ()
    conditions: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    settings: Table = field(default_factory=dict)
    out: str = "runs/sweep"
    report: bool = False
    slots: int = SLOTS
    max_unscored: float = 0.05

    def asked(self, given: Given | None = None) -> Iterator[Asked | UserError]:
        """Every cell: each model with each dataset, then each dataset before each guard.

        In the place of a cell that cannot be asked for stands what is wrong with it, so that all mistakes can be told.

        Args:
            given: Options of the command line, which count for every cell.
        """
        given = given or {}
        for model in self.models:
            for dataset in self.datasets:
                yield from _or_mistake(self._run(model, dataset, given))
        for dataset in self.datasets:
            for guard in self.audit:
                yield from _or_mistake(self._audit(dataset, guard, given))

    def _run(self, model: Named, dataset: Named, given: Given) -> Iterator[Asked]:
        fitting = [each.settings for each in self.overrides if each.fits(dataset.ref, model=model.ref)]
        settings = _merged(self.settings, dataset.settings, model.settings, *fitting)
        if settings.pop("skip", False):
            return
        named = self._judges(settings.pop("judges", None), dataset.ref, settings.get("columns"))
        conditions = settings.pop("conditions", self.conditions)
        refs = {"model": model.ref, "dataset": dataset.ref, "judge": named[0].ref}
        base = options.evaluation(namespace(settings, given, **refs))
        of_judges = {key: settings[key] for key in OF_A_JUDGE if key in settings}
        yield AskedRun(
            judged=tuple(self._judged(base, judge, of_judges, given) for judge in named),
            conditions=tuple(conditions) if isinstance(conditions, list | tuple) else (),
            effort=base.effort,
        )

    def _judges(self, own: object, dataset: str, columns: object) -> tuple[Named, ...]:
        """The judges of a dataset: its own, that of right answers where it has such, else those of all."""
        if isinstance(own, tuple):
            return own
        usual = datasets.usual_judge(dataset, columns if isinstance(columns, str) else None)
        if usual is not None and (usual == datasets.ANSWERS or not self.judges):
            return (Named(ref=usual),)
        if not self.judges:
            raise UserError(f'No judge is named for {dataset}. Name some: judges = ["REF"], or --judge REF.')
        return self.judges

    def _judged(self, base: Evaluation, judge: Named, of_judges: Table, given: Given) -> Evaluation:
        """The same with one of the judges, which is loaded and reached as the file says for all, or beside it."""
        settings = _merged(self.settings, of_judges, judge.settings)
        args = namespace(settings, given, model="", dataset="", judge=judge.ref)
        effort = options.effort(args)
        if "judge_servers" not in judge.settings and not models.is_servable(judges.model_ref(judge.ref) or judge.ref):
            effort = replace(effort, judge_servers=None)
        takes_rubric = not judges.is_offline(judge.ref) and not judge.ref.startswith(("guard:", "graded"))
        return replace(
            base,
            judge=judge.ref,
            # What is said of all judges is meant for those that it can be said of.
            judge_sees=args.judge_sees if takes_rubric or "judge_sees" in judge.settings else "image",
            rubric=args.rubric if takes_rubric or "rubric" in judge.settings else None,
            effort=effort,
        )

    def _audit(self, dataset: Named, guard: Named, given: Given) -> Iterator[Asked]:
        fitting = [each.settings for each in self.overrides if each.fits(dataset.ref, guard=guard.ref)]
        settings = _merged(self.settings, dataset.settings, *fitting)
        if settings.pop("skip", False):
            return
        for key in ("judges", "conditions", *OF_A_JUDGE):
            settings.pop(key, None)
        of_all = {name: value for name, value in given.items() if name not in OF_A_JUDGE}
        args = namespace({**settings, **guard.settings}, of_all, model="", dataset=dataset.ref, judge=guard.ref)
        yield AskedAudit(
            dataset=dataset.ref, guard=guard.ref, columns=args.columns, limit=args.limit, effort=options.effort(args)
        )


def _or_mistake(asked: Iterator[Asked]) -> Iterator[Asked | UserError]:
    try:
        yield from asked
    except UserError as error:
        yield error


def _merged(*tables: Table) -> dict[str, object]:
    """Settings of several tables, of which later ones count; `columns` and the like are replaced as a whole."""
    return {name: value for table in tables for name, value in table.items()}


_OF_A_CELL = ("judges", "conditions", "skip")
_TOP = ("models", "datasets", "judges", "conditions", "audit", "overrides", "out", "report", "slots", "max_unscored")


def read(path: Path) -> SweepFile:
    """The sweep of a file.

    Raises:
        UserError: It cannot be read, or something in it is unknown, of the wrong kind, empty or named twice.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is no TOML: {error}.") from error
    return of_table(found, str(path))


def of_table(found: Table, where: str) -> SweepFile:
    """The sweep that a table describes.

    Args:
        found: The table.
        where: What it is, for messages.

    Raises:
        UserError: As for `read`.
    """
    check(found, where, besides=_TOP)
    audit = _all_named(found.get("audit", []), f"{where}: audit", _of_a_guard)
    models = _all_named(found.get("models", []), f"{where}: models", _of_a_model)
    datasets = _all_named(found.get("datasets", []), f"{where}: datasets", _of_a_model)
    if not datasets:
        raise UserError(f'{where}: no dataset is named. Name some: datasets = ["REF", …], or --dataset REF.')
    if not models and not audit:
        raise UserError(
            f'{where}: no model is named. Name some: models = ["REF", …], or --model REF; or guards to audit by: '
            'audit = ["REF"], or --audit GUARD.'
        )
    return SweepFile(
        models=models,
        datasets=datasets,
        judges=_all_named(found.get("judges", []), f"{where}: judges", _of_a_judge),
        audit=audit,
        conditions=_texts(found.get("conditions", []), f"{where}: conditions"),
        overrides=tuple(_overrides(found.get("overrides", []), f"{where}: overrides")),
        settings={name: value for name, value in found.items() if name not in _TOP},
        out=_of_kind(found.get("out", "runs/sweep"), str, f"{where}: out"),
        report=_of_kind(found.get("report", False), bool, f"{where}: report"),
        slots=_slots(found.get("slots", SLOTS), f"{where}: slots"),
        max_unscored=_share(found.get("max_unscored", 0.05), f"{where}: max_unscored"),
    )


def _all_named(found: object, where: str, settings: Callable[[Table, str], Table]) -> tuple[Named, ...]:
    """References, some of them in a table with settings."""
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list):
        raise UserError(f"{where} is a list of references, not {found!r}.")
    named = []
    for number, one in enumerate(found, start=1):
        here = f"{where}[{number}]"
        table = {"ref": one} if isinstance(one, str) else one
        if not isinstance(table, dict) or not isinstance(table.get("ref"), str) or not table["ref"]:
            raise UserError(f'{here} is a reference or a table with one, as {{ ref = "REF", … }}, not {one!r}.')
        own = {name: value for name, value in table.items() if name != "ref"}
        made = Named(ref=table["ref"], settings=settings(own, here))
        if made in named:
            raise UserError(f"{here}: {made.ref} is named twice.")
        named.append(made)
    return tuple(named)


def _of_a_model(table: Table, where: str) -> Table:
    check(table, where, besides=_OF_A_CELL)
    return _cell_settings(table, where)


def _of_a_judge(table: Table, where: str) -> Table:
    check(table, where, but=OF_THE_ANSWERS)
    return table


def _of_a_guard(table: Table, where: str) -> Table:
    own = {OF_A_GUARD.get(name, name): value for name, value in table.items()}
    check(own, where, but=set(OF_THE_ANSWERS) - {"limit"} | {"judge_sees", "rubric"})
    return own


def _cell_settings(table: Table, where: str) -> Table:
    """Settings with the judges and conditions among them as what they are."""
    own = dict(table)
    if "judges" in own:
        own["judges"] = _all_named(own["judges"], f"{where}: judges", _of_a_judge)
    if "conditions" in own:
        own["conditions"] = _texts(own["conditions"], f"{where}: conditions")
    _of_kind(own.get("skip", False), bool, f"{where}: skip")
    return own


def _overrides(found: object, where: str) -> Iterator[Override]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UserError(f"{where} is a list of tables; write [[overrides]] before each.")
    for number, one in enumerate(found, start=1):
        here = f"{where}[{number}]"
        patterns = {key: _of_kind(one.get(key, ""), str, f"{here}: {key}") for key in ("model", "dataset", "guard")}
        if not any(patterns.values()):
            raise UserError(f"{here} says of no cell that it is about it: name a model, a dataset or a guard.")
        own = {name: value for name, value in one.items() if name not in patterns}
        check(own, here, besides=(*_OF_A_CELL, *patterns))
        yield Override(settings=_cell_settings(own, here), **patterns)


def _texts(found: object, where: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise UserError(f"{where} is a list of texts, not {found!r}.")
    return tuple(found)


Kind = TypeVar("Kind", str, bool)


def _of_kind(found: object, kind: type[Kind], where: str) -> Kind:
    if not isinstance(found, kind):
        raise UserError(f"{where} is {'true or false' if kind is bool else 'a text'}, not {found!r}.")
    return found


def _slots(found: object, where: str) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise UserError(f"{where} is a whole number of 1 or more, not {found!r}.")
    return found


def _share(found: object, where: str) -> float:
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found <= 1:
        raise UserError(f"{where} is a number between 0 and 1, not {found!r}.")
    return float(found)
