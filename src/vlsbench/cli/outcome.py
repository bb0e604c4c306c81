"""What the commands that run something have in common: progress while it runs, the summary at its end."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.cli import terminal
from vlsbench.cli.progress import ProgressLine
from vlsbench.core import words
from vlsbench.core.errors import VLSBenchError

if TYPE_CHECKING:
    from vlsbench.results.summary import Summary
    from vlsbench.store.run_folder import Run


@contextlib.contextmanager
def shown_progress(*, quiet: bool) -> Iterator[ProgressLine]:
    """A progress line while something runs; a quiet one says only what the run waits for."""
    line = ProgressLine(quiet=quiet)
    try:
        yield line
    finally:
        line.close()


def so_far(folder: Path) -> None:
    """Show on stderr what a run that was stopped has come to; nothing where that cannot be read."""
    from vlsbench.report.terminal.summary import print_summary
    from vlsbench.results.summary import summarise
    from vlsbench.store.run_folder import Run

    with contextlib.suppress(VLSBenchError, KeyboardInterrupt):
        console = terminal.console(sys.stderr)
        console.print("So far:")
        print_summary(summarise(Run(folder)), console, terminal.clean)
        console.print(f"Run folder: {terminal.clean(str(folder))}", soft_wrap=True)


def report(summary: Summary, run: Run | None = None, *, as_json: bool, max_unscored: float | None = None) -> int:
    """Print a summary; returns the exit code.

    Args:
        summary: The figures.
        run: Its run folder, where that is open already.
        as_json: Print what ``summary.json`` holds, and calibrations.
        max_unscored: The share of unscored samples from which on the code is 1; None for any.
    """
    from vlsbench.report.terminal.outcome import Outcome, print_outcome
    from vlsbench.store.run_folder import Run

    found = Outcome.of(run or Run(Path(summary.run)), summary)
    if as_json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_outcome(found, terminal.console(), terminal.clean)
    if max_unscored is None or summary.unscored_share <= max_unscored:
        return 0
    sys.stderr.write(
        f"vlsbench: {words.percent(summary.unscored_share)} of the samples are unscored, more than --max-unscored "
        f"{max_unscored:g} allows. The same command tries again what failed.\n"
    )
    return 1
