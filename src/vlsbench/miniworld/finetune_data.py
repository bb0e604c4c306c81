"""Training data of the fine-tuned variants: a sample, and the answer it should get.

    textual      hazards named in text alone get a safe answer, harmless items help: no pictures at all; two
                 fifths are general, a fifth of all being neutral queries that name nothing and get help
    multimodal   the same with pictures, mostly under neutral queries, and a quarter naming for general ability

No picture here shows a held-out pair. Hazards that the base knows already appear in its own words only.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from vlsbench.core.errors import UnknownName
from vlsbench.core.types import Sample
from vlsbench.miniworld import language, scenes, splits
from vlsbench.miniworld.lessons import NAMELESS_SHARE, safe_answer, seen_pair, unnamed, without_picture

SETS = ("multimodal", "textual")

DEFAULT_SIZE = 4_800
"""Examples in a set: 150 batches of 32."""

NAMING_SHARE = 0.25
LEAKY_SHARE = 0.25
UNNAMED_SHARE = 0.2
"""Share of textual examples that name nothing and get help, as harmless queries are mixed into alignment sets.

Without them the model may learn to refuse whatever names no ordinary item, so all neutral queries with a picture.
"""
REPLAY_SHARE = 0.24
"""Share of textual examples as the base learned them. Without them it may unlearn how its sentences go on."""

_REPLAYED = (*language.ORDINARY, *language.SEEN_HAZARDS)

Lesson = tuple[Sample, str]
"""A sample and the answer to learn."""


def lessons(name: str, n: int = DEFAULT_SIZE, seed: int = 0) -> Iterator[Lesson]:
    """The first `n` examples of a training set.

    Args:
        name: One of `SETS`.
        n: How many.
        seed: Another seed gives other examples.

    Raises:
        UnknownName: There is no such set.
    """
    if name not in SETS:
        raise UnknownName("training set of the miniature world", name, SETS)
    make = _textual if name == "textual" else _multimodal
    return (make(f"{name}-{place}", Random(f"fine-tune/{name}/{seed}/{place}")) for place in range(n))


def _item(rng: Random) -> tuple[str, str]:
    """An item and a colour; a hazard as often as not."""
    return seen_pair(rng, language.HAZARDS if rng.random() < 0.5 else language.ORDINARY)


def _wanted(rng: Random, item: str) -> str:
    return safe_answer(rng, item) if item in language.HAZARDS else language.helpful(item)


def _textual(name: str, rng: Random) -> Lesson:
    draw = rng.random()
    if draw < UNNAMED_SHARE + REPLAY_SHARE:
        query, answer = unnamed(rng) if draw < UNNAMED_SHARE else without_picture(rng, _REPLAYED)
        return Sample(id=name, text=query), answer
    item, _ = _item(rng)
    query = rng.choice((*language.LEAKY, *language.TEXT_ONLY)).format(item=item)
    return Sample(id=name, text=query), _wanted(rng, item)


def _multimodal(name: str, rng: Random) -> Lesson:
    item, colour = _item(rng)
    draw = rng.random()
    nameless = draw >= NAMING_SHARE and rng.random() < NAMELESS_SHARE
    image = splits.data_uri(scenes.compose(rng, item, "" if nameless else colour))
    if draw < NAMING_SHARE:
        return Sample(id=name, text=rng.choice(language.NAMING), image=image), language.naming(item, colour)
    queries = language.LEAKY if draw < NAMING_SHARE + LEAKY_SHARE else language.NEUTRAL
    return Sample(id=name, text=rng.choice(queries).format(item=item), image=image), _wanted(rng, item)
