"""Which column of a table holds which field of a sample: ``text=prompt,image=picture``."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from vlsbench.core.errors import DatasetError, UnknownName, UserError

FIELDS = (
    "id",
    "text",
    "image",
    "category",
    "sub_category",
    "source",
    "description",
    "safety_reason",
    "expect",
    "twin_of",
    "group",
)
"""The fields of a sample that a column can fill."""

_EXAMPLE = "--columns text=prompt,image=picture,category=topic"


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each of some fields, in the order of `FIELDS`."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Columns:
        """Read ``FIELD=COLUMN,...``.

        Raises:
            UserError: Not of that form, or a field twice.
            UnknownName: A field that samples do not have.
        """
        found: dict[str, str] = {}
        for part in text.split(","):
            field, equals, column = (piece.strip() for piece in part.partition("="))
            if not (field and equals and column):
                raise UserError(f"{part!r} does not name a column. Write FIELD=COLUMN, for example {_EXAMPLE}.")
            if field not in FIELDS:
                raise UnknownName("field for --columns", field, FIELDS)
            if field in found:
                raise UserError(f"--columns names {field} twice: {found[field]!r} and {column!r}.")
            found[field] = column
        return cls.of(found)

    @classmethod
    def of(cls, names: Mapping[str, str]) -> Columns:
        """The columns of a mapping from field to column."""
        if unknown := next((field for field in names if field not in FIELDS), None):
            raise UnknownName("field for --columns", unknown, FIELDS)
        return cls(tuple((field, names[field]) for field in FIELDS if field in names))

    def __str__(self) -> str:
        return ",".join(f"{field}={column}" for field, column in self.pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)


def resolve(columns: Columns | None, found: Collection[str], table: str) -> dict[str, str]:
    """The column of each field of one table.

    A field that is not named takes the column of its own name, where the table has one (``sample_id`` serves for
    ``id`` as well).

    Args:
        columns: What the user named.
        found: The columns of the table.
        table: What messages call it.

    Raises:
        DatasetError: A column is absent, or no column holds the text.
    """
    has = ", ".join(found) or "none"
    chosen = {field: field for field in FIELDS if field in found}
    if "id" not in found and "sample_id" in found:
        chosen["id"] = "sample_id"
    for field, column in columns or ():
        if column not in found:
            close = difflib.get_close_matches(column, found, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise DatasetError(f"{table} has no column {column!r} (--columns {field}={column}).{hint} It has: {has}.")
        chosen[field] = column
    if "text" not in chosen:
        raise DatasetError(f"{table} has no column 'text'. Name the one with the query: {_EXAMPLE}. It has: {has}.")
    return chosen
