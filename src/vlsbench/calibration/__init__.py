"""Checking a judge against people: draw a sample, label it, and correct the safety rate for the judge's errors.

Formulas live in `stats`; how two judges agree without people is for `results`.
"""

from vlsbench.calibration.store import Calibration, corrected

__all__ = ["Calibration", "corrected"]
