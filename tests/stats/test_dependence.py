"""What belongs together: against brute force, and the coverage of the intervals that rest on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlsbench.stats import (
    COMPONENTS,
    FEW_CLUSTERS,
    MULTIWAY,
    ONE_CLUSTER,
    Dependence,
    design_effect,
    paired,
    rate,
    rate_of,
    wilson,
)
from vlsbench.stats.dependence import correlation
from vlsbench.stats.pairs import SCORE_T, SIGN_FLIP

WAYS = st.integers(2, 14).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 5), min_size=n, max_size=n) for _ in range(3)])
)


def links_by_hand(*ways):
    """The matrix that says which two of the samples share a cluster in any way."""
    n = len(ways[0])
    return np.array([[any(way[i] == way[j] for way in ways) and i != j for j in range(n)] for i in range(n)], dtype=int)


# ---- who belongs together


@given(WAYS)
def test_links_are_counted_as_by_hand(ways):
    together, linked = Dependence(len(ways[0]), *ways), links_by_hand(*ways)
    if together.components is None:
        assert not linked.any()
        return
    if together.kind == COMPONENTS:
        linked = links_by_hand(together.components.tolist())
    assert together.links().tolist() == linked.sum(axis=1).tolist()


@given(WAYS)
def test_components_are_what_can_be_reached_over_links(ways):
    n, together = len(ways[0]), Dependence(len(ways[0]), *ways)
    reached = np.linalg.matrix_power(links_by_hand(*ways) + np.eye(n, dtype=int), n) > 0
    found = together.components if together.components is not None else np.arange(n)
    assert ((found[:, None] == found[None, :]) == reached).all()


def test_a_way_inside_another_does_not_count():
    images, questions = [0, 0, 1, 1, 2, 3], [0, 0, 0, 0, 1, 1]
    both, one = Dependence(6, images, questions), Dependence(6, questions)
    assert (both.kind, both.clusters) == (one.kind, one.clusters)
    assert Dependence(6, images, images).clusters == 4
    assert Dependence(6, range(6), None).components is None


def test_ways_that_cross_in_small_sets_make_components():
    images = [number // 2 for number in range(160)]
    questions = [(number + 1) // 2 if number % 8 else 1000 + number for number in range(160)]
    together = Dependence(160, images, questions)
    assert together.kind == COMPONENTS
    assert together.clusters == len(set(together.components.tolist())) >= 15


def test_ways_that_cross_everywhere_are_counted_by_inclusion_and_exclusion():
    together = Dependence(400, [number // 20 for number in range(400)], [number % 20 for number in range(400)])
    assert (together.kind, together.clusters) == (MULTIWAY, 20)
    assert set(together.links().tolist()) == {38.0}


# ---- the correlation


@given(WAYS, st.integers(0, 2**14 - 1))
def test_the_correlation_solves_the_traces(ways, pattern):
    """With expected products and squares in place of observed ones, the correlation that made them comes back."""
    n = len(ways[0])
    linked = links_by_hand(*ways)
    centring = np.eye(n) - 1 / n
    rho, variance = (pattern % 11) / 10, 0.2
    covariance = variance * (np.eye(n) + rho * linked)
    products = np.trace(linked @ centring @ covariance @ centring)
    squares = np.trace(centring @ covariance)
    links, degrees = linked.sum(), (linked.sum(axis=1) ** 2).sum()
    slope = np.trace(linked @ centring @ linked @ centring)
    if slope * squares + products * links / n > 1e-6:
        assert correlation(products, squares, n, links, degrees, None) == pytest.approx(rho, abs=1e-6)
    if slope * (n - 1) > (links / n) ** 2 + 1e-6:
        noisy = covariance + 0.3 * np.eye(n)
        products = np.trace(linked @ centring @ noisy @ centring)
        squares = np.trace(centring @ noisy)
        assert correlation(products, squares, n, links, degrees, variance) == pytest.approx(rho, abs=1e-6)


def test_many_clusters_speak_for_themselves():
    alike = np.repeat(np.arange(3000) % 2, 3).astype(float)
    together = Dependence(9000, [number // 3 for number in range(9000)])
    assert together.worth(alike).effect == pytest.approx(3, abs=0.01)
    assert together.worth(np.random.default_rng(0).permutation(alike)).effect == pytest.approx(1, abs=0.05)


def test_few_clusters_are_not_believed():
    together = Dependence(60, [number // 10 for number in range(60)])
    evenly = np.tile([1.0, 0.0], 30)
    found = together.worth(evenly)
    assert found.effect > 2
    assert "Few clusters carry" in found.note


def test_where_all_agree_so_many_clusters_agreed():
    found = Dependence(60, [number // 10 for number in range(60)]).worth(np.zeros(60))
    assert found.size == 6


# ---- what cannot be said


def test_one_cluster_says_nothing_and_two_big_ones_hardly_more():
    assert Dependence(6, [0] * 6).worth(np.ones(6)).refused == ONE_CLUSTER
    found = rate([True, False] * 200, [0] * 200 + list(range(200)))
    assert (found.low, found.high, found.effective) == (None, None, None)
    assert found.method == FEW_CLUSTERS
    assert "No interval" in found.note


def test_one_entry_per_sample():
    with pytest.raises(ValueError, match="one cluster per sample"):
        Dependence(3, [1, 2])


# ---- coverage


def alike(rng, units, share, p):
    """Hits with chance p; those of one unit are the same with a chance of `share`."""
    same = rng.random(units.max() + 1) < share
    return np.where(same[units], (rng.random(units.max() + 1) < p)[units], rng.random(len(units)) < p)


DESIGNS = {
    "20 x 10": [10] * 20,
    "15 x 20": [20] * 15,
    "30 x 5": [5] * 30,
    "5 x 40 and 200 singles": [40] * 5 + [1] * 200,
    "10 x 10": [10] * 10,
}


@pytest.mark.parametrize("copies", [0, 0.5, 1])
@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_hold_the_rate_where_few_or_uneven_clusters_carry_it(design, p, copies):
    rng = np.random.default_rng(7)
    units = np.repeat(np.arange(len(DESIGNS[design])), DESIGNS[design])
    together = Dependence(len(units), units)
    found = [rate_of(alike(rng, units, copies, p), together) for _ in range(300)]
    assert np.mean([row.low <= p <= row.high for row in found]) >= 0.9


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_questions_in_four_forms_are_one_unit_each(share):
    rng = np.random.default_rng(8)
    questions = np.repeat(np.arange(300), 4)
    images = np.arange(1200)
    held = significant = 0
    for _ in range(200):
        one, other = (alike(rng, questions, share, 0.3) for _ in range(2))
        found = rate(one, images, questions)
        held += found.low <= 0.3 <= found.high
        difference = paired(one, other, images, questions)
        assert difference.test == SIGN_FLIP
        significant += difference.p_value < 0.05
    assert held / 200 >= 0.91
    assert significant / 200 <= 0.08


def test_where_two_ways_cross_everywhere_both_count():
    rng = np.random.default_rng(9)
    images, questions = np.repeat(np.arange(40), 20), np.tile(np.arange(20), 40)
    held = significant = 0
    for _ in range(200):
        by_image, by_question = (rng.normal(size=count) for count in (40, 20))
        one, other = (by_image[images] + by_question[questions] + rng.normal(size=800) > 0.5 for _ in range(2))
        found = rate(one, images, questions)
        held += found.low <= 0.38642 <= found.high
        difference = paired(one, other, images, questions)
        assert difference.test == SCORE_T
        significant += difference.p_value < 0.05
    assert held / 200 >= 0.91
    assert significant / 200 <= 0.08


RELEASED = [1] * 1734 + [2] * 162 + [3] * 61
"""Samples by image in the released set."""


@pytest.mark.parametrize("copies", [0, 1])
@pytest.mark.parametrize("p", [0.02, 0.3])
@pytest.mark.parametrize("sizes", [[3] * 560, RELEASED], ids=["560 x 3", "as released"])
def test_where_clusters_are_many_the_interval_is_hardly_wider_than_on_the_estimated_design_effect(sizes, p, copies):
    rng = np.random.default_rng(10)
    units = np.repeat(np.arange(len(sizes)), sizes)
    together = Dependence(len(units), units)
    ours, plain = [], []
    for _ in range(60):
        hits = alike(rng, units, copies, p)
        found = rate_of(hits, together)
        effect = max(1.0, design_effect(list(zip(np.bincount(units, hits).astype(int).tolist(), sizes, strict=True))))
        low, high = wilson(hits.sum() / effect, len(hits) / effect)
        ours.append(found.high - found.low)
        plain.append(high - low)
    assert np.mean(ours) <= 1.05 * np.mean(plain)
