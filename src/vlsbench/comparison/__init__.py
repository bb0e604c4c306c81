"""Runs side by side: samples in common, paired differences, ranks, models by datasets.

Formulas live in `stats`, tables in `report`.
"""
