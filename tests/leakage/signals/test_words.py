"""Words in any script, their places, and the stems under which they are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlsbench.leakage.signals import words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("knife", "knives"), ("stab", "stabbing"), ("make", "making"), ("carry", "carried"), ("box", "boxes")),
        *(("church", "churches"), ("king's", "kings"), ("Bottle", "BOTTLES"), ("kill", "killing")),
        *(("\uff22\uff2f\uff34\uff34\uff2c\uff25", "bottle"), ("bot\u200btle", "bottle"), ("O\u2019Neil", "o'neil")),
    ],
)
def test_forms_of_a_word_are_compared_as_one(one, other):
    assert words.stem(words.normal(one)) == words.stem(words.normal(other))


@pytest.mark.parametrize("word", ["red", "ring", "glass", "gas", "police", "bus", "this"])
def test_short_words_and_look_alikes_stay_words(word):
    assert len(words.stem(word)) >= 3


def test_function_words_and_words_for_the_picture_are_no_content():
    assert words.content("How do I use the thing in this picture? Don't tell me, I'll see what it shows.") == {"see"}
    assert words.content("") == set()


def test_places_are_offsets_into_the_text_as_it_was_written():
    text = "Where can I hide 2 KNIVES, caf\u00e9-style?"
    found = words.content_with_places(text)
    assert [text[start:end] for _, start, end in found] == ["hide", "KNIVES", "caf\u00e9", "style"]
    assert [stem for stem, _, _ in found] == ["hid", "knif", "caf\u00e9", "styl"]


@pytest.mark.parametrize(
    "text", ["\u5982\u4f55\u70e4\u9762\u5305", "\ud30c\uc774\ub97c \uad7d\ub2e4", "\u0e2d\u0e1a\u0e02\u0e19\u0e21"]
)
def test_scripts_without_spaces_are_cut_into_pairs_of_characters(text):
    run = text.split()[0]
    found = [text[start:end] for start, end in words.places(text)]
    assert found[: len(run) - 1] == [run[place : place + 2] for place in range(len(run) - 1)]


def test_combining_marks_belong_to_their_word():
    text = "\u0930\u094b\u091f\u0940 \u092c\u0928\u093e\u0913"
    assert [text[start:end] for start, end in words.places(text)] == text.split()


@given(st.text(max_size=60))
def test_every_text_has_words_at_places_inside_it_and_places_give_the_same_stems(text):
    found = words.content_with_places(text)
    assert all(0 <= start < end <= len(text) for _, start, end in found)
    assert {stem for stem, _, _ in found} == words.content(text)


@given(st.text(alphabet="ab'- 1", max_size=30))
def test_quick_and_careful_ways_find_the_same_words(text):
    careful = [f"{text}\u00e9"[start:end] for start, end in words.places(f"{text} \u00e9")][:-1]
    assert words.spelled(text) == careful


def test_very_long_words_are_not_remembered():
    words.content("x" * 100_000)
    assert "x" * 100_000 not in words._stems
