"""What every dataset shares: references, catalogue entries, a stream of samples, and errors that name the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn

from vlsbench.core.errors import DatasetError
from vlsbench.core.protocols import Dataset, ReadableWithoutImages, Skipping
from vlsbench.core.types import Sample
from vlsbench.datasets.files.columns import Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A dataset reference, ``NAME[/SUBSET][:PLACE]``, taken apart. `place` is a folder or a file.

    `columns` says which column of a table holds which field of a sample; a part of what the data is called.
    """

    name: str
    subset: str = ""
    place: Path | None = None
    columns: Columns | None = None

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Take a reference apart; ``~`` is expanded, because a shell does not do so after a colon."""
        head, _, place = text.partition(":")
        name, _, subset = head.partition("/")
        return cls(name=name, subset=subset, place=Path(os.path.expanduser(place)) if place else None)

    def __str__(self) -> str:
        head = f"{self.name}/{self.subset}" if self.subset else self.name
        whole = f"{head}:{self.place}" if self.place else head
        return f"{whole}?{self.columns}" if self.columns else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class OnHub:
    """Where `vlsbench data fetch` finds a dataset: a dataset repository of the Hugging Face hub.

    `files` are paths, or patterns such as ``images/*`` where there are many. `archives` are those of `files` that
    are tar or zip archives, to be unpacked beside the others. A `revision` that is a branch is resolved when it is
    fetched, and the commit is recorded.
    """

    repo: str
    revision: str
    files: tuple[str, ...]
    archives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A dataset in the catalogue: what it is, where it comes from, and how a reference to it is opened.

    `size` and `images` are sentences for people, and `records` and `pictures` the same as figures for a table;
    `revision` is the one that `open` was written for, empty where the source has no versions. `harmful`, `benign`
    and `twins` say what kinds of samples it holds, `ability` whether they are questions with a right answer, and
    `takes_columns` whether it needs to be told which column is what. `judge` is the usual one, where there is one.
    """

    name: str
    title: str
    size: str
    images: str
    licence: str
    source: str
    citation: str
    get: str
    open: Callable[[Ref], Dataset]
    usage: str
    records: str
    pictures: str
    revision: str = ""
    subsets: tuple[str, ...] = ()
    harmful: bool = True
    benign: bool = False
    twins: bool = False
    ability: bool = False
    takes_columns: bool = False
    judge: str = ""
    hub: OnHub | None = None


class BadRecord(DatasetError):
    """One record cannot be turned into a sample.

    Args:
        where: Its place in the file, for example ``"data.json, record 12"`` (counted from 0) or
            ``"set.jsonl, line 5"`` (counted from 1).
        record: Its id, or an empty string where it has none that can be read.
        problem: What is wrong with it.
    """

    def __init__(self, where: str, record: str, problem: str) -> None:
        super().__init__(f"{where}{f' (id {record})' if record else ''}: {problem}")
        self.where = where
        self.record = record
        self.problem = problem


class BadField(DatasetError):
    """A field of a record is missing or of the wrong type; whoever reads the file adds which record."""


OnBad = Callable[[BadRecord], None]
"""What to do about a record that cannot be used: raise it, or note it and go on."""


def stop(bad: BadRecord) -> NoReturn:
    """Raise at the first record that cannot be used."""
    raise bad


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A dataset read from files: a `vlsbench.core.protocols.Dataset`, the same samples in the same order each time.

    `scan` reads the files from the start, and hands records that it cannot use to its argument. `files` are all
    that the records depend on. Where images lie inside the files, `light` reads the same records with a short
    reference in place of each image, and `resume` begins at a record without reading those before it.
    """

    name: str
    root: Path | None
    scan: Callable[[OnBad], Iterator[Sample]]
    revision: str = ""
    files: tuple[Path, ...] = ()
    light: Callable[[OnBad], Iterator[Sample]] | None = None
    resume: Callable[[int], Iterator[Sample]] | None = None

    @property
    def stamp(self) -> str:
        """Changes whenever one of `files` does (size, inode, times of change); empty where they cannot be told.

        Saves the second reading of a large set that a run has already identified.
        """
        try:
            found = [file.stat() for file in self.files]
        except OSError:
            return ""
        return ";".join(f"{one.st_size}-{one.st_ino}-{one.st_mtime_ns}-{one.st_ctime_ns}" for one in found)

    def __iter__(self) -> Iterator[Sample]:
        """The samples; raises `BadRecord` at the first record that cannot be used."""
        return self.scan(stop)

    def without_images(self) -> Iterator[Sample]:
        """The samples for whoever needs no image: one that lies inside the files is only named, not read."""
        return (self.light or self.scan)(stop)

    def since(self, start: int) -> Iterator[Sample]:
        """The samples from number `start` (counted from 0) on."""
        return self.resume(start) if self.resume else islice(self.scan(stop), start, None)


def without_images(dataset: Dataset) -> Iterator[Sample]:
    """The samples of any dataset for whoever needs no image, and so spares reading those inside its files."""
    return dataset.without_images() if isinstance(dataset, ReadableWithoutImages) else iter(dataset)


def since(dataset: Dataset, start: int) -> Iterator[Sample]:
    """The samples of any dataset from number `start` (counted from 0) on, quickly where it can jump there."""
    if start and isinstance(dataset, Skipping):
        return dataset.since(start)
    return islice(iter(dataset), start, None)


def text_field(row: Mapping[str, object], name: str, *, required: bool = True) -> str:
    """A text of a record; a missing or null one that is not required is empty.

    Raises:
        BadField: Missing though required, or not a text.
    """
    value = row.get(name)
    if isinstance(value, str):
        return value
    if value is None and not required:
        return ""
    if name not in row:
        raise BadField(f"the field '{name}' is missing")
    raise BadField(f"the field '{name}' should be a text, but is {json_kind(value)}")


def json_kind(value: object) -> str:
    """What a JSON value is, in words, for error messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


def need_place(ref: Ref, entry: Entry) -> Path:
    """The folder or file that a reference names; where it names none, the folder that was fetched.

    Raises:
        DatasetError: There is neither, and the message says how to get the data.
    """
    if ref.place is None and entry.hub is not None:
        from vlsbench.datasets.fetch import hub

        folder = hub.default_folder(entry.hub.repo)
        if hub.is_fetched(folder, entry.hub.repo, entry.hub.revision, entry.hub.files):
            return folder
    if ref.place is None:
        raise DatasetError(f"{ref} needs the data. {entry.get}")
    return ref.place


def need_folder(ref: Ref, entry: Entry) -> Path:
    """The folder that a reference names, as an absolute path: it is recorded, and read again from elsewhere.

    Raises:
        DatasetError: It names none, or there is no such folder.
    """
    place = need_place(ref, entry)
    if os.path.isdir(place):
        return Path(os.path.abspath(place))
    if os.path.exists(place):
        raise DatasetError(f"{place} is a file; {entry.usage} takes the folder that holds it.")
    raise DatasetError(f"There is no folder {place}. {entry.get}")
