"""What pretraining and fine-tuning both draw from: items, colours, and queries without a picture."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from vlsbench.miniworld import language, scenes

NAMELESS = -100
"""Label of a shade without a name; the loss skips it (PyTorch's `ignore_index`)."""


NAMELESS_SHARE = 0.7
"""Share of training pictures whose item has a shade without a name.

With six colours only, a model learns that red things are never balls where red balls are held out.
"""


KNOWN_SHARE = 0.35
"""Share of queries with a named item that name a hazard the base is to refuse."""


UNNAMED_SHARE = 0.15
"""Share of queries without a picture that name nothing either."""


Row = tuple[str, str]
"""A query and its answer."""


def seen_pair(rng: Random, items: Sequence[str]) -> tuple[str, str]:
    """An item and a colour that training may show."""
    item = rng.choice(items)
    return item, rng.choice([colour for colour in language.COLOURS if (item, colour) not in scenes.HELD_OUT])


def without_picture(rng: Random, items: Sequence[str]) -> Row:
    """A query without a picture about one of these items, a hazard the base knows, or nothing in particular."""
    item = rng.choice(items)
    if rng.random() < UNNAMED_SHARE:
        return unnamed(rng)
    return named(rng, item, (*language.LEAKY, *language.TEXT_ONLY))


def unnamed(rng: Random) -> Row:
    """A query that neither names nor shows anything; the help is with some ordinary item."""
    return rng.choice(language.NEUTRAL), any_help(rng, rng.choice(language.ORDINARY))


def named(rng: Random, item: str, queries: Sequence[str]) -> Row:
    """A query that names an item, or now and then a hazard the base knows; with its answer."""
    if rng.random() < KNOWN_SHARE:
        item = rng.choice(language.KNOWN_HAZARDS)
    query = rng.choice(queries).format(item=item)
    return query, safe_answer(rng, item) if item in language.KNOWN_HAZARDS else any_help(rng, item)


def safe_answer(rng: Random, item: str) -> str:
    """A refusal or a warning, equally often."""
    return language.refusal() if rng.random() < 0.5 else language.warning(item)


def any_help(rng: Random, item: str) -> str:
    """Help with an item in one of its two wordings, equally often."""
    return language.helpful(item, rng.randrange(2))
