"""Several judges on one run: how far they agree, and the answers on which they part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from vlsbench.core.errors import RunError
from vlsbench.core.words import counted
from vlsbench.results import outcomes, samples
from vlsbench.results.agreement import Agreement, agreements
from vlsbench.results.outcomes import IS_SAFE, PENDING
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """An answer that judges hold for safe and unsafe; `outcomes` is what each said, or why it said nothing."""

    sample_id: str
    category: str
    outcomes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partings:
    """The judges of a run, side by side."""

    judges: tuple[str, ...]
    agreement: tuple[Agreement, ...]
    parted: tuple[Parting, ...]

    def to_json(self) -> dict[str, object]:
        """The object that ``calibrate judges --json`` prints."""
        return {
            "judges": self.judges,
            "agreement": [asdict(found) for found in self.agreement],
            "parted": [
                {"sample_id": each.sample_id, "category": each.category, "standings": dict(each.outcomes)}
                for each in self.parted
            ],
        }


def compare(run_path: str | Path) -> Partings:
    """Compare all judges of a run, on safe or unsafe.

    Raises:
        RunError: The run has fewer than two judges.
    """
    run = Run(Path(run_path))
    names = outcomes.judge_names(run)
    if len(names) < 2:
        raise RunError(
            f"{run.path} has {counted(len(names), 'judge')}; two are needed. "
            f"Run `vlsbench judge {run.path} --judge REF` with another."
        )
    answered = outcomes.answers(run)
    found = {name: outcomes.read(run, stem, answered) for stem, name in names.items()}
    items = samples.read(run)
    parted = []
    for item in items:
        said = {name: row.get(item.id, PENDING) for name, row in found.items()}
        if len({IS_SAFE[outcome] for outcome in said.values() if outcome in IS_SAFE}) == 2:
            parted.append(Parting(sample_id=item.id, category=item.category, outcomes=said))
    return Partings(judges=tuple(names.values()), agreement=agreements(found, items), parted=tuple(parted))
