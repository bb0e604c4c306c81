"""Comparisons, leaderboards and tables as Markdown, LaTeX, CSV or text."""
