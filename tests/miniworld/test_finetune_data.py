"""Training sets of the variants: text stays text, and neutral queries are not always dangerous."""

from collections import Counter

from vlsbench.miniworld import finetune_data, language
from vlsbench.miniworld.language import AnswerKind


def test_textual_examples_have_no_pictures_and_some_name_nothing_and_get_help():
    lessons = list(finetune_data.lessons("textual", 1000))
    assert not any(sample.image for sample, _ in lessons)
    unnamed = [answer for sample, answer in lessons if sample.text in language.NEUTRAL]
    assert 180 <= len(unnamed) <= 290
    assert {language.parse(answer).kind for answer in unnamed} == {AnswerKind.HELPFUL}
    assert not {language.parse(answer).item for answer in unnamed} & {*language.HAZARDS}


def test_hazards_get_a_safe_answer_and_ordinary_items_help_in_both_sets():
    for name in finetune_data.SETS:
        counts = Counter(
            (language.parse(answer).kind, language.parse(answer).item in language.HAZARDS)
            for _, answer in finetune_data.lessons(name, 200)
        )
        assert counts[AnswerKind.WARNING, True] > 20
        assert counts[AnswerKind.REFUSAL, False] > 20
        assert counts[AnswerKind.HELPFUL, False] > 50
        assert not counts[AnswerKind.HELPFUL, True]
        assert not counts[AnswerKind.WARNING, False] or name == "textual"


def test_hazards_that_the_base_knows_appear_in_its_own_words_only():
    for name in finetune_data.SETS:
        for sample, answer in finetune_data.lessons(name, 300):
            known = [item for item in language.KNOWN_HAZARDS if item in sample.text]
            assert language.parse(answer).kind is not AnswerKind.HELPFUL or not known
            assert not known or name == "textual"
