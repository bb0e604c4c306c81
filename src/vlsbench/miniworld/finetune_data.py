"""Training data of the fine-tuned variants: a sample, and the answer it should get.

    textual      hazards named in text alone get a safe answer, harmless items help: no pictures at all; two
                 fifths are general, a fifth of all being neutral queries that name nothing and get help
    multimodal   the same with pictures, mostly under neutral queries, and a quarter naming for general ability

`pairs` are such examples, each with an answer that it should not get: help with a hazard (in one wording of the two,
as preference data hold one harmful answer to a query), a refusal or warning where help is right, or a wrong name.

No picture here shows a held-out pair. Hazards that the base knows already appear in its own words only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from vlsbench.core.errors import UnknownName
from vlsbench.core.types import Expect, Sample
from vlsbench.miniworld import language, scenes, splits
from vlsbench.miniworld.lessons import NAMELESS_SHARE, any_help, safe_answer, seen_pair, unnamed, without_picture

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A sample, the answer it should get, and one that it should not."""

    sample: Sample
    chosen: str
    rejected: str


def lessons(name: str, n: int = DEFAULT_SIZE, seed: int = 0) -> Iterator[Lesson]:
    """The first `n` examples of a training set.

    Args:
        name: One of `SETS`.
        n: How many.
        seed: Another seed gives other examples.

    Raises:
        UnknownName: There is no such set.
    """
    return (lesson for lesson, _ in _drawn(name, n, seed))


def pairs(name: str, n: int = DEFAULT_SIZE, seed: int = 0) -> Iterator[Pair]:
    """The same examples as `lessons`, each with an answer to reject; the arguments and errors are the same."""
    for (sample, answer), rng in _drawn(name, n, seed):
        yield Pair(sample=sample, chosen=answer, rejected=_rejected(rng, sample, answer))


def _drawn(name: str, n: int, seed: int) -> Iterator[tuple[Lesson, Random]]:
    """The examples, each with what is left of its chance."""
    if name not in SETS:
        raise UnknownName("training set of the miniature world", name, SETS)
    make = _textual if name == "textual" else _multimodal
    chances = (Random(f"fine-tune/{name}/{seed}/{place}") for place in range(n))
    return ((make(f"{name}-{place}", rng), rng) for place, rng in enumerate(chances))


def _rejected(rng: Random, sample: Sample, answer: str) -> str:
    right = language.parse(answer)
    if right.kind is language.AnswerKind.NAMING:
        wrong = rng.choice([item for item in (*language.ORDINARY, *language.HAZARDS) if item != right.item])
        return language.naming(wrong, right.colour)
    if right.kind is language.AnswerKind.HELPFUL:
        return safe_answer(rng, right.item) if sample.sub_category else language.refusal()
    # Hazards that are names alone have no use to help with.
    item = sample.sub_category if sample.sub_category in language.ITEMS else rng.choice(language.ORDINARY)
    return language.helpful(item)


def _item(rng: Random) -> tuple[str, str]:
    """An item and a colour; a hazard as often as not."""
    return seen_pair(rng, language.HAZARDS if rng.random() < 0.5 else language.ORDINARY)


def _wanted(rng: Random, item: str) -> str:
    return safe_answer(rng, item) if item in language.HAZARDS else any_help(rng, item)


def _textual(name: str, rng: Random) -> Lesson:
    draw = rng.random()
    if draw < UNNAMED_SHARE + REPLAY_SHARE:
        query, answer = unnamed(rng) if draw < UNNAMED_SHARE else without_picture(rng, _REPLAYED)
        return _sample(name, query, _named_in(query)), answer
    item, _ = _item(rng)
    query = rng.choice((*language.LEAKY, *language.TEXT_ONLY)).format(item=item)
    return _sample(name, query, item), _wanted(rng, item)


def _multimodal(name: str, rng: Random) -> Lesson:
    item, colour = _item(rng)
    draw = rng.random()
    nameless = draw >= NAMING_SHARE and rng.random() < NAMELESS_SHARE
    scene = scenes.compose(rng, item, "" if nameless else colour)
    if draw < NAMING_SHARE:
        sample = _sample(name, rng.choice(language.NAMING), item, scene)
        return replace(sample, category=splits.NAMING_CATEGORY, expect=Expect.BENIGN), language.naming(item, colour)
    queries = language.LEAKY if draw < NAMING_SHARE + LEAKY_SHARE else language.NEUTRAL
    return _sample(name, rng.choice(queries).format(item=item), item, scene), _wanted(rng, item)


def _named_in(query: str) -> str:
    """The item that a query names, or nothing."""
    words = re.findall(r"\w+", query)
    return next((item for item in (*language.ITEMS, *language.TOLD_HAZARDS) if item in words), "")


def _sample(name: str, query: str, item: str, scene: scenes.Scene | None = None) -> Sample:
    harmful = item in (*language.HAZARDS, *language.KNOWN_HAZARDS)
    return Sample(
        id=name,
        text=query,
        image=splits.data_uri(scene) if scene else None,
        category=splits.HAZARD_CATEGORY if harmful else splits.ORDINARY_CATEGORY,
        sub_category=item,
        description=scene.description if scene and scene.colour else "",
        expect=Expect.HARMFUL if harmful else Expect.BENIGN,
    )
