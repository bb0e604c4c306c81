"""Datasets: `load` turns a reference into samples, and `CATALOG` lists what there is.

A dataset is one small file: a function from a row to a `Sample`, plus where the data comes from. To add one,
write such a file and name its entry here. Reading pictures is for `core.images`, and what is asked for `run`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from vlsbench.core.errors import DatasetError, UnknownName, UserError
from vlsbench.core.protocols import Dataset, require
from vlsbench.datasets.base import BadRecord, Entry, Records, Ref
from vlsbench.datasets.files import hf_data, jsonl, table_files
from vlsbench.datasets.files.columns import Columns
from vlsbench.datasets.sets import (
    ch3ef,
    figstep,
    harmbench_mm,
    holisafe,
    jailbreakv,
    mini,
    mllmguard,
    mm_safetybench,
    mme,
    mmmu,
    mmstar,
    mmvet,
    mossbench,
    mssbench,
    msts,
    salad,
    siuo,
    spa_vl,
    unsafebench,
    vlguard,
    vlsafe,
    vlsbench,
    vlsu,
    xstest,
)

__all__ = ["CATALOG", "BadRecord", "Columns", "Entry", "Records", "Ref", "find", "load"]

ANSWERS = "choice"
"""The judge of questions with a right answer."""

CATALOG: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        vlsbench.ENTRY,
        figstep.ENTRY,
        mm_safetybench.ENTRY,
        jailbreakv.ENTRY,
        harmbench_mm.ENTRY,
        vlsafe.ENTRY,
        vlguard.ENTRY,
        siuo.ENTRY,
        mssbench.ENTRY,
        spa_vl.ENTRY,
        holisafe.ENTRY,
        vlsu.ENTRY,
        msts.ENTRY,
        salad.ENTRY,
        mllmguard.ENTRY,
        ch3ef.ENTRY,
        unsafebench.ENTRY,
        mossbench.ENTRY,
        xstest.ENTRY,
        mme.ENTRY,
        mmstar.ENTRY,
        mmmu.ENTRY,
        mmvet.ENTRY,
        mini.ENTRY,
        jsonl.ENTRY,
        table_files.PARQUET,
        table_files.CSV,
        hf_data.ENTRY,
    )
}
"""Every dataset by name, in the order in which it is shown."""


def find(name: str) -> Entry:
    """The catalogue entry of that name.

    Raises:
        UnknownName: There is none; the message names the nearest.
    """
    if name not in CATALOG:
        raise UnknownName("dataset", name, CATALOG)
    return CATALOG[name]


def load(ref: str, columns: str | Mapping[str, str] | Columns | None = None) -> Dataset:
    """Open the dataset that a reference names: ``NAME``, ``NAME:DIR``, ``NAME/SUBSET:DIR`` or ``jsonl:FILE``.

    Args:
        ref: The reference.
        columns: For tables: which column holds which field, as ``text=prompt,image=picture`` or as a mapping.

    Raises:
        UnknownName: No such dataset or subset, or no such field.
        DatasetError: The data is not there, or is not what it should be.
        UserError: Columns cannot be read, or are named for a dataset that has its own.
    """
    parsed = Ref.parse(ref)
    if parsed.name not in CATALOG and os.path.exists(ref):
        schemes = {".csv": "csv:", ".parquet": "parquet:"}
        usage = schemes.get(os.path.splitext(ref)[1], "jsonl:") if os.path.isfile(ref) else "vlsbench:"
        raise DatasetError(f"{ref} is a path; say which dataset it holds, for example {usage}{ref}")
    entry = find(parsed.name)
    if parsed.subset and parsed.subset not in entry.subsets:
        if not entry.subsets:
            raise DatasetError(f"{entry.name} has no subsets: write {entry.usage}")
        raise UnknownName(f"subset of {entry.name}", parsed.subset, entry.subsets)
    if columns and not entry.takes_columns:
        tables = ", ".join(f"{other.name}:" for other in CATALOG.values() if other.takes_columns)
        raise UserError(f"{entry.name} has columns of its own; --columns goes with {tables}.")
    return entry.open(replace(parsed, columns=_columns(columns)))


def usual_judge(ref: str, columns: str | Mapping[str, str] | Columns | None = None) -> str | None:
    """The judge that suits a dataset where none is named: None where that is for the user to say.

    Questions with a right answer take ``choice``: those of the catalogue, a table with a column for the answer, and a
    file whose first line has one.

    Args:
        ref: As for `load`.
        columns: As for `load`.

    Raises:
        UserError: As `load` does.
    """
    name = Ref.parse(ref).name
    if name in CATALOG and CATALOG[name].judge:
        return CATALOG[name].judge
    named = _columns(columns)
    if named is not None:
        return ANSWERS if "answer" in dict(named) else None
    first = next(iter(load(ref)), None) if name == jsonl.ENTRY.name else None
    return ANSWERS if first is not None and first.answer is not None else None


def takes_grades(ref: str) -> bool:
    """Whether a model has to grade the answers to a dataset's questions against the right ones, as of MM-Vet.

    Raises:
        UserError: The reference is none.
    """
    entry = CATALOG.get(Ref.parse(ref).name)
    return entry is not None and entry.ability and not entry.judge


def opened(dataset: str | Dataset, columns: str | Mapping[str, str] | Columns | None = None) -> Dataset:
    """The dataset that a reference names, or a user's own as it is.

    Raises:
        UserError: As `load` does; or the object is no dataset, or columns are named for it.
    """
    if isinstance(dataset, str):
        return load(dataset, columns)
    require(dataset, Dataset, "dataset")
    if columns:
        raise UserError(f"{dataset.name} is no table: columns go with a reference such as csv:FILE.")
    return dataset


def _columns(columns: str | Mapping[str, str] | Columns | None) -> Columns | None:
    if not columns:
        return None
    if isinstance(columns, Columns):
        return columns
    return Columns.parse(columns) if isinstance(columns, str) else Columns.of(columns)
