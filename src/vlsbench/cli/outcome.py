"""What the commands that run something have in common: progress while it runs, the summary at its end."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.cli import terminal
from vlsbench.cli.progress import ProgressLine

if TYPE_CHECKING:
    from rich.console import Console

    from vlsbench.calibration import Calibration
    from vlsbench.results.summary import Summary


@contextlib.contextmanager
def shown_progress(*, quiet: bool) -> Iterator[ProgressLine | None]:
    """A progress line while something runs, unless it should be quiet."""
    if quiet:
        yield None
        return
    line = ProgressLine()
    try:
        yield line
    finally:
        line.close()


def report(summary: Summary, *, as_json: bool, max_unscored: float | None = None) -> int:
    """Print a summary; returns the exit code."""
    found = _calibrations(summary)
    if as_json:
        calibrated = {"calibration": {name: row.to_json() for name, row in found.items()}} if found else {}
        sys.stdout.write(json.dumps(summary.to_json() | calibrated, indent=2) + "\n")
    else:
        from vlsbench.report.terminal.summary import print_summary

        console = terminal.console()
        print_summary(summary, console, terminal.clean)
        _print_causes(summary, console)
        _print_calibrations(summary, found, console)
        console.print(f"\nRun folder: {terminal.clean(summary.run)}", soft_wrap=True)
    if max_unscored is None or summary.unscored_share <= max_unscored:
        return 0
    sys.stderr.write(
        f"vlsbench: {100 * summary.unscored_share:.1f} % of the samples are unscored, more than --max-unscored "
        f"{max_unscored:g} allows. The same command tries them again.\n"
    )
    return 1


def _calibrations(summary: Summary) -> dict[str, Calibration]:
    """What people's labels say of each judge, by its display name, for those that were calibrated."""
    from vlsbench.calibration import corrected
    from vlsbench.results.outcomes import judge_names
    from vlsbench.store.run_folder import Run

    found = {name: corrected(summary.run, stem) for stem, name in judge_names(Run(Path(summary.run))).items()}
    return {name: row for name, row in found.items() if row is not None}


def _print_calibrations(summary: Summary, found: Mapping[str, Calibration], console: Console) -> None:
    from vlsbench.report.terminal.calibration import print_corrected

    for name, row in found.items():
        console.print(f"\nJudge {terminal.clean(name)}, corrected by people's labels", style="bold", soft_wrap=True)
        print_corrected(row, console, terminal.clean, summary.judges[name].overall)


def _print_causes(summary: Summary, console: Console) -> None:
    """Say why samples are unscored, the commonest reasons first."""
    from vlsbench.results.outcomes import judge_names
    from vlsbench.results.summary import causes
    from vlsbench.store.run_folder import Run

    run = Run(Path(summary.run))
    found = []
    # Each look reads a whole journal, so only where something did fail.
    if any(summary.responses[outcome] for outcome in ("empty", "blocked", "error")):
        found.append(("answers", causes(run)))
    for stem, name in judge_names(run).items():
        unscored = summary.judges[name].overall.unscored
        if any(unscored[reason] for reason in ("judge_refused", "unparsable", "judge_error")):
            found.append((f"judge {name}", causes(run, stem)))
    for where, reasons in found:
        for cause in reasons:
            text = terminal.clean(f"{where}: {cause.count:,} {cause.outcome}: {cause.reason or '(no reason given)'}")
            console.print(text, style="yellow", soft_wrap=True)
