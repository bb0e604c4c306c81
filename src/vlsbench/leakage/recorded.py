"""The figures of ``audit.json`` read back, for reports: the file alone is enough, without the guard's records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vlsbench.core.types import Rate
from vlsbench.results.usage import RecordedUsage
from vlsbench.store import json_file


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTest:
    """McNemar's test of pair against text."""

    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedGroup:
    """The guard's figures of a group, as `findings.figures_json` writes them; None where no guard was asked."""

    n: int = 0
    r1: Rate | None = None
    r2: Rate | None = None
    r1_minus_r2: Rate | None = None
    r2_both_alone: Rate | None = None
    mcnemar: RecordedTest = field(default_factory=RecordedTest)
    modality: Mapping[str, Rate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAudit(RecordedGroup):
    """The guard's figures of a set and of its categories, and what it took (`usage`, by role)."""

    dataset: str = ""
    by_category: Mapping[str, RecordedGroup] = field(default_factory=dict)
    usage: Mapping[str, RecordedUsage] = field(default_factory=dict)


def read_audit(folder: Path) -> RecordedAudit:
    """The figures of an audit.

    Raises:
        RunError: The folder holds no audit, or a damaged one; the message names the field.
    """
    file = folder / "audit.json"
    return json_file.convert(json_file.read(file), RecordedAudit, file)
