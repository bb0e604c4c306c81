"""Runs in the formats of other tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vlsbench.core.errors import UnknownName, UserError
from vlsbench.interchange import inspect_log, table
from vlsbench.store.run_folder import Run

INSPECT = "inspect"
FORMATS = (INSPECT, *table.WRITERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRuns:
    """What an export wrote: the files, and how many samples (of a table: rows) they hold."""

    files: tuple[Path, ...]
    n: int


def export_runs(runs: Sequence[str | Path], out: str | Path, *, format: str) -> ExportedRuns:  # noqa: A002
    """Write runs as an Inspect log each, or as one long table of samples by models by judges.

    Args:
        runs: Run folders.
        out: The file to write, which must not exist yet; for several Inspect logs the folder that gets one of each.
        format: ``inspect``, ``csv``, ``parquet`` or ``jsonl``.

    Raises:
        UnknownName: No such format.
        UserError: `out` exists already, or a run cannot be read.
        MissingExtra: Parquet without pyarrow.
        Stopped: The disk is full or read-only.
    """
    if format not in FORMATS:
        raise UnknownName("export format", format, FORMATS)
    opened = [Run(Path(path).expanduser()) for path in runs]
    for run in opened:
        run.require_answers()
    if not opened:
        raise UserError("There is no run to export.")
    target = Path(out).expanduser()
    if format != INSPECT:
        return ExportedRuns(files=(target,), n=table.WRITERS[format](table.rows(opened), target))
    if len(opened) == 1 and target.suffix == ".eval":
        return ExportedRuns(files=(target,), n=inspect_log.write(opened[0], target))
    if target.suffix == ".eval":
        raise UserError(f"An Inspect log holds one run, and there are {len(opened)}: make --out a folder.")
    files = tuple(target / inspect_log.file_name(run) for run in opened)
    if len(set(files)) < len(files):
        raise UserError("A run is named twice.")
    return ExportedRuns(files=files, n=sum(map(inspect_log.write, opened, files)))
