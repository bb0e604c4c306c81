"""Signals of leakage that need no guard: overlap with descriptions, text in pictures, embeddings.

Verdicts of guards are for the packages above.
"""
