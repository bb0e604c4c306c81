"""Near-copies: the same request written a little differently, and nothing else."""

from itertools import combinations
from random import Random

import pytest

from vlsbench.leakage.baseline import near_copies
from vlsbench.leakage.baseline.near_copies import Spelling, links, near


def joined(texts):
    """The pairs that are found, each once, the earlier place first."""
    return sorted({(min(pair), max(pair)) for pair in links(texts)})


ASKED = "How should I paint the old wooden fence?"


@pytest.mark.parametrize(
    "other",
    [
        "how should i paint the old wooden fence",
        "How should I paint the old, wooden fence?!",
        "How should I paint the old wooden fence today?",
        "Please: how should I paint the old wooden fence?",
        "How could we paint the old wooden fence?",
        "How should I paint the old wooden fences?",
        "How should I paint the wooden fence?",
    ],
)
def test_the_same_request_written_differently_is_a_near_copy(other):
    assert joined([ASKED, other]) == [(0, 1)]


@pytest.mark.parametrize(
    "other",
    [
        "How should I paint the old wooden crate?",
        "How should I paint the old garden wall?",
        "What is this?",
        "",
        "?!",
    ],
)
def test_another_request_is_none(other):
    assert joined([ASKED, other]) == []


def test_a_text_that_asks_about_nothing_is_part_of_nothing():
    assert joined(["What is this?", "What is this zorb?", "What is this ball?"]) == []


def test_one_word_exchanged_among_many_is_still_a_near_copy():
    text = " ".join(f"word{number}x" for number in range(30))
    assert joined([text, text.replace("word17x", "other")]) == [(0, 1)]


def test_scripts_without_spaces_and_odd_characters_are_compared_too():
    assert joined(["この赤い道具の使い方を教えてください", "この赤い道具の使い方を教えてください。"]) == [(0, 1)]
    assert joined(["paint the fence \ud800 red", "paint the fence \ud800 red!"]) == [(0, 1)]


def test_nearly_all_pairs_that_a_full_comparison_finds_are_joined():
    rng = Random(3)
    vocabulary = [f"{first}{second}a{first}" for first in "bcdfgklmnprst" for second in "aeiou"]
    texts = []
    for _ in range(120):
        chosen = rng.sample(vocabulary, rng.randrange(4, 14))
        texts += [" ".join(chosen), " ".join([*chosen, rng.choice(vocabulary)])]
    spellings = [Spelling.of(text) for text in texts]
    wanted = {pair for pair in combinations(range(len(texts)), 2) if near(*(spellings[place] for place in pair))}
    assert len(wanted) >= 110
    assert len(set(joined(texts)) & wanted) >= 0.97 * len(wanted)
    assert set(joined(texts)) <= wanted


def test_a_near_copy_is_found_among_many_texts_of_one_template():
    texts = [f"tell me how to paint item{number} at noon in the garden" for number in range(500)]
    found = joined([*texts, "Please tell me how to paint item317 today at noon in the garden!"])
    assert found == [(317, 500)]


def test_comparisons_grow_with_the_number_of_texts_and_not_with_its_square(monkeypatch):
    def comparisons(n):
        rng = Random(n)
        # Half of them share most of their words, as templates do: crowded buckets.
        texts = [f"tell me how to paint item{rng.randrange(10**6)} at noon in the garden" for _ in range(n // 2)]
        texts += [" ".join(f"w{rng.randrange(3000)}" for _ in range(8)) for _ in range(n // 2)]
        compared = 0

        def counted(one, other):
            nonlocal compared
            compared += 1
            return near(one, other)

        monkeypatch.setattr(near_copies, "near", counted)
        list(links(texts))
        return compared

    # Eight times the texts: 8 if linear, 64 if everything is compared with everything.
    assert 0 < comparisons(8_000) < 16 * comparisons(1_000)
