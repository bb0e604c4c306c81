"""What a build comes to: ``summary.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from vlsbench.construct import lines
from vlsbench.construct.candidates import Funnel, FunnelRow
from vlsbench.construct.crew import ROLES
from vlsbench.construct.folder import BuildFolder
from vlsbench.core.errors import RunError
from vlsbench.core.usage import Usage
from vlsbench.core.words import bare
from vlsbench.leakage.export import Removed
from vlsbench.leakage.findings import figures_json
from vlsbench.leakage.protocol import LeakageRates
from vlsbench.store import journal

JSON = Mapping[str, Any]

_SPENT = ("requests", "prompt_tokens", "completion_tokens")

ROLE_OF: Mapping[str, str] = {**ROLES, "paint": "painter", "guard": "guard", "check_guard": "check_guard"}
"""The role that each step that asks somebody belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one role was asked: requests, repairs included, and tokens, which are None where no server told them.

    `uncounted` are results whose tokens nobody told; those are in no sum.
    """

    requests: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    uncounted: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSummary:
    """The figures of a build, as ``summary.json`` holds them.

    Attributes:
        path: The build's folder.
        elements: How many were taken up.
        unseen: Elements that nothing is known of yet.
        pending: Elements that failures keep from their end, by step and failure. One that waits both for a twin and for
            a pair to be filed stands under both.
        pairs: Candidates, before the gate.
        kept: Pairs that pass everything.
        twins: Benign twins that are kept with them.
        funnel: Step by step, how many went in and came out, and why the others did not.
        refused: Elements that the author declined, by sub-category.
        leakage: R1, R2 and R1 - R2 by the guard before the gate and after it; ``check`` is by another guard, after it.
        baseline: The area of a classifier on the texts alone against a reference, before and after.
        rules: What each rule took out.
        near_pictures: Pairs of kept records whose pictures look alike.
        composition: Kept pairs by sub-category.
        review: What people said, once they did.
        cost: What each role was asked.
        truth: In the miniature, the true rates; `assumptions` are those of its models' errors.
        notes: What a reader should know, in sentences.
    """

    path: Path
    elements: int
    unseen: int
    pending: Mapping[str, int]
    pairs: int
    kept: int = 0
    twins: int = 0
    funnel: Sequence[FunnelRow]
    refused: Mapping[str, int]
    leakage: JSON = field(default_factory=dict)
    baseline: JSON = field(default_factory=dict)
    rules: Sequence[JSON] = ()
    near_pictures: int = 0
    composition: Mapping[str, int] = field(default_factory=dict)
    review: JSON | None = None
    cost: Mapping[str, Spent] = field(default_factory=dict)
    truth: JSON | None = None
    assumptions: JSON | None = None
    notes: Sequence[str] = ()

    @property
    def pending_share(self) -> float:
        """The share of elements that have not come to their end, between 0 and 1."""
        return min(1.0, (sum(self.pending.values()) + self.unseen) / self.elements) if self.elements else 0.0

    def to_json(self) -> dict[str, Any]:
        """The object of ``summary.json``."""
        return {
            "elements": self.elements,
            "unseen": self.unseen,
            "pending": dict(self.pending),
            "pairs": self.pairs,
            "kept": self.kept,
            "twins": self.twins,
            "funnel": [row.to_json() for row in self.funnel],
            "refused": dict(self.refused),
            "leakage": dict(self.leakage),
            "baseline": dict(self.baseline),
            "rules": list(self.rules),
            "near_pictures": self.near_pictures,
            "composition": dict(self.composition),
            "review": self.review,
            "cost": {
                role: {
                    "requests": spent.requests,
                    "prompt_tokens": spent.prompt_tokens,
                    "completion_tokens": spent.completion_tokens,
                    "uncounted": spent.uncounted,
                    "seconds": spent.seconds,
                }
                for role, spent in self.cost.items()
            },
            "truth": self.truth,
            "assumptions": self.assumptions,
            "notes": list(self.notes),
        }


def of_funnel(folder: BuildFolder, funnel: Funnel, notes: Sequence[str] = ()) -> BuildSummary:
    """What is known before the gate."""
    return BuildSummary(
        path=folder.path,
        elements=funnel.elements,
        unseen=funnel.unseen,
        pending=dict(sorted(funnel.pending.items())),
        pairs=funnel.pairs,
        funnel=tuple(funnel.table()),
        refused=dict(sorted(funnel.refused.items())),
        cost=cost(folder),
        notes=tuple(notes),
    )


def rates(found: LeakageRates) -> JSON:
    """R1, R2 and their difference, as everywhere."""
    whole = figures_json(found)
    return {name: whole[name] for name in ("n", "r1", "r2", "r1_minus_r2")}


def rate_text(rate: JSON) -> str:
    """A rate of a summary with its interval, in per cent."""
    if rate["value"] is None:
        return "-"
    bounds = "" if rate["low"] is None else f" [{bare(rate['low'])}, {bare(rate['high'])}]"
    return f"{bare(rate['value'])}{bounds}"


def rules(removed: Sequence[Removed]) -> tuple[JSON, ...]:
    """The rules as ``summary.json`` and ``rules.json`` have them."""
    return tuple(
        {"rule": row.rule, "sentence": row.sentence, "first": row.first, "failed": row.failed} for row in removed
    )


def gate_row(removed: Sequence[Removed], pairs: int, kept: int) -> FunnelRow:
    """The gate as a row of the funnel."""
    dropped = {row.rule: row.first for row in removed if row.first}
    return FunnelRow(step="gate", unit="pairs", entered=pairs, left=kept, dropped=dropped)


def cost(folder: BuildFolder) -> dict[str, Spent]:
    """What each role was asked, in all sessions."""
    sums: dict[str, tuple[Usage, list[float]]] = {}
    for step, role in ROLE_OF.items():
        for row in lines.read(folder.steps / f"{step}.jsonl"):
            usage, seconds = sums.setdefault(role, (Usage(), []))
            numbers = {name: value if isinstance(value := row.get(name), int) else None for name in _SPENT}
            usage.record(
                numbers["requests"] or 0,
                0,
                numbers["prompt_tokens"],
                numbers["completion_tokens"],
                None,
                replied=bool(row.get("model")),
            )
            seconds.append(latency if isinstance(latency := row.get("latency_s"), int | float) else 0.0)
    return {
        role: Spent(
            requests=usage.requests,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            uncounted=usage.uncounted,
            seconds=round(sum(seconds), 3),
        )
        for role, (usage, seconds) in sums.items()
    }


def write(found: BuildSummary) -> None:
    """Write ``summary.json``.

    Raises:
        Stopped: It cannot be written.
    """
    data = orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    journal.write_atomically(found.path / "summary.json", data)


def read(path: Path) -> BuildSummary:
    """The figures of a build.

    Raises:
        RunError: There is no build, or it has no figures yet.
    """
    folder = BuildFolder(path)
    try:
        row = orjson.loads(folder.summary.read_bytes())
        funnel = tuple(
            FunnelRow(step=one["step"], unit=one["unit"], entered=one["in"], left=one["out"], dropped=one["dropped"])
            for one in row["funnel"]
        )
        spent = {role: Spent(**one) for role, one in row["cost"].items()}
        return BuildSummary(path=path, **{**row, "funnel": funnel, "cost": spent})
    except FileNotFoundError as error:
        raise RunError(f"{path} has no figures yet: run its `vlsbench build` command to the end.") from error
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise RunError(f"{folder.summary} is damaged ({error}). The build's own command writes it anew.") from error
