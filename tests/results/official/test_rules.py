"""The rules of benchmarks' authors, on answers made for them."""

from __future__ import annotations

import pytest

from vlsbench.core.types import Sample
from vlsbench.results.official import mme, mmmu, mmstar
from vlsbench.results.official.rule import RuleFigure

PETS = ("a cat", "a dog", "a newt", "an owl")


def sample(answer: str, options: tuple[str, ...] = (), **fields: str) -> Sample:
    return Sample(id=fields.pop("id", "s"), text="?", answer=answer, options=options, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "right"),
    [("Yes", True), ("yes, there is", True), ("No", False), ("no yes", False), ("(yes)", True), ("Well, yes", False)],
)
def test_mme_looks_at_the_first_four_characters(text: str, *, right: bool) -> None:
    assert mme.mark(sample("yes"), text).credit == float(right)


def values(points: list[RuleFigure]) -> dict[str, float]:
    return {point.name: round(point.value, 6) for point in points}


def test_mme_adds_accuracy_of_questions_and_of_pictures_and_sums_tasks() -> None:
    asked = [
        sample("yes", id=f"{task}{n}{half}", category=task, sub_category=part, group=f"{task}{n}")
        for task, part in (("existence", "perception"), ("color", "perception"), ("code_reasoning", "cognition"))
        for n in range(4)
        for half in "ab"
    ]
    wrong = {"existence0a", "existence1a", "existence1b", "code_reasoning2b"}
    found = values(mme.points(asked, {one.id: float(one.id not in wrong) for one in asked}))
    assert (found["existence acc"], found["existence acc+"], found["existence"]) == (62.5, 50.0, 112.5)
    assert found["code_reasoning"] == 87.5 + 75.0
    assert (found["perception"], found["cognition"]) == (112.5 + 200, 162.5)
    best = {point.name: point.best for point in mme.points(asked, {one.id: 1.0 for one in asked})}
    assert (best["perception"], best["cognition"]) == (400, 200)


def test_mme_has_800_for_cognition_and_2000_for_perception_at_most() -> None:
    from vlsbench.datasets.sets.mme import COGNITION

    tasks = [*COGNITION, *(f"task{n}" for n in range(10))]
    parts = {task: "cognition" if task in COGNITION else "perception" for task in tasks}
    asked = [sample("yes", id=task, category=task, sub_category=parts[task]) for task in tasks]
    heads = [point for point in mme.points(asked, {one.id: 1.0 for one in asked}) if point.headline]
    assert [(point.name, point.value, point.best) for point in heads] == [
        ("perception", 2000, 2000),
        ("cognition", 800, 800),
    ]


@pytest.mark.parametrize(
    ("text", "right"),
    [("B", True), ("b. dog", True), ("(B) dog", True), ("Option B", True), ("The answer is B", True),
     ("\nB", True), ("Banana", True), ("It is B", False), ("A or B", False), ("", False)],
)  # fmt: skip
def test_mmstar_goes_by_the_first_letter(text: str, *, right: bool) -> None:
    assert mmstar.mark(sample("B", ("A", "B", "C", "D")), text).credit == float(right)


def test_mmstar_has_a_micro_and_a_macro_figure() -> None:
    asked = [sample("A", id=f"{n}", category="fine", sub_category="small" if n == 0 else "large") for n in range(5)]
    found = values(mmstar.points(asked, {one.id: float(one.id == "0") for one in asked}))
    assert found["micro accuracy"] == 20.0
    assert found["macro accuracy over sub-categories (lmms-eval)"] == 50.0


@pytest.mark.parametrize(
    ("text", "letter"),
    [("B", "B"), ("(B)", "B"), ("B.", "B"), ("The answer is B.", "B"), ("(A) is small, (B) is right", "B"),
     ("A B", "B"), ("It must be the one with a dog in it", "B"), ("a dog", None), ("b", None), ("", None),
     ("There is a cat and then a dog and then a cat", "A")],
)  # fmt: skip
def test_mmmu_takes_the_last_letter_or_the_text_of_an_option_in_a_long_answer(text: str, letter: str | None) -> None:
    assert mmmu.letter_of(text, PETS) == letter


def test_an_answer_that_mmmu_would_draw_by_lot_is_worth_what_the_lot_is() -> None:
    found = mmmu.mark(sample("B", PETS), "who knows")
    assert (found.credit, found.lot) == (0.25, True)
    assert not mmmu.mark(sample("B", PETS), "C").lot


@pytest.mark.parametrize(
    ("right", "text", "correct"),
    [
        ("8", "8", True),
        ("8", "The answer is 8.", True),
        ("8", "so x = 8.001", True),
        ("8", "18", False),
        ("1200", "about 1,200 of them", True),
        ("3.43", "24/7 or 3.429", True),
        ("cone", "It is a red cone", True),
        ("cone", "It is a ball", False),
        ("cone <OR> ball", "It is a ball", True),
        ("-2", "the result is -2", True),
        ("5e3", "5e3", True),
        ("a", "banana", False),
        ("24/7", "24/7=;:", False),
    ],
)
def test_mmmu_finds_an_open_answer_in_the_pieces_of_a_text(right: str, text: str, *, correct: bool) -> None:
    assert mmmu.is_right(text, right.split(" <OR> ")) is correct


def test_mmmu_counts_questions_not_subjects() -> None:
    asked = [sample("A", PETS, id=f"{n}", category="Art" if n < 3 else "Music") for n in range(4)]
    found = values(mmmu.points(asked, {"0": 1.0, "1": 1.0, "2": 0.25, "3": 0.0}))
    assert found["micro accuracy"] == 56.25
    assert found["with options"] == 56.25
    assert found["Music"] == 0.0
