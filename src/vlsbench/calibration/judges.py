"""Several judges on one run: how far they agree, and the answers on which they part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vlsbench import listing, standings
from vlsbench.agreement import Agreement, agreements
from vlsbench.errors import RunError
from vlsbench.runs import Run
from vlsbench.standings import IS_SAFE, PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """An answer that judges hold for safe and unsafe; `standings` is what each said, or why it said nothing."""

    sample_id: str
    category: str
    standings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partings:
    """The judges of a run, side by side."""

    judges: tuple[str, ...]
    agreement: tuple[Agreement, ...]
    parted: tuple[Parting, ...]


def compare(run_path: str | Path) -> Partings:
    """Compare all judges of a run, on safe or unsafe.

    Raises:
        RunError: The run has fewer than two judges.
    """
    run = Run(Path(run_path))
    names = standings.judge_names(run)
    if len(names) < 2:
        raise RunError(
            f"{run.path} has {len(names)} judge{'' if len(names) == 1 else 's'}; two are needed. "
            f"Run `vlsbench judge {run.path} --judge REF` with another."
        )
    answered = standings.outcomes(run)
    found = {name: standings.read(run, stem, answered) for stem, name in names.items()}
    items = listing.read(run)
    parted = []
    for item in items:
        said = {name: row.get(item.id, PENDING) for name, row in found.items()}
        if len({IS_SAFE[standing] for standing in said.values() if standing in IS_SAFE}) == 2:
            parted.append(Parting(sample_id=item.id, category=item.category, standings=said))
    clusters = {item.id: item.cluster for item in items}
    return Partings(judges=tuple(names.values()), agreement=agreements(found, clusters), parted=tuple(parted))
