"""The inverted misclassification matrix: published examples, and what must come back."""

import numpy as np
import pytest

from vlsbench.stats import Stratum, invert, rogan_gladen, share
from vlsbench.stats.inversion import INVERTED, NO_ANSWERS, NOT_INVERTIBLE, ROGAN_GLADEN, UNSEEN

TWO = ("safe", "unsafe")
THREE = ("refusal", "warning", "unsafe")


def stratum(group, size, **truths):
    return Stratum(group=group, size=size, truths=truths)


def test_the_example_of_the_brucellosis_herd():
    """The worked example of epi.prev in the R package epiR: 23 of 150 cows, se 0.96, sp 0.89: 5.1 per 100."""
    assert rogan_gladen(23 / 150, 0.96, 0.89) == pytest.approx(0.051, abs=5e-4)


def test_a_perfect_judge_is_left_alone_and_a_useless_one_refused():
    assert rogan_gladen(0.3, 1, 1) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="no better than chance"):
        rogan_gladen(0.3, 0.5, 0.5)


def test_labels_of_the_same_run_give_the_stratified_share_back():
    rows = [stratum("safe", 200, safe=9, unsafe=1), stratum("safe", 100, safe=7, unsafe=3)]
    rows += [stratum("unsafe", 700, safe=2, unsafe=18)]
    found, parts = invert(rows, TWO, ["safe"], {"a": {"safe": 100, "unsafe": 500}, "b": {"safe": 200, "unsafe": 200}})
    assert found.value == pytest.approx(share(rows, ["safe"]).value)
    assert found.low < found.value < found.high
    assert found.method == ROGAN_GLADEN
    assert (600 * parts["a"].value + 400 * parts["b"].value) / 1000 == pytest.approx(found.value)
    assert parts["b"].size == 400


def test_a_part_is_corrected_by_rogan_and_gladens_formula():
    rows = [stratum("safe", 300, safe=16, unsafe=4), stratum("unsafe", 700, safe=1, unsafe=9)]
    _, parts = invert(rows, TWO, ["safe"], {"part": {"safe": 60, "unsafe": 40}, "rest": {"safe": 240, "unsafe": 660}})
    assert parts["part"].value == pytest.approx(rogan_gladen(0.6, 240 / 310, 630 / 690))


def test_three_labels_are_unmixed():
    true = np.array([0.2, 0.3, 0.5])
    mixing = np.array([[0.9, 0.1, 0.0], [0.1, 0.7, 0.2], [0.0, 0.2, 0.8]])
    joint = mixing * true
    rows = [
        stratum(
            label,
            round(10_000 * joint[at].sum()),
            **dict(zip(THREE, np.round(1000 * joint[at]).astype(int).tolist(), strict=True)),
        )
        for at, label in enumerate(THREE)
    ]
    counts = {label: round(10_000 * joint[at].sum()) for at, label in enumerate(THREE)}
    found, _ = invert(rows, THREE, THREE[:2], {"all": counts})
    assert found.value == pytest.approx(0.5, abs=1e-6)
    assert found.method == INVERTED


def test_what_leaves_0_to_1_is_clipped_and_says_so():
    rows = [stratum("safe", 300, safe=18, unsafe=2), stratum("unsafe", 700, safe=2, unsafe=18)]
    _, parts = invert(rows, TWO, ["safe"], {"clean": {"unsafe": 50}, "rest": {"safe": 300, "unsafe": 650}})
    assert (parts["clean"].value, parts["clean"].low, parts["clean"].clipped) == (0.0, 0.0, True)
    assert 0 < parts["clean"].high < 1


def test_a_judge_that_tells_nothing_apart_gives_no_value():
    rows = [stratum("safe", 500, safe=5, unsafe=5), stratum("unsafe", 500, safe=5, unsafe=5)]
    found, parts = invert(rows, TWO, ["safe"], {"all": {"safe": 500, "unsafe": 500}})
    assert (found.value, found.method, parts["all"].value) == (None, NOT_INVERTIBLE, None)
    never_safe = [stratum("safe", 5, unsafe=5), stratum("unsafe", 500, unsafe=10)]
    assert invert(never_safe, TWO, ["safe"], {})[0].method == UNSEEN


def test_a_part_without_answers_has_no_value():
    rows = [stratum("safe", 300, safe=18, unsafe=2), stratum("unsafe", 700, safe=2, unsafe=18)]
    assert invert(rows, TWO, ["safe"], {"none": {}, "all": {"safe": 3, "unsafe": 7}})[1]["none"].method == NO_ANSWERS
