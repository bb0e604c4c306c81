"""Which column of a table holds which field of a sample: ``text=prompt,expect=label{0:benign,1:harmful}``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from vlsbench.core.errors import DatasetError, UnknownName, UserError
from vlsbench.core.types import Expect

FIELDS = (
    "id",
    "text",
    "image",
    "image_sha256",
    "category",
    "sub_category",
    "source",
    "description",
    "safety_reason",
    "expect",
    "twin_of",
    "group",
    "images",
    "options",
    "answer",
)
"""The fields of a sample that a column can fill."""

_NAMED_ONLY = ("images", "options", "answer")
"""Fields that never take a column of their own name unasked: such columns hold many things."""

OPTION = "option "
"""What the fields are called, with a number after it, where each option has a column of its own."""

EXPECTED = {
    "harmful": Expect.HARMFUL,
    "unsafe": Expect.HARMFUL,
    "benign": Expect.BENIGN,
    "safe": Expect.BENIGN,
}
"""What the field ``expect`` may say."""

_EXAMPLE = "--columns text=prompt,image=picture,category=topic"
_BETWEEN = re.compile(r",(?![^{}]*\})")
"""A comma that is not inside braces."""

Names = tuple[tuple[str, str], ...]
"""Values of a column, and what each of them is called in a sample."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each of some fields, in the order of `FIELDS`, and names for the values of some of them."""

    pairs: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, Names], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Columns:
        """Read ``FIELD=COLUMN,...``, where names for values may follow a column: ``expect=label{0:benign,1:harmful}``.

        Raises:
            UserError: Not of that form, or a field or a value twice.
            UnknownName: A field that samples do not have.
        """
        found: dict[str, str] = {}
        for part in _BETWEEN.split(text):
            field, equals, column = (piece.strip() for piece in part.partition("="))
            if not (field and equals and column) or column.startswith("{"):
                raise UserError(f"{part!r} does not name a column. Write FIELD=COLUMN, for example {_EXAMPLE}.")
            if field not in FIELDS:
                raise UnknownName("field for --columns", field, FIELDS)
            if field in found:
                raise UserError(f"--columns names {field} twice: {found[field]!r} and {column!r}.")
            found[field] = column
        return cls.of(found)

    @classmethod
    def of(cls, names: Mapping[str, str]) -> Columns:
        """The columns of a mapping from field to column, with or without names for its values."""
        if unknown := next((field for field in names if field not in FIELDS), None):
            raise UnknownName("field for --columns", unknown, FIELDS)
        parts = {field: _take_apart(field, names[field]) for field in FIELDS if field in names}
        return cls(
            pairs=tuple((field, column) for field, (column, _) in parts.items()),
            names=tuple((field, values) for field, (_, values) in parts.items() if values),
        )

    def translate(self, row: Mapping[str, object]) -> dict[str, object]:
        """A row, by field, with the names of its values; a value without one stays as it is."""
        renamed = dict(row)
        for field, values in self.names:
            value = row.get(field)
            if value is not None:
                plain = str(value).lower() if isinstance(value, bool) else str(value).strip()
                renamed[field] = dict(values).get(plain, value)
        return renamed

    def __str__(self) -> str:
        called = {field: ",".join(f"{value}:{name}" for value, name in values) for field, values in self.names}
        parts = (f"{field}={column}" + (f"{{{called[field]}}}" if field in called else "") for field, column in self)
        return ",".join(parts)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)


def _take_apart(field: str, column: str) -> tuple[str, Names]:
    """A column, and the names of its values. Braces without a colon are a part of the column's own name."""
    head, brace, inside = column.partition("{")
    if not brace or ":" not in inside:
        return column, ()
    if not inside.endswith("}"):
        raise UserError(f"{column!r} is not closed. Write {field}=COLUMN{{VALUE:NAME,...}}.")
    found: dict[str, str] = {}
    for pair in inside.removesuffix("}").split(","):
        value, colon, name = (piece.strip() for piece in pair.partition(":"))
        if not (value and colon and name):
            raise UserError(f"{pair.strip()!r} names no value. Write {field}=COLUMN{{VALUE:NAME,...}}.")
        if value in found:
            raise UserError(f"--columns names the value {value!r} twice: {found[value]!r} and {name!r}.")
        if field == "expect" and name.lower() not in EXPECTED:
            raise UserError(f"expect is harmful or benign, not {name!r} ({field}={column}).")
        found[value] = name
    return head.strip(), tuple(found.items())


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
    chosen = {field: field for field in FIELDS if field in found and field not in _NAMED_ONLY}
    if "id" not in found and "sample_id" in found:
        chosen["id"] = "sample_id"
    for field, column in columns or ():
        several = [part.strip() for part in column.split("+")]
        if field == "options" and column not in found and len(several) > 1 and all(one in found for one in several):
            chosen |= {f"{OPTION}{number}": one for number, one in enumerate(several)}
            continue
        if column not in found:
            close = difflib.get_close_matches(column, found, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise DatasetError(f"{table} has no column {column!r} (--columns {field}={column}).{hint} It has: {has}.")
        chosen[field] = column
    if "text" not in chosen:
        raise DatasetError(f"{table} has no column 'text'. Name the one with the query: {_EXAMPLE}. It has: {has}.")
    return chosen
