"""The miniature world as a dataset: ``mini:SPLIT[:N[:SEED]]``. Drawn on the spot, nothing to download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlsbench.core.errors import DatasetError, UnknownName
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, Ref
from vlsbench.miniworld import splits

DEFAULT_N = 200
MOST = 100_000
"""Largest N accepted; a hundred thousand pictures fill more than a gigabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniDataset:
    """A split of the miniature world, or a set of its pairs; pictures are ``data:`` URIs inside the samples."""

    split: str
    n: int = DEFAULT_N
    seed: int = 0

    @property
    def name(self) -> str:
        """The full reference; short forms of the same data share it."""
        return f"mini:{self.split}:{self.n}:{self.seed}"

    @property
    def root(self) -> Path | None:
        """None: there are no files."""
        return None

    @property
    def revision(self) -> str:
        """Empty: the data comes with the program."""
        return ""

    def __iter__(self) -> Iterator[Sample]:
        """The samples; the same for ever, for a split, N and seed."""
        return splits.samples(self.split, self.n, self.seed)


def open_mini(rest: str) -> MiniDataset:
    """The dataset of a reference, without its ``mini:``.

    Args:
        rest: ``SPLIT[:N[:SEED]]``, for example ``leakless:50``.

    Raises:
        UnknownName: There is no such split.
        DatasetError: N or SEED is not a whole number, or N is out of range.
    """
    split, *numbers = rest.split(":")
    if split not in splits.SETS:
        raise UnknownName("split of the miniature world", split, splits.SETS)
    if len(numbers) > 2:
        raise DatasetError(
            f"mini:{rest} has too many parts. Write mini:SPLIT[:N[:SEED]], for example mini:{split}:50:1."
        )
    n = _whole_number(numbers[0], "N", rest) if numbers else DEFAULT_N
    seed = _whole_number(numbers[1], "SEED", rest) if len(numbers) == 2 else 0
    if not 1 <= n <= MOST:
        raise DatasetError(f"mini:{rest}: N is {n}; it must be from 1 to {MOST:,}.")
    return MiniDataset(split=split, n=n, seed=seed)


def _open(ref: Ref) -> Dataset:
    if ref.place is None:
        raise DatasetError(f"mini needs a split. {ENTRY.get}")
    return open_mini(str(ref.place))


ENTRY = Entry(
    name="mini",
    title="The miniature world: drawn scenes with invented hazards, for trying the program and the idea",
    size=f"as many as you ask for ({DEFAULT_N} by default)",
    images="drawn on the spot, 64 x 64 pixels",
    licence="Apache-2.0, as the program",
    source="this program",
    citation="",
    get="Nothing to get: write mini:SPLIT[:N[:SEED]] with one of " + ", ".join(splits.SETS) + ".",
    usage="mini:SPLIT[:N[:SEED]]",
    records="any",
    pictures="drawn",
    benign=True,
    twins=True,
    judge="template",
    open=_open,
)
"""The catalogue entry."""


def _whole_number(text: str, name: str, rest: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise DatasetError(f"mini:{rest}: {name} is {text!r}, not a whole number. Write mini:SPLIT[:N[:SEED]].")
    return int(text)
