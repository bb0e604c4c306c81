"""Questions with a right answer: every way in which files write options and answers."""

from __future__ import annotations

import pytest

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField
from vlsbench.datasets.files.jsonl import to_sample
from vlsbench.datasets.files.questions import INSTRUCTION, Question, options_field, question

PETS = ("cat", "dog", "newt")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [("B", "B"), (" b ", "B"), ("(B)", "B"), ("B.", "B"), ("dog", "B"), (1, "B"), ("1", "B"), (None, None), ("", None)],
)
def test_an_answer_becomes_the_letter_of_its_option(answer: object, letter: str | None) -> None:
    assert question("Which?", PETS, answer).answer == letter


@pytest.mark.parametrize(
    ("options", "answer", "said"),
    [
        (PETS, "D", "neither one of the 3 options"),
        (PETS, "bird", "neither one of the 3 options"),
        (PETS, 3, "neither one of the 3 options"),
        (PETS, True, "should be a letter"),
        (("3", "2", "1"), 2, "fits B and C"),
        (("cat", "cat"), "cat", "fits A and B"),
        (("cat",), "A", "2 to 26 options"),
        (tuple(map(str, range(27))), "A", "2 to 26 options"),
        (("cat", " "), "A", "one of the options is empty"),
    ],
)
def test_an_answer_that_is_no_option_or_may_be_two_is_refused(
    options: tuple[str, ...], answer: object, said: str
) -> None:
    with pytest.raises(BadField, match=said):
        question("Which?", options, answer)


def test_numbers_as_options_are_told_from_numbers_of_options() -> None:
    assert question("How many?", ("10", "20", "30"), "20").answer == "B"
    assert question("How many?", ("10", "20", "30"), 2).answer == "C"
    assert question("How many?", ("0", "1", "2"), 2).answer == "C"


@pytest.mark.parametrize(
    ("answer", "said"),
    [("Yes", "yes"), ("NO", "no"), (True, "yes"), (False, "no"), (12, "12"), (" a rose ", "a rose"),
     (["3", 3.5], "3 <OR> 3.5"), ("", None), (None, None), ([], None)],
)  # fmt: skip
def test_answers_without_options_stay_what_they_are(answer: object, said: str | None) -> None:
    assert question("What is it?", (), answer) == Question(text="What is it?", answer=said)


def test_options_are_listed_for_the_model_unless_the_text_lists_them() -> None:
    asked = question("Which?", PETS, "A").text
    assert asked == f"Which?\n(A) cat\n(B) dog\n(C) newt\n{INSTRUCTION}"
    assert question(asked, PETS, "A").text == asked
    own = "Which?\nOptions: A: cat, B: dog, C: newt"
    assert question(own, PETS, "A").text == own


def test_letters_alone_stand_for_options_in_the_text() -> None:
    assert question("Which? A: cat, B: dog", ("A", "B"), "B") == Question(
        text="Which? A: cat, B: dog", options=("A", "B"), answer="B"
    )


@pytest.mark.parametrize("written", [["cat", 7], "['cat', 7]", '["cat", "7"]', "cat\n7\n"])
def test_options_are_read_in_every_spelling(written: object) -> None:
    assert options_field({"options": written}, "options") == ("cat", "7")


@pytest.mark.parametrize("written", ["[cat, dog]", "[__import__('os')]", 7, [None], {"A": "cat"}])
def test_options_that_are_no_list_are_refused(written: object) -> None:
    with pytest.raises(BadField, match="the field 'options'"):
        options_field({"options": written}, "options")


def test_a_line_with_an_answer_is_benign_unless_it_says_otherwise() -> None:
    row = {"sample_id": "a", "text": "Is it red?", "answer": True}
    assert to_sample(row) == Sample(id="a", text="Is it red?", answer="yes", expect=Expect.BENIGN)
    assert to_sample({**row, "expect": "harmful"}).expect is Expect.HARMFUL
    assert to_sample({**row, "answer": None}).expect is Expect.HARMFUL
