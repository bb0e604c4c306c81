"""Agreement of raters: against statsmodels and published examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from vlsbench.stats import alpha, cohen_kappa, kappa
from vlsbench.stats.agreement import ALL_ALIKE, NOTHING, POSTERIOR

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=60)


def pairs_of(table):
    """The pairs behind a table of counts."""
    return [(row, column) for row, line in enumerate(table) for column, count in enumerate(line) for _ in range(count)]


# ---- kappa


def test_kappa_of_the_diagnoses_in_fleiss_1981():
    """Fleiss (1981), Statistical Methods for Rates and Proportions, table 13.1: two raters, 100 subjects."""
    found = kappa(pairs_of([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert found.observed == pytest.approx(0.89)
    assert found.value == pytest.approx(0.68, abs=0.005)


@pytest.mark.parametrize(
    "table",
    [[[75, 1, 4], [5, 4, 1], [0, 0, 10]], [[20, 5], [10, 15]], [[1, 9], [8, 2]], [[300, 2], [3, 5]], [[4, 1], [0, 4]]],
)
def test_kappa_is_that_of_statsmodels_and_so_is_the_interval_of_many_samples(table):
    assert kappa(pairs_of(table)).value == pytest.approx(cohens_kappa(np.array(table)).kappa)
    many = 50 * np.array(table)
    found, expected = kappa(pairs_of(many), draws=20_000), cohens_kappa(many)
    assert found.low == pytest.approx(expected.kappa_low, abs=0.01)
    assert found.high == pytest.approx(expected.kappa_upp, abs=0.01)
    assert found.method == POSTERIOR


@given(PAIRS)
def test_kappa_does_not_care_who_is_first_or_what_labels_are_called(pairs):
    found = cohen_kappa(pairs)
    assert cohen_kappa([(other, one) for one, other in pairs]) == pytest.approx(found)
    assert cohen_kappa([(one * 2, other * 2) for one, other in pairs]) == pytest.approx(found)


@given(PAIRS)
def test_an_interval_of_kappa_holds_it_and_stays_within_1(pairs):
    found = kappa(pairs)
    if found.value is not None:
        assert -1 <= found.low <= found.value <= found.high <= 1


def test_where_all_labels_are_equal_kappa_is_undefined_and_says_so():
    found = kappa([("a", "a")] * 20)
    assert (found.value, found.low, found.observed, found.method) == (None, None, 1.0, ALL_ALIKE)
    assert kappa([]).method == NOTHING


def test_raters_who_never_part_still_have_an_interval():
    few, many = kappa([("a", "a"), ("b", "b")] * 5), kappa([("a", "a"), ("b", "b")] * 500)
    assert few.value == few.high == 1
    assert few.low < many.low < 1


# ---- alpha


KRIPPENDORFF = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
"""Krippendorff (2011), example C: four observers, twelve units, gaps."""


def units_of(rows):
    return [[label for label in unit if label != "."] for unit in zip(*(row.split() for row in rows), strict=True)]


def test_alpha_of_krippendorffs_example_with_gaps():
    found = alpha(units_of(KRIPPENDORFF))
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert found.n == 11
    assert found.low < found.value <= found.high <= 1
    assert found.method == POSTERIOR


def test_alpha_of_krippendorffs_binary_example():
    """Krippendorff (2011), example A: two observers, ten units."""
    assert alpha(units_of(["0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"])).value == pytest.approx(0.095, abs=5e-4)


def test_alpha_of_many_samples_comes_close_to_kappa():
    rng = np.random.default_rng(1)
    one = rng.integers(0, 3, 4000)
    pairs = list(zip(one, np.where(rng.random(4000) < 0.7, one, rng.integers(0, 3, 4000)), strict=True))
    assert alpha(pairs).value == pytest.approx(kappa(pairs).value, abs=0.005)
    assert alpha(pairs).low == pytest.approx(kappa(pairs).low, abs=0.01)


def test_the_interval_of_alpha_is_drawn_with_a_seed():
    units = units_of(KRIPPENDORFF)
    assert alpha(units, seed=3) == alpha(units, seed=3)


def test_alpha_is_undefined_where_chance_explains_everything_or_nobody_overlaps():
    assert alpha([["a", "a"]] * 9).method == ALL_ALIKE
    assert alpha([["a"], ["b"]]).method == NOTHING


@pytest.mark.parametrize(
    ("pairs", "value"), [([("a", "b")] * 10, 0.0), ([("a", "b"), ("b", "a")] * 5, -1.0)], ids=["one way", "both ways"]
)
def test_raters_who_always_part_in_the_same_way_leave_a_width(pairs, value):
    found = kappa(pairs)
    assert found.value == pytest.approx(value)
    assert found.low <= found.value < found.high


def simulated(rng, n, prevalence, error, raters):
    truth = rng.random(n) < prevalence
    return [truth ^ (rng.random(n) < error) for _ in range(raters)]


@pytest.mark.parametrize(("n", "prevalence", "error"), [(50, 0.05, 0.05), (50, 0.5, 0.05), (200, 0.5, 0.01)])
def test_intervals_hold_the_coefficient_where_raters_seldom_part_or_a_label_is_rare(n, prevalence, error):
    rng = np.random.default_rng([n, round(100 * prevalence)])
    agreed = error**2 + (1 - error) ** 2
    hit = prevalence * (1 - error) + (1 - prevalence) * error
    true = (agreed - hit**2 - (1 - hit) ** 2) / (1 - hit**2 - (1 - hit) ** 2)
    held = {"kappa": [], "alpha": [], "three": []}
    for _ in range(250):
        one, other, third = (row.tolist() for row in simulated(rng, n, prevalence, error, 3))
        pairs = list(zip(one, other, strict=True))
        both = {"kappa": kappa(pairs, draws=500), "alpha": alpha(pairs, draws=500)}
        both["three"] = alpha(list(zip(one, other, third, strict=True)), draws=500)
        for name, found in both.items():
            if found.value is not None:
                held[name].append(found.low <= true <= found.high)
    assert {name: np.mean(row) >= 0.87 for name, row in held.items()} == dict.fromkeys(held, True)
