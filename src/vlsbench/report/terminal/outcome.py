"""What a run came to, as its command says it: the summary, why samples are unscored, and what people's labels say."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlsbench.calibration import Calibration, corrected
from vlsbench.core.types import ResponseOutcome, VerdictOutcome
from vlsbench.core.words import counted
from vlsbench.report.terminal.calibration import print_corrected
from vlsbench.report.terminal.summary import Clean, print_summary
from vlsbench.results import served
from vlsbench.results.outcomes import judge_names
from vlsbench.results.summary import Cause, Summary, causes
from vlsbench.store import batches
from vlsbench.store.batches import BatchEntry
from vlsbench.store.run_folder import Run

if TYPE_CHECKING:
    from rich.console import Console

_FAILED_ANSWERS = tuple(outcome.value for outcome in ResponseOutcome if not outcome.is_answer)
_FAILED_VERDICTS = (VerdictOutcome.JUDGE_REFUSED, VerdictOutcome.UNPARSABLE, VerdictOutcome.JUDGE_ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A summary with what its command says besides.

    `causes` are the commonest reasons for unscored samples, of the answers and of each judge, by what they are about.
    `calibrations` holds what people's labels say of each judge that was calibrated, by its display name. `out` are the
    batches at providers whose results are not here yet. `doubts` name servers that served another model than others, or
    than before.
    """

    summary: Summary
    causes: Mapping[str, tuple[Cause, ...]]
    calibrations: Mapping[str, Calibration]
    out: tuple[BatchEntry, ...] = ()
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: Run, summary: Summary) -> Outcome:
        """The outcome of a run.

        Raises:
            RunError: A calibration is damaged.
        """
        names = judge_names(run)
        failed: dict[str, tuple[Cause, ...]] = {}
        # Each look reads a whole journal, so only where something did fail.
        if any(summary.responses[outcome] for outcome in _FAILED_ANSWERS):
            failed["answers"] = causes(run)
        for stem, name in names.items():
            if any(summary.judges[name].overall.unscored[reason] for reason in _FAILED_VERDICTS):
                failed[f"judge {name}"] = causes(run, stem)
        calibrations = {name: found for stem, name in names.items() if (found := corrected(run.path, stem))}
        out = tuple(entry for entry in batches.read(run.path).values() if entry.is_out)
        doubts = served.doubts(run.manifest)
        return cls(summary=summary, causes=failed, calibrations=calibrations, out=out, doubts=doubts)

    def to_json(self) -> dict[str, object]:
        """The object of ``summary.json``, with ``calibration``, ``batches`` and ``warnings`` where there are any."""
        calibrated = {name: found.to_json() for name, found in self.calibrations.items()}
        out = [entry.to_json() for entry in self.out]
        more = {"calibration": calibrated, "batches": out, "warnings": list(self.doubts)}
        return self.summary.to_json() | {name: value for name, value in more.items() if value}


def print_outcome(found: Outcome, console: Console, clean: Clean) -> None:
    """Print all that a run came to."""
    print_summary(found.summary, console, clean)
    for doubt in found.doubts:
        console.print(clean(doubt), style="yellow", soft_wrap=True)
    for where, reasons in found.causes.items():
        for cause in reasons:
            text = f"{where}: {cause.count:,} {cause.outcome}: {cause.reason or '(no reason given)'}"
            console.print(clean(text), style="yellow", soft_wrap=True)
    for name, calibration in found.calibrations.items():
        console.print(f"\nJudge {clean(name)}, corrected by people's labels", style="bold", soft_wrap=True)
        print_corrected(calibration, console, clean, found.summary.judges[name].overall)
    for entry in found.out:
        console.print(clean(_out(entry)), style="yellow", soft_wrap=True)
    console.print(f"\nRun folder: {clean(found.summary.run)}", soft_wrap=True)


def _out(entry: BatchEntry) -> str:
    """A batch whose results are not here yet, in one line."""
    what = f"{counted(len(entry.numbers), 'request')} for {entry.stage} by {entry.model}"
    if entry.submitted is None:
        return (
            f"Batch {entry.key}: {what}; prepared, and perhaps at {entry.provider}: the command that sent it finds out."
        )
    hours = (time.time() - entry.submitted) / 3600
    return (
        f"Batch {entry.id}: {what}; out at {entry.provider} for {hours:.1f} h. The command that sent it brings it home."
    )
