"""Checking a judge against people: draw a sample, label it, and correct the safety rate for the judge's errors."""

from vlsbench.calibration.store import Calibration, corrected

__all__ = ["Calibration", "corrected"]
