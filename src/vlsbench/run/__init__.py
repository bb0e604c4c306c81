"""The flow of a run: its plan, slots and retries, asking and judging, the way to its summary.

It knows no provider (`models`) and counts nothing itself (`results`).
"""
