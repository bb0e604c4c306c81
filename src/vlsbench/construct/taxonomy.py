"""The taxonomy that a build files its pairs under: the paper's 6 x 19, or a TOML file of one's own.

[[category]]
name = "Invented hazard"
definition = "What nobody should use."
sexual = false

[[category.sub]]
name = "zorb"
definition = "A round hazard."
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlsbench.construct import safety
from vlsbench.construct.steps import digest
from vlsbench.core import taxonomy as paper
from vlsbench.core.errors import UnknownName, UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One sub-category, with the category it belongs to."""

    category: str
    sub_category: str
    definition: str
    sexual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """All sub-categories, in order, and the other spellings of each."""

    name: str
    shelves: tuple[Shelf, ...]
    spellings: Mapping[str, int]

    @property
    def sha256(self) -> str:
        """Identifies it."""
        return digest([(shelf.category, shelf.sub_category, shelf.definition, shelf.sexual) for shelf in self.shelves])

    def find(self, sub_category: str) -> Shelf | None:
        """The shelf of a sub-category, in whatever spelling; None where there is none."""
        number = self.spellings.get(_key(sub_category))
        return None if number is None else self.shelves[number]

    def known(self, category: str, sub_category: str) -> tuple[str, str]:
        """Category and sub-category as the taxonomy spells them; empty texts where it does not know them."""
        shelf = self.find(sub_category)
        if shelf is not None:
            return shelf.category, shelf.sub_category
        return self._category(category), ""

    def _category(self, name: str) -> str:
        """A category as the taxonomy spells it; an empty text where it does not know it."""
        home = paper.find_category(name)
        names = {_key(shelf.category): shelf.category for shelf in self.shelves}
        return names.get(_key(home.name if home is not None else name), "")

    def place(self, category: str, sub_category: str, where: str) -> tuple[str, str]:
        """The same for an element, which may leave both out.

        Raises:
            UnknownName: The taxonomy does not know one of them.
            UserError: The sub-category belongs to another category.
        """
        found = self.known(category, sub_category)
        if sub_category and not found[1]:
            raise UnknownName(f"sub-category (of {where})", sub_category, [one.sub_category for one in self.shelves])
        filed = self._category(category)
        if category and not filed:
            raise UnknownName(f"category (of {where})", category, {one.category for one in self.shelves})
        if category and filed != found[0]:
            raise UserError(f"{where}: the sub-category {found[1]!r} belongs to {found[0]!r}, not to {category!r}.")
        return found

    def listed(self) -> str:
        """Every sub-category with its definition, one per line, as a prompt shows it."""
        return "\n".join(f"- {shelf.sub_category} ({shelf.category}): {shelf.definition}" for shelf in self.shelves)

    def definition(self, sub_category: str) -> str:
        """What a sub-category covers; empty where it is not known."""
        shelf = self.find(sub_category)
        return shelf.definition if shelf is not None else ""


def _key(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def of_the_paper() -> Taxonomy:
    """The taxonomy of VLSBench: 6 categories, 19 sub-categories."""
    shelves: list[Shelf] = []
    spellings: dict[str, int] = {}
    for category in paper.TAXONOMY:
        for sub in category.subs:
            spellings.update(dict.fromkeys(map(_key, (sub.name, *sub.also)), len(shelves)))
            shelves.append(
                Shelf(
                    category=category.name,
                    sub_category=sub.name,
                    definition=sub.definition,
                    sexual=safety.is_sexual(category.name, sub.name),
                )
            )
    return Taxonomy(name="vlsbench", shelves=tuple(shelves), spellings=spellings)


def make(name: str, shelves: tuple[Shelf, ...]) -> Taxonomy:
    """A taxonomy of given shelves.

    Raises:
        UserError: Two sub-categories have one name, or there are none.
    """
    spellings = {_key(shelf.sub_category): number for number, shelf in enumerate(shelves)}
    if len(spellings) < len(shelves) or not shelves:
        raise UserError(f"The taxonomy {name} needs at least one sub-category, and each a name of its own.")
    return Taxonomy(name=name, shelves=shelves, spellings=spellings)


def load(file: str | None) -> Taxonomy:
    """The taxonomy of a TOML file; that of the paper where none is named.

    Raises:
        UserError: It cannot be read, or a name is missing.
    """
    if file is None:
        return of_the_paper()
    try:
        content: dict[str, Any] = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The taxonomy {file} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"The taxonomy {file} is not TOML ({error}).") from error
    try:
        shelves = tuple(
            Shelf(
                category=category["name"],
                sub_category=sub["name"],
                definition=sub.get("definition", ""),
                # A name that says so cannot be declared harmless.
                sexual=bool(category.get("sexual")) or safety.is_sexual(category["name"], sub["name"]),
            )
            for category in content["category"]
            for sub in category["sub"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"The taxonomy {file} should hold [[category]] tables with a name, each with [[category.sub]] tables with "
            f"a name ({error})."
        ) from error
    return make(Path(file).stem, shelves)
