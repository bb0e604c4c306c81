"""Datasets: `load` turns a reference into samples, and `CATALOG` lists what there is.

A dataset is one small file: a function from a row to a `Sample`, plus where the data comes from. To add one,
write such a file and name its entry here.
"""

from __future__ import annotations

import os

from vlsbench.datasets import figstep, jsonl, mini, vlsbench
from vlsbench.datasets.base import BadRecord, Entry, Records, Ref
from vlsbench.errors import DatasetError, UnknownName
from vlsbench.types import Dataset

__all__ = ["CATALOG", "BadRecord", "Entry", "Records", "Ref", "find", "load"]

CATALOG: dict[str, Entry] = {entry.name: entry for entry in (vlsbench.ENTRY, figstep.ENTRY, mini.ENTRY, jsonl.ENTRY)}
"""Every dataset by name, in the order in which it is shown."""


def find(name: str) -> Entry:
    """The catalogue entry of that name.

    Raises:
        UnknownName: There is none; the message names the nearest.
    """
    if name not in CATALOG:
        raise UnknownName("dataset", name, CATALOG)
    return CATALOG[name]


def load(ref: str) -> Dataset:
    """Open the dataset that a reference names: ``NAME``, ``NAME:DIR``, ``NAME/SUBSET:DIR`` or ``jsonl:FILE``.

    Raises:
        UnknownName: No such dataset or subset.
        DatasetError: The data is not there, or is not what it should be.
    """
    parsed = Ref.parse(ref)
    if parsed.name not in CATALOG and os.path.exists(ref):
        usage = "jsonl:" if os.path.isfile(ref) else "vlsbench:"
        raise DatasetError(f"{ref} is a path; say which dataset it holds, for example {usage}{ref}")
    entry = find(parsed.name)
    if parsed.subset and parsed.subset not in entry.subsets:
        if not entry.subsets:
            raise DatasetError(f"{entry.name} has no subsets: write {entry.usage}")
        raise UnknownName(f"subset of {entry.name}", parsed.subset, entry.subsets)
    return entry.open(parsed)
