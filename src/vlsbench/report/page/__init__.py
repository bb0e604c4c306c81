"""One page to share: what goes in, its rows, pictures and provenance; templates and scripts.

What a figure shows is for `report.charts`; here everything is escaped and put into one file.
"""
