"""Formats of files that datasets come in: JSON lines, tables, Parquet.

No dataset is known here: which field means what is for `datasets.sets`.
"""
