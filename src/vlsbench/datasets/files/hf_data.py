"""Any table on the Hugging Face hub as a dataset: ``hf-data:REPO[@REVISION][#SPLIT]``.

The Parquet, JSON or CSV files of one split are downloaded at one commit, checked, and read from disk; scripts of a
repository are neither downloaded nor run. The commit is part of the dataset's name. A split goes by the names of the
files: ``data/train-00000-of-00003.parquet`` belongs to ``train``, ``harm/test.csv`` to ``harm/test``.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from vlsbench.core.errors import DatasetError, MissingExtra, UnknownName
from vlsbench.core.hub import clear_errors
from vlsbench.datasets.base import Entry, Records, Ref
from vlsbench.datasets.fetch.names import parts
from vlsbench.datasets.fetch.remote import Remote, tree
from vlsbench.datasets.files.splits import split_of
from vlsbench.datasets.files.table_files import open_tables

FORMATS = (".parquet", ".jsonl", ".json", ".csv")
"""What can be read, the best first: a split that is there twice is read in the first of its formats."""

_NOT_DATA = ("dataset_info", "dataset_infos", "config", "croissant", "metadata")


def open_split(ref: Ref) -> Records:
    """Download, where need be, and open ``hf-data:REPO[@REVISION][#SPLIT]``.

    Raises:
        DatasetError: The repository has no such table, or more than one and none was chosen.
        AccessDenied: The repository is gated, private or gone.
        Stopped: The hub cannot be reached.
    """
    from vlsbench.datasets.fetch import hub

    if ref.place is None:
        raise DatasetError(f"{ref} needs the data. {ENTRY.get}")
    repo, revision, split = take_apart(str(ref.place))
    _require()
    with clear_errors(repo, revision, kind="dataset"):
        remotes, commit = tree(repo, revision)
    split, chosen = choose(splits(remotes), split, repo)
    for remote in chosen:  # the split becomes the name of a folder
        parts(remote.name, f"The file of {repo}")
    names = [remote.name for remote in chosen]
    folder = _folder(repo, commit, split)
    hub.fetch(repo, commit, names, folder, say=lambda line: print(line, file=sys.stderr))  # noqa: T201
    pinned = f"hf-data:{repo}@{commit}#{split}" + (f"?{ref.columns}" if ref.columns else "")
    return open_tables(pinned, [folder / name for name in names], ref.columns, revision=commit)


def take_apart(place: str) -> tuple[str, str, str]:
    """Repository, revision (``main`` where none is named) and split (perhaps empty) of ``REPO[@REVISION][#SPLIT]``."""
    rest, _, split = place.partition("#")
    repo, _, revision = rest.partition("@")
    return repo, revision or "main", split


def splits(remotes: list[Remote]) -> dict[str, list[Remote]]:
    """The tables among the files of a repository, by split; the shards of each in order."""
    found: dict[str, list[Remote]] = {}
    for remote in sorted(remotes, key=lambda remote: remote.name):
        path = PurePosixPath(remote.name)
        hidden = any(part.startswith(".") for part in path.parts)
        if path.suffix in FORMATS and not hidden and path.stem not in _NOT_DATA:
            found.setdefault(split_of(path), []).append(remote)
    for shards in found.values():
        best = min((PurePosixPath(shard.name).suffix for shard in shards), key=FORMATS.index)
        shards[:] = [shard for shard in shards if PurePosixPath(shard.name).suffix == best]
    return found


def choose(found: dict[str, list[Remote]], split: str, repo: str) -> tuple[str, list[Remote]]:
    """The one split that is meant: named whole or by its last part, or the only one there is.

    Raises:
        DatasetError: None is there, or several are and none was named.
        UnknownName: There is no such split.
    """
    if not found:
        raise DatasetError(f"{repo} holds no Parquet, JSON or CSV files, so it cannot be read as a table.")
    fitting = [name for name in found if split in (name, name.rpartition("/")[2])] if split else list(found)
    if split in fitting:
        fitting = [split]
    if len(fitting) > 1:
        names = ", ".join(fitting)
        raise DatasetError(f"{repo} has several splits; name one: hf-data:{repo}#{fitting[0]}. It has: {names}.")
    if not fitting:
        raise UnknownName(f"split of {repo}", split, found)
    return fitting[0], found[fitting[0]]


def _folder(repo: str, commit: str, split: str) -> Path:
    """Where a split of a commit lies: beside the sets that `vlsbench data fetch` brings."""
    from vlsbench.datasets.fetch import hub

    return hub.default_folder(repo).parent / "tables" / repo.replace("/", "--") / commit / split.replace("/", "--")


def _require() -> None:
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise MissingExtra("huggingface_hub", "data") from error


ENTRY = Entry(
    name="hf-data",
    title="Any table on the Hugging Face hub: the Parquet, JSON or CSV files of one split",
    size="as many as the split has rows",
    records="any",
    images="inside the files",
    pictures="any",
    licence="its own",
    source="the Hugging Face hub",
    citation="",
    get="Name a repository and pass hf-data:REPO[@REVISION][#SPLIT] with --columns text=COLUMN,image=COLUMN.",
    usage="hf-data:REPO[@REVISION][#SPLIT]",
    benign=True,
    twins=True,
    takes_columns=True,
    open=open_split,
)
"""The catalogue entry."""
