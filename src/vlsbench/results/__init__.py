"""From the records of a run to its figures: where each sample stands, rates, agreement, the summary.

Formulas live in `stats`, and how a figure is written in `report`.
"""
