"""Intervals: against published values, statsmodels, hand-made examples, and the laws they must obey."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlsbench import stats
from vlsbench.stats import design_effect, rate, wilson
from vlsbench.stats.student import quantile

COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
TABLES = st.lists(
    st.integers(1, 6).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))), min_size=2, max_size=40
)


def samples(table):
    """Hits and clusters of a table of (successes, size)."""
    hits = [index < successes for successes, size in table for index in range(size)]
    clusters = [number for number, (_, size) in enumerate(table) for _ in range(size)]
    return hits, clusters


# ---- Wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_values_of_newcombe_1998(k, n, low, high):
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3."""
    assert wilson(k, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_agrees_with_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion", exc_type=ImportError)
    for n in (1, 2, 7, 50, 2241):
        for k in {0, 1, n // 3, n // 2, n - 1, n}:
            for confidence in (0.8, 0.95, 0.99):
                expected = proportion.proportion_confint(k, n, alpha=1 - confidence, method="wilson")
                assert wilson(k, n, confidence) == pytest.approx(expected, abs=1e-12)


def test_wilson_has_its_closed_form_at_the_ends():
    z2 = 1.959963984540054**2
    assert wilson(0, 10) == (0.0, pytest.approx(z2 / (10 + z2)))
    assert wilson(10, 10) == (pytest.approx(10 / (10 + z2)), 1.0)


@given(COUNTS)
def test_an_interval_holds_its_value_and_stays_between_0_and_1(counts):
    k, n = counts
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high


@given(COUNTS, st.integers(2, 9))
def test_more_of_the_same_data_never_widens_an_interval(counts, times):
    k, n = counts
    narrow, wide = wilson(k * times, n * times), wilson(k, n)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


@given(COUNTS)
def test_counting_the_other_outcome_mirrors_the_interval(counts):
    k, n = counts
    low, high = wilson(k, n)
    assert wilson(n - k, n) == (pytest.approx(1 - high, abs=1e-12), pytest.approx(1 - low, abs=1e-12))


@given(COUNTS)
def test_more_confidence_needs_a_wider_interval(counts):
    one, other = wilson(*counts, 0.8), wilson(*counts, 0.99)
    assert other[0] <= one[0]
    assert one[1] <= other[1]


@given(COUNTS.filter(lambda counts: counts[0] < counts[1]))
def test_one_more_success_moves_the_interval_up(counts):
    k, n = counts
    one, other = wilson(k, n), wilson(k + 1, n)
    assert one[0] < other[0]
    assert one[1] < other[1]


@pytest.mark.parametrize(("k", "n"), [(0, 0), (1, 0), (-1, 5), (6, 5), (0, -1), (math.nan, 5), (1, math.nan)])
def test_counts_that_cannot_be_are_refused(k, n):
    with pytest.raises(ValueError, match="need 0 <= k <= n"):
        wilson(k, n)


# ---- the design effect


def test_the_design_effect_of_a_table_worked_by_hand():
    # Three images with 2 samples each: both hit, one hit, none hit. p = 1/2, n = 6, m = 3.
    # Residuals of the cluster totals: 2 - 1, 1 - 1, 0 - 1; their squares sum to 2.
    # Variance of p: (3/2) * 2 / 36 = 1/12. Binomial: (1/4) / 6 = 1/24. Ratio: 2.
    assert design_effect([(2, 2), (1, 2), (0, 2)]) == pytest.approx(2)


def test_the_design_effect_with_clusters_of_different_size_worked_by_hand():
    # p = 3/6; residuals 3 - 3/2, 0 - 1, 0 - 1/2; squares 9/4 + 1 + 1/4 = 7/2. (3/2)(7/2)/36 over 1/24.
    expected = Fraction(3, 2) * Fraction(7, 2) / 36 * 24
    assert design_effect([(3, 3), (0, 2), (0, 1)]) == pytest.approx(float(expected))


def test_clusters_of_one_mind_have_about_their_size_as_design_effect():
    table = [(3, 3), (0, 3)] * 200
    assert design_effect(table) == pytest.approx(3, rel=0.01)


def test_where_all_samples_agree_the_mean_cluster_size_stands_for_the_design_effect():
    assert design_effect([(0, 1), (0, 2), (0, 3)]) == 2
    assert design_effect([(1, 1), (2, 2), (3, 3)]) == 2


@pytest.mark.parametrize("table", [[], [(1, 2)]])
def test_a_design_effect_needs_two_clusters(table):
    with pytest.raises(ValueError, match="at least 2"):
        design_effect(table)


@given(TABLES)
def test_a_design_effect_is_finite_and_not_negative(table):
    assert 0 <= design_effect(table) < 1000


# ---- rates


def test_a_rate_over_nothing_has_no_value_and_no_interval():
    found = rate([], unscored=3)
    assert (found.k, found.n, found.value, found.low, found.high) == (0, 0, None, None, None)
    assert found.method == stats.NO_DATA
    assert found.unscored == 3


def test_samples_of_one_image_have_a_value_but_no_interval():
    found = rate([True, False, True], ["one"] * 3)
    assert (found.k, found.n, found.value) == (2, 3, pytest.approx(2 / 3))
    assert (found.low, found.high, found.method) == (None, None, stats.ONE_CLUSTER)


def test_a_single_sample_has_wilsons_interval():
    found = rate([True], ["one"])
    assert (found.low, found.high) == wilson(1, 1)
    assert found.method == stats.WILSON


def test_an_interval_over_repeated_images_is_wilsons_on_the_effective_size():
    found = rate(*samples([(2, 2), (1, 2), (0, 2)]))
    z = quantile(0.95, 2)
    assert (found.low, found.high) == wilson(found.effective / 2, found.effective, z=z)
    assert (found.value, found.method, found.clusters) == (0.5, stats.CLUSTERED, 3)
    assert 3 <= found.effective < 6


@pytest.mark.parametrize("hit", [True, False])
def test_where_all_agree_the_effective_size_is_the_number_of_images(hit):
    found = rate(*samples([(2 * hit, 2)] * 5))
    assert found.effective == 5
    assert (found.low, found.high) == pytest.approx(wilson(5 * hit, 5, z=quantile(0.95, 4)))


def test_images_that_disagree_within_never_narrow_an_interval():
    table = [(1, 2)] * 10
    assert design_effect(table) < 1
    found = rate(*samples(table))
    assert found.effective < 20
    assert found.high - found.low > wilson(10, 20)[1] - wilson(10, 20)[0]
    assert found.method == stats.CLUSTERED


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_clusters_of_one_equal_plain_wilson(hits):
    assert rate(hits, range(len(hits))) == rate(hits)
    assert rate(hits).method == stats.WILSON


@settings(max_examples=60)
@given(TABLES)
def test_clusters_never_narrow_an_interval_and_never_move_the_value(table):
    hits, clusters = samples(table)
    clustered, plain = rate(hits, clusters), rate(hits)

    assert clustered.value == plain.value
    if clustered.low is None:
        assert clustered.note
        return
    assert clustered.low <= plain.low + 1e-12
    assert clustered.high >= plain.high - 1e-12
    assert 0 <= clustered.low <= clustered.value <= clustered.high <= 1


@settings(max_examples=40)
@given(TABLES, st.randoms())
def test_the_order_of_samples_and_the_names_of_clusters_do_not_matter(table, random):
    hits, clusters = samples(table)
    rows = [(hit, f"image {cluster}") for hit, cluster in zip(hits, clusters, strict=True)]
    random.shuffle(rows)
    one, other = rate(hits, clusters), rate([row[0] for row in rows], [row[1] for row in rows])

    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_every_sample_needs_a_cluster():
    with pytest.raises(ValueError, match="one cluster per sample"):
        rate([True, False], ["one"])


def test_the_clustered_interval_covers_the_truth_about_as_often_as_it_says():
    """40 images with 3 samples each that mostly agree; plain Wilson would claim too much."""
    from random import Random

    random = Random(7)
    covered = plain = 0
    runs = 600
    for _ in range(runs):
        table = []
        for _ in range(40):
            p = 0.9 if random.random() < 0.4 else 0.1
            table.append((sum(random.random() < p for _ in range(3)), 3))
        truth = 0.4 * 0.9 + 0.6 * 0.1
        found, naive = rate(*samples(table)), rate(samples(table)[0])
        covered += found.low <= truth <= found.high
        plain += naive.low <= truth <= naive.high

    assert 0.92 <= covered / runs <= 0.98
    assert plain / runs < 0.90
