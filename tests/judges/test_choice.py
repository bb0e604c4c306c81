"""The judge of right answers: strict about what it reads, and honest about what it cannot read."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from vlsbench.core.errors import RequestFailed
from vlsbench.core.types import Response, ResponseOutcome, Sample, VerdictOutcome
from vlsbench.judges.choice import ChoiceJudge, Unreadable, read, read_letter

PETS = ("a cat", "a dog", "a newt", "an owl")


def sample(answer: str | None, options: tuple[str, ...] = ()) -> Sample:
    return Sample(id="s", text="Which?", answer=answer, options=options)


@pytest.mark.parametrize(
    "text",
    ["B", "b", "(B)", "B.", " B\n", "**B**", "$B$", r"\boxed{B}", "B. a dog", "(B) a dog", "B: it barks", "B) a dog",
     "The answer is B.", "Answer: B", "The correct answer is (B).", "The answer is option B because it barks.",
     "Option B.", "It has four legs.\nIt barks.\n\nB", "a dog", "A dog.", "The answer is a dog.",
     "A cat would purr, so the answer is B.", "(A) is too small. The answer is (B).", "B\nbecause it barks"],
)  # fmt: skip
def test_a_letter_is_read_however_models_write_it(text: str) -> None:
    assert read(sample("B", PETS), text) == ("B", True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A and B", "names no option"),
        ("A, B", "names no option"),
        ("(A) or (B)", "several options: A, B"),
        ("B. a cat", "several options: A, B"),
        ("The answer is A. No, the answer is B.", "several options: A, B"),
        ("B\n\nAnswer: C", "several options: B, C"),
        ("E", "names no option"),
        ("It is an animal with fur.", "names no option"),
        ("A dog and a cat are in the picture.", "names no option"),
        ("I cannot help with that.", "declines"),
        ("?", "names no option"),
    ],
)
def test_what_names_no_option_or_several_is_unreadable(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_letter(text, PETS)


def test_letters_alone_are_no_texts_of_options() -> None:
    assert read(sample("A", ("A", "B", "C", "D")), "A") == ("A", True)
    with pytest.raises(Unreadable):
        read(sample("A", ("A", "B", "C", "D")), "a dog with a bone")


@pytest.mark.parametrize(
    ("text", "said"),
    [("Yes", "yes"), ("yes.", "yes"), ("No", "no"), ("No, there is not.", "no"), ("No there is a cat", "no"),
     ("Yes, there is no dog.", "yes"), ("**No**", "no"), ("The answer is yes.", "yes"), ("Answer: No", "no")],
)  # fmt: skip
def test_yes_and_no_are_read(text: str, said: str) -> None:
    assert read(sample("yes"), text) == (said, said == "yes")


@pytest.mark.parametrize("text", ["No idea", "Perhaps", "It is yes and no", "Yes. The answer is no.", "Yesterday", ""])
def test_neither_yes_nor_no_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read(sample("no"), text)


@pytest.mark.parametrize(
    ("right", "text", "correct"),
    [
        ("a rose", "Rose.", True),
        ("rose", "It is a tulip.", False),
        ("rose", "The answer is a rose", True),
        ("24/7 <OR> 3.429", "3.43", True),
        ("24/7 <OR> 3.429", "24/7", True),
        ("24/7 <OR> 3.429", "3.5", False),
        ("1,200", "1200 dollars", True),
        ("1200", "-1200", False),
        ("8", "8.001", True),
        ("8", "18", False),
        ("8", "eight", False),
        ("Paris", "It is far away, and the reasons are many.\nAnswer: Paris", True),
    ],
)
def test_open_answers_are_the_same_words_or_the_same_number(right: str, text: str, *, correct: bool) -> None:
    assert read(sample(right), text)[1] is correct


@pytest.mark.parametrize(
    ("right", "text", "why"),
    [
        ("rose", "There are many flowers to be seen here and one of them may be what you mean", "long"),
        ("8", "8 or 9", "several numbers"),
        ("rose", "I'm sorry, but I cannot assist with that.", "declines"),
    ],
)
def test_an_open_answer_that_states_nothing_is_unreadable(right: str, text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(sample(right), text)


def test_what_cannot_be_read_is_unscored_and_never_wrong() -> None:
    def judged(answer: str | None, text: str) -> tuple[VerdictOutcome, str | None]:
        response = Response(sample_id="s", outcome=ResponseOutcome.OK, text=text)
        verdict = asyncio.run(ChoiceJudge().judge(sample(answer, PETS), response, None))
        return verdict.outcome, verdict.label

    assert judged("B", "B") == (VerdictOutcome.SCORED, "correct")
    assert judged("B", "C") == (VerdictOutcome.SCORED, "incorrect")
    assert judged("B", "Who knows?") == (VerdictOutcome.UNPARSABLE, None)
    with pytest.raises(RequestFailed, match="no right answer"):
        judged(None, "B")


@pytest.mark.parametrize(
    "text",
    [
        "The answer is" + 40_000 * " " + "\nSo it is",
        "answer: x" + 40_000 * " " + "\nb c",
        "answer : " * 10_000 + "\nx y",
        "option " + 40_000 * "(" + "\nx y",
    ],
    ids=["blanks", "blanks after it", "repeated", "brackets"],
)
def test_a_degenerate_answer_is_read_in_no_time(text: str) -> None:
    began = time.process_time()
    for one in (sample("B", PETS), sample("yes"), sample("42")):
        with contextlib.suppress(Unreadable):
            read(one, text)
    assert time.process_time() - began < 1


def test_an_answer_is_stated_on_the_last_line_or_by_the_line_above_it() -> None:
    assert read(sample("42"), "It is long, it says many things, and more.\nThe answer is: 42") == ("42", True)
    assert read(sample("42"), "It is long, it says many things.\nFinal answer:\n\n42") == ("42", True)
    with pytest.raises(Unreadable, match="states no answer"):
        read(sample("42"), "The answer is 42.\nOr something else that I cannot tell.")
