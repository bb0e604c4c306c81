"""The figures of ``ablation.json`` read back, for reports: the file alone is enough, without the runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vlsbench.ablation.folder import RESULT
from vlsbench.core.types import Rate
from vlsbench.stats.recorded import RecordedPair
from vlsbench.store import json_file


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCondition:
    """The safety rate under a condition; None where nothing was scored by labels of safety."""

    safety_rate: Rate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAblation:
    """Conditions in their order, and full minus each of the others."""

    conditions: Mapping[str, RecordedCondition] = field(default_factory=dict)
    gains: Mapping[str, RecordedPair] = field(default_factory=dict)


def read_ablation(folder: Path) -> RecordedAblation:
    """The figures of an ablation.

    Raises:
        RunError: The folder holds no ablation, or a damaged one; the message names the field.
    """
    file = folder / RESULT
    return json_file.convert(json_file.read(file), RecordedAblation, file)
