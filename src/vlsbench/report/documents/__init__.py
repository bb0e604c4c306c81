"""Comparisons, leaderboards and tables as Markdown, LaTeX, CSV or text.

What stands in a cell is decided by the job's package; here it is laid out and escaped.
"""
