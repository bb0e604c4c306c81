"""What a recipe needs, and what of it there is: sets, checkpoints, keys, hours and cost. Contacts nobody."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from vlsbench import datasets, judges, models
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.usage import Price, Usage
from vlsbench.datasets.base import Ref
from vlsbench.judges import graded
from vlsbench.leakage.protocol import Part
from vlsbench.models import Access
from vlsbench.models.local import origin
from vlsbench.paper.recipe import PaperRecipe
from vlsbench.run.loading import Effort
from vlsbench.sweep.cells import SweepCell
from vlsbench.sweep.planning import Asked, AskedAudit, plan_sweep

ANSWERS_PER_S = 4.0
"""Answers a second of a local model: an assumption for a 7B model on one GPU, not a measurement."""

VERDICT_TOKENS_IN, VERDICT_TOKENS_OUT = 1500, 120
"""Assumed of a verdict: rubric, query and answer, and 765 tokens for a picture of 1024 x 1024 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that is needed; `missing` says what to do about it, and is empty where it is there."""

    kind: str
    name: str
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Everything that a recipe needs; `cells` are those that can be made with what is there.

    `answers` and `verdicts` are those of the whole recipe, by the sizes of the released sets; a verdict is one that a
    judge model or a guard is asked for. `hours` is the time of the local models and guards at `ANSWERS_PER_S`, and
    `cost` that of the judge at a price, None without one.
    """

    listed: tuple[Need, ...]
    cells: tuple[SweepCell, ...]
    answers: int
    verdicts: int
    hours: float
    cost: float | None
    currency: str

    def to_json(self) -> dict[str, object]:
        """The object of ``vlsbench paper --dry-run --json``."""
        return {
            "needs": [
                {"kind": one.kind, "name": one.name, "there": not one.missing, "missing": one.missing or None}
                for one in self.listed
            ],
            "cells": [cell.name for cell in self.cells],
            "answers": self.answers,
            "verdicts": self.verdicts,
            "hours": self.hours,
            "cost": self.cost,
            "currency": self.currency,
        }


def needs(
    recipe: PaperRecipe, asked: Iterable[Asked | UserError], out: Path, *, fresh: bool, price: Price | None
) -> Needs:
    """What a recipe needs, and the cells of it that can be made.

    Args:
        recipe: Its rows and columns.
        asked: Its cells.
        out: Where their folders lie.
        fresh: Whether they will be begun anew.
        price: What the judge costs.

    Raises:
        UserError: A cell cannot be asked for so.
    """
    wanted = list(map(_without_mistake, asked))
    sets = {ref: _set(ref) for ref in dict.fromkeys(map(_dataset, wanted))}
    reached = dict(pair for one in wanted for pair in _models(one))
    found = {ref: _model(ref, access) for ref, access in reached.items()}
    missing = {need.name for need in (*sets.values(), *found.values()) if need.missing}
    there = [left for one in wanted if (left := _without(one, missing)) is not None]
    cells = plan_sweep(there, out, fresh=fresh) if there else []
    unnamed = [Need(kind="model", name=row.title, missing=row.note) for row in recipe.models if not row.ref]
    counted = _requests(recipe, wanted)
    tokens = Usage(prompt_tokens=counted.paid * VERDICT_TOKENS_IN, completion_tokens=counted.paid * VERDICT_TOKENS_OUT)
    return Needs(
        listed=(*sets.values(), *found.values(), *unnamed),
        cells=tuple(cells),
        answers=counted.answers,
        verdicts=counted.verdicts,
        hours=counted.local / ANSWERS_PER_S / 3600,
        cost=price.of(tokens) if price is not None else None,
        currency=price.currency if price is not None else "",
    )


def _without_mistake(asked: Asked | UserError) -> Asked:
    if isinstance(asked, UserError):
        raise asked
    return asked


def _without(asked: Asked, missing: Container[str]) -> Asked | None:
    """A cell without the judges that are missing; None where its set, its model or its first judge is."""
    if _dataset(asked) in missing or any(ref in missing for ref, _ in _models(asked)[:2]):
        return None
    if isinstance(asked, AskedAudit):
        return asked
    return replace(asked, judged=tuple(one for one in asked.judged if one.judge not in missing))


def _dataset(asked: Asked) -> str:
    found = asked.dataset if isinstance(asked, AskedAudit) else asked.judged[0].dataset
    return found if isinstance(found, str) else found.name


def _models(asked: Asked) -> list[tuple[str, Access]]:
    """What a cell asks and how that is reached: the model, the first judge, and the others; or the guard."""
    if isinstance(asked, AskedAudit):
        return [(asked.guard, _judging(asked.effort))] if isinstance(asked.guard, str) else []
    model, effort = asked.judged[0].model, asked.effort
    answering = Access(servers=effort.servers, key_env=effort.model_key_env)
    named = [(each.judge, _judging(each.effort)) for each in asked.judged if isinstance(each.judge, str)]
    return [*([(model, answering)] if isinstance(model, str) else []), *(pair for pair in named if ":" in pair[0])]


def _judging(effort: Effort) -> Access:
    return Access(servers=effort.judge_servers, key_env=effort.judge_key_env)


def _set(ref: str) -> Need:
    try:
        opened = datasets.load(ref)
        next(iter(opened))
    except (UserError, StopIteration) as error:
        get = datasets.find(Ref.parse(ref).name).get
        return Need(kind="set", name=ref, missing=str(error) if get in str(error) else f"{error} {get}")
    return Need(kind="set", name=ref)


def _model(ref: str, access: Access) -> Need:
    """A model, judge or guard: its weights on this disk, or its key in the environment."""
    bare = judges.model_ref(ref) or ref
    try:
        if models.is_local(bare):
            return Need(kind="checkpoint", name=ref, missing=_not_cached(bare))
        models.load(bare, access)
    except UserError as error:
        return Need(kind="key", name=ref, missing=str(error))
    return Need(kind="key", name=ref)


def _not_cached(ref: str) -> str:
    """What to do where the weights of a local model are not on this disk; empty where they are."""
    scheme, rest = models.split(ref)
    if scheme != "hf":
        return ""
    for place in (source := origin.parse(rest)).base, source.adapter:
        if place is None or place.is_folder:
            continue
        origin.require_place(place)
        if not origin.is_cached(place):
            return f"not on this disk: hf download {place.name} (some repositories ask to accept a licence first)"
    return ""


@dataclass(slots=True, kw_only=True)
class _Requests:
    """Requests for answers and for verdicts; of all these those to local models, and the verdicts of a served judge."""

    answers: int = 0
    verdicts: int = 0
    local: int = 0
    paid: int = 0


def _requests(recipe: PaperRecipe, asked: Iterable[Asked]) -> _Requests:
    """What all cells ask for, those included whose set or model is missing, by the sizes of the released sets."""
    columns = (*recipe.audited, *recipe.leaky, recipe.main, *recipe.forms)
    counted = _Requests()
    for one in asked:
        size = next((column.size for column in columns if column.fits(_dataset(one))), 0)
        if isinstance(one, AskedAudit):
            verdicts = min(size, one.limit or size) * len(Part)
            counted.verdicts += verdicts
            counted.local += verdicts * _is_local(str(one.guard))
            continue
        size = min(size, one.judged[0].limit or size)
        counted.answers += size
        counted.local += size * _is_local(str(one.judged[0].model))
        for judge in (str(each.judge) for each in one.judged if not judges.is_offline(str(each.judge))):
            grading = graded.take_apart(judge)
            verdicts = size * (grading[0] if grading is not None else 1)
            counted.verdicts += verdicts
            counted.local += verdicts * _is_local(judge)
            counted.paid += 0 if judge.startswith("guard:") else verdicts * (not _is_local(judge))
    return counted


def _is_local(ref: str) -> bool:
    return models.is_local(judges.model_ref(ref) or ref)


def with_models(recipe: PaperRecipe, named: Iterable[str]) -> PaperRecipe:
    """The recipe with other references for some rows.

    Args:
        recipe: The recipe.
        named: ``TITLE=REF`` each.

    Raises:
        UserError: There is no such row, or no reference.
    """
    rows = {row.title: row for row in recipe.models}
    for one in named:
        title, equals, ref = one.partition("=")
        if not equals or not ref:
            raise UserError(f"--model takes TITLE=REF, for example 'GPT-4o=openai:gpt-4o', not {one!r}.")
        if title not in rows:
            raise UnknownName("row of the paper's tables", title, rows)
        models.canonical(ref)
        rows[title] = replace(rows[title], ref=ref, note="")
    return replace(recipe, models=tuple(rows.values()))
