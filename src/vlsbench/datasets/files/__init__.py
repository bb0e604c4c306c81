"""Formats of files that datasets come in: JSON lines, tables, Parquet; no dataset is known here."""
