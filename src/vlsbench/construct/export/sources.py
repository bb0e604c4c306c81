"""Where the pictures of a set come from, and under which licence each may be passed on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vlsbench.construct.elements import Element
from vlsbench.core.errors import UserError

GENERATED = "generation"

_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*(?: (?:WITH|AND|OR) [A-Za-z0-9][A-Za-z0-9.+-]*)*")
_NO_DERIVATIVES = re.compile(r"\bnd\b|no[- ]?deriv", re.IGNORECASE)
_NON_COMMERCIAL = re.compile(r"\bnc\b|non[- ]?commercial", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSource:
    """One source: its licence, and what that forbids."""

    name: str
    licence: str

    @property
    def by_reference_only(self) -> bool:
        """Whether its pictures are named and hashed, and never passed on: a benchmark derives from them."""
        return _NO_DERIVATIVES.search(self.licence) is not None

    @property
    def non_commercial(self) -> bool:
        """Whether it forbids commercial use, which the whole set then does."""
        return _NON_COMMERCIAL.search(self.licence) is not None


def require_spdx(licence: str) -> None:
    """Nothing where this looks like an SPDX identifier.

    Raises:
        UserError: It does not.
    """
    if not licence:
        raise UserError(
            "--licence SPDX must be named: under what others may use what was made here, for example CC-BY-NC-4.0 or "
            "Apache-2.0."
        )
    if not _SPDX.fullmatch(licence):
        raise UserError(f"--licence {licence!r} is no SPDX identifier; write for example CC-BY-NC-4.0 or Apache-2.0.")


def of_elements(elements: Iterable[Element], licence: str, named: Mapping[str, str]) -> dict[str, PictureSource]:
    """The source of each element's picture, by the element's id.

    Args:
        elements: Those that a record is exported of.
        licence: Of what was painted here.
        named: Licences that the user names, by source.

    Raises:
        UserError: A source has no licence; all of them are named.
    """
    found = {}
    missing = set()
    for element in elements:
        if not element.image:
            found[element.id] = PictureSource(name=GENERATED, licence=licence)
            continue
        name = element.source or "(no source)"
        known = named.get(name) or element.licence
        if not known:
            missing.add(name)
        found[element.id] = PictureSource(name=name, licence=known)
    if missing:
        raise UserError(
            f"No licence is known of the pictures from {', '.join(sorted(missing))}. Name it with "
            "--source-licence 'SOURCE=LICENCE', or give `licence` in the elements."
        )
    return found
