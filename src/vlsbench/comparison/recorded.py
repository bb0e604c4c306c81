"""What ``vlsbench compare --json`` printed, read back for reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vlsbench.core.errors import UserError
from vlsbench.stats.recorded import RecordedPair
from vlsbench.store import json_file


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDifference(RecordedPair):
    """The difference of two runs, as `compare.difference_json` writes it; `group` is None over all samples."""

    first: str
    second: str
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedComparison:
    """The differences of a comparison, and what makes it doubtful."""

    differences: tuple[RecordedDifference, ...]
    warnings: tuple[str, ...] = ()


def read_comparison(file: Path) -> RecordedComparison:
    """What a file with a comparison holds.

    Raises:
        UserError: It is no comparison.
        RunError: It cannot be read, or is damaged; the message names the field.
    """
    found = json_file.read(file)
    if not {"differences", "runs"} <= found.keys():
        raise UserError(f"{file} is no comparison. Make one with: vlsbench compare RUN RUN --json > {file.name}")
    return json_file.convert(found, RecordedComparison, file)
