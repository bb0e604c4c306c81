"""Paired comparisons: against statsmodels, brute force and scipy's optimiser."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from vlsbench.stats import holm, mcnemar, paired, smallest_difference
from vlsbench.stats.pairs import SIGN_FLIP, sign_flip, tango

CELLS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60)).filter(lambda cells: sum(cells) > 0)


# ---- tests


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 5), (12, 3), (0, 9), (150, 86), (900, 1000), (20000, 20500)])
def test_mcnemar_is_the_exact_one_of_statsmodels(b, c):
    table = np.array([[10, b], [c, 10]])
    # statsmodels doubles the middle of a balanced table; the exact p-value there is 1.
    expected = 1.0 if b == c else statsmodels_mcnemar(table, exact=True).pvalue
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-6)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_flipping_signs_counts_every_combination(totals):
    observed = abs(sum(totals))
    sums = [
        abs(sum(t * sign for t, sign in zip(totals, signs, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(totals))
    ]
    assert sign_flip(totals) == pytest.approx(sum(total >= observed for total in sums) / len(sums))


def test_a_p_value_is_never_zero():
    assert 0 < mcnemar(100_000, 0) < 1e-300


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12, 40])
def test_holm_is_that_of_statsmodels(count):
    p_values = np.random.default_rng(count).beta(0.3, 1, count).round(3).tolist()
    expected = multipletests(p_values, method="holm")[1]
    assert list(holm(dict(enumerate(p_values))).values()) == pytest.approx(list(expected))


# ---- interval


def score(b, c, n, delta):
    """Tango's statistic with the restricted likelihood maximised numerically."""

    def lost(p21):
        p12 = p21 + delta
        rest = 1 - p12 - p21
        terms = ((b, p12), (c, p21), (n - b - c, rest))
        if any(p < 0 or (count > 0 and p <= 0) for count, p in terms):
            return math.inf
        return -sum(count * math.log(p) for count, p in terms if count > 0)

    low, high = max(0.0, -delta), (1 - delta) / 2
    best = optimize.minimize_scalar(lost, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (b - c - n * delta) / math.sqrt(n * (2 * best + delta * (1 - delta)))


@pytest.mark.parametrize(("b", "c", "n"), [(12, 3, 50), (1, 4, 40), (150, 86, 1600), (7, 7, 30), (30, 2, 60)])
def test_the_ends_of_the_interval_are_where_the_score_is_its_quantile(b, c, n):
    z = scipy_stats.norm.ppf(0.975)
    low, high = tango(b, c, n)
    assert score(b, c, n, low) == pytest.approx(z, abs=1e-3)
    assert score(b, c, n, high) == pytest.approx(-z, abs=1e-3)


@settings(deadline=None)
@given(CELLS)
def test_the_interval_holds_the_difference_and_mirrors(cells):
    b, c, rest = cells
    n = b + c + rest
    low, high = tango(b, c, n)
    mirrored = tango(c, b, n)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert (low, high) == pytest.approx((-mirrored[1], -mirrored[0]), abs=1e-6)


def test_without_any_difference_the_interval_is_still_open():
    low, high = tango(0, 0, 50)
    assert low == pytest.approx(-high)
    assert high == pytest.approx(1.96**2 / (50 + 1.96**2), abs=1e-3)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="counts within"):
        tango(5, 5, 8)


# ---- the whole comparison


def test_both_conditions_on_the_same_samples():
    found = paired([True, True, False, True], [False, True, True, False], unscored=2)
    assert (found.n, found.value, found.only_first, found.only_second, found.unscored) == (4, 0.25, 2, 1, 2)
    assert found.p_value == found.p_mcnemar == 1.0
    assert found.method == "tango"


def test_samples_that_share_an_image_widen_the_interval_and_are_flipped_together():
    first, second = [True] * 8 + [False] * 8, [False] * 16
    alone = paired(first, second)
    shared = paired(first, second, [number // 4 for number in range(16)])
    assert shared.test == SIGN_FLIP
    assert shared.p_value == pytest.approx(0.5)
    assert shared.p_mcnemar == alone.p_value == pytest.approx(2 / 2**8)
    assert shared.high - shared.low > alone.high - alone.low


def test_clusters_of_one_change_nothing():
    first, second = [True, False, True, True], [False, False, True, False]
    assert paired(first, second, list("abcd")) == paired(first, second)


def test_one_image_for_all_gives_no_interval():
    found = paired([True, False], [False, False], ["a", "a"])
    assert (found.low, found.high, found.method) == (None, None, "none: fewer than 2 clusters")


def test_nothing_to_compare_has_no_value():
    found = paired([], [], unscored=3)
    assert (found.n, found.value, found.p_value, found.unscored) == (0, None, None, 3)


# ---- what n can show


@pytest.mark.parametrize(("n", "discordant"), [(200, 0.2), (2241, 0.1), (2241, 0.4)])
def test_the_smallest_difference_is_found_four_times_in_five(n, discordant):
    delta = smallest_difference(n, discordant)
    rng = np.random.default_rng(0)
    shares = [(discordant + delta) / 2, (discordant - delta) / 2, 1 - discordant]
    draws = rng.multinomial(n, shares, size=2000)
    z = (draws[:, 0] - draws[:, 1]) / np.sqrt(draws[:, 0] + draws[:, 1])
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.8, abs=0.03)


def test_too_few_samples_show_nothing():
    assert smallest_difference(3, 0.5) is None
    assert smallest_difference(0, 0.5) is None
