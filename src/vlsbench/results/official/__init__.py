"""Figures by the rules of benchmarks' authors, beside our own: named, and with what they make of unreadable answers.

One file each. What a judge of ours makes of an answer is for `judges`, and no judge is asked here.
"""

from __future__ import annotations

from vlsbench.results.official.figures import Official, OfficialFigure, official

__all__ = ["Official", "OfficialFigure", "official"]
