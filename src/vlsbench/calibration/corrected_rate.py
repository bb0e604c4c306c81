"""The rate that a calibration wrote beside a run, where there is one."""

from __future__ import annotations

from vlsbench import calibration
from vlsbench.results.judged_run import JudgedRun
from vlsbench.stats import Share


def corrected_rate(found: JudgedRun) -> tuple[Share | None, str]:
    """The safety rate of a whole run, corrected for its judge's errors, and what to say of it.

    Args:
        found: The run under the judge.

    Returns:
        None where nobody calibrated the judge; also, with a sentence that says so, where the calibration is about
        earlier figures of the run.

    Raises:
        RunError: The calibration's file is damaged or from a newer version.
    """
    calibrated = calibration.corrected(found.run.path, found.stem)
    if calibrated is None:
        return None, ""
    if not calibrated.fits(found.overall()):
        return None, f"The calibration in {found.run.path} is about earlier figures of the run and is left out."
    return calibrated.corrected, ""
