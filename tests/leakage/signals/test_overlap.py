"""The overlap of two texts, weighted by how rare their words are in the set."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlsbench.leakage.signals import words
from vlsbench.leakage.signals.overlap import Frequencies, Query, Span


def counted(*texts):
    found = Frequencies()
    for text in texts:
        found.add(words.content(text))
    return found


SET = counted("bake bread oven", "bake cake", "paint fence", "bake bread")


def test_the_score_is_the_share_of_the_querys_content_weighted_by_rarity():
    query = Query("How do I bake bread at the fence?", SET)
    bake, bread, fence = math.log(1 + 4 / 3), math.log(1 + 4 / 2), math.log(1 + 4 / 1)
    assert query.overlap(words.content("A loaf of bread.")) == pytest.approx(bread / (bake + bread + fence))
    assert query.overlap(words.content("The fence, where they bake breads")) == 1.0
    assert query.overlap(words.content("Nothing of the kind")) == 0.0


def test_a_query_without_content_says_nothing_twice():
    assert Query("How do I use this?", SET).overlap({"bread"}) == 0.0


def test_spans_leave_out_what_most_records_say():
    text = "Bake the bread at the FENCE"
    spans = Query(text, SET).spans(words.content("They bake bread at a fence"), "description")
    assert [text[span.start : span.end] for span in spans] == ["bread", "FENCE"]
    assert {span.source for span in spans} == {"description"}


def test_how_common_a_word_may_be_can_be_chosen():
    query, other = Query("Bake the fence", SET), words.content("bake fence")
    assert len(query.spans(other, "ocr", common=1.0)) == 2
    assert len(query.spans(other, "ocr", common=0.25)) == 1


def test_in_a_set_of_one_record_its_words_may_leak():
    alone = counted("bake bread")
    assert Query("bake", alone).spans({"bak"}, "description") == [Span(start=0, end=4, source="description")]


def test_overlapping_pairs_of_characters_make_one_span():
    text = "\u5982\u4f55\u70e4\u9762\u5305 now"
    (span,) = Query(text, counted(text, "a", "b")).spans(words.content("\u70e4\u9762\u5305"), "description")
    assert text[span.start : span.end] == "\u70e4\u9762\u5305"


def test_counting_stays_bounded_and_keeps_the_frequent_words():
    found = Frequencies(most=100)
    for number in range(1_000):
        found.add(["often", f"once{number}"])
    assert len(found._counts) <= 101
    assert found.count("often") == 1_000
    assert found.count("once5") == 1


@given(st.text(max_size=40), st.text(max_size=40))
def test_scores_lie_between_0_and_1_and_spans_inside_the_query(text, other):
    set_ = counted(text, other)
    query, stems = Query(text, set_), words.content(other)
    assert 0.0 <= query.overlap(stems) <= 1.0
    for span in query.spans(stems, "description"):
        assert 0 <= span.start < span.end <= len(text)
