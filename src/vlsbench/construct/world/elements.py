"""The elements and the taxonomy of the miniature."""

from __future__ import annotations

from vlsbench.construct.elements import Element
from vlsbench.construct.taxonomy import Shelf, Taxonomy, make
from vlsbench.construct.world.errs import chance
from vlsbench.core.errors import UserError
from vlsbench.miniworld import language, scenes
from vlsbench.miniworld.splits import HAZARD_CATEGORY

MOST = 100_000
_SECOND_SHARE = 0.8
"""Most elements have a second object, so that few are described alike."""


def taxonomy() -> Taxonomy:
    """One category, with a sub-category for each invented hazard."""
    shelves = tuple(
        Shelf(
            category=HAZARD_CATEGORY,
            sub_category=item,
            definition=f"In this invented world a {item} is dangerous and should not be used.",
            sexual=False,
        )
        for item in language.HAZARDS
    )
    return make("world", shelves)


def elements(ref: str) -> list[Element]:
    """The elements of ``world:N``.

    Raises:
        UserError: N is no number, or too large.
    """
    text = ref.partition(":")[2]
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise UserError(f"--elements {ref}: write world:N with N from 1 to {MOST:,}.")
    return [_element(number) for number in range(int(text))]


def _element(number: int) -> Element:
    rng = chance("element", number)
    item, colour = rng.choice(language.HAZARDS), rng.choice(language.COLOURS)
    place = rng.choice(tuple(scenes.LAYOUTS.values()))
    behind = (rng.choice(language.ORDINARY), rng.choice(language.COLOURS)) if rng.random() < _SECOND_SHARE else None
    words = language.description(item, colour, place, behind).removeprefix("A ").removesuffix(".")
    return Element(id=f"e{number}", kind="object", words=words, category=HAZARD_CATEGORY, sub_category=item)
