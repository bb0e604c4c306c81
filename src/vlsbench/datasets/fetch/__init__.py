"""Bringing published datasets to this machine: the hub, checksums, archives.

What a set is called and where it lies stands in its entry, in `datasets.sets`.
"""
