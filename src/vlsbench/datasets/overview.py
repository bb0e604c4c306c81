"""The catalogue as a table, for the terminal and for the documentation."""

from __future__ import annotations

from dataclasses import dataclass

from vlsbench.datasets import CATALOG
from vlsbench.datasets.base import Entry

HEADS = ("Dataset", "Records", "Harmful or benign", "Images", "Licence", "From")
"""What the columns of the table are called."""

_SITES = {"https://github.com/": "GitHub", "https://huggingface.co/": "the hub"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewLine:
    """One dataset in the table: figures as texts, since some sets have as many records as one asks for."""

    name: str
    records: str
    holds: str
    pictures: str
    licence: str
    origin: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts in the order of `HEADS`."""
        return (self.name, self.records, self.holds, self.pictures, self.licence, self.origin)


def lines() -> list[OverviewLine]:
    """The whole catalogue."""
    return [_line(entry) for entry in CATALOG.values()]


def markdown() -> str:
    """The table in Markdown, as docs/datasets.md holds it, with what each set is and where it comes from."""
    head = ("Reference", "What it is", *HEADS[1:])
    rows = [head, tuple(":---" for _ in head)]
    for entry, line in zip(CATALOG.values(), lines(), strict=True):
        origin = f"[{line.origin}]({entry.source})" if entry.source.startswith("https://") else line.origin
        rows.append((f"`{entry.usage}`", entry.title, *line.cells[1:-1], origin))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def holds(entry: Entry) -> list[str]:
    """What kinds of samples a set holds."""
    return [kind for kind in ("harmful", "benign", "twins", "ability") if getattr(entry, kind)]


def _kinds(entry: Entry) -> str:
    if entry.ability:
        return "ability"
    if not entry.benign:
        return "harmful"
    return "twins" if entry.twins else "both"


def _line(entry: Entry) -> OverviewLine:
    site = next((name for start, name in _SITES.items() if entry.source.startswith(start)), "you")
    if entry.name == "mini":
        site = "this program"
    elif entry.hub is not None:
        site = "data fetch"
    elif entry.name == "hf-data":
        site = "the hub"
    return OverviewLine(
        name=entry.name,
        records=entry.records,
        holds=_kinds(entry),
        pictures=entry.pictures,
        licence=entry.licence.partition(",")[0],
        origin=site,
    )
