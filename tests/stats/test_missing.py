"""What missing verdicts leave open, against every completion there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlsbench.stats import LEVEL, Completions, Dependence, holm, holm_level
from vlsbench.stats.pairs import paired_test

KNOWN = st.sampled_from([(1, 1), (1, 1), (0, 0), (-1, -1)])
OPEN = st.sampled_from([(0, 1), (-1, 0), (-1, 1)])


def sign_of(number):
    return int(number > 0) - int(number < 0)


def completions_of(samples):
    """Every completion: how many verdicts speak against the first run, and the differences of the samples."""
    choices = []
    for low, high in samples:
        if high - low == 2:  # two verdicts, each of which may go either way
            choices.append([(0, 1), (1, 0), (2, -1)])
        else:
            choices.append([(high - value, value) for value in range(high, low - 1, -1)])
    for chosen in itertools.product(*choices):
        yield sum(against for against, _ in chosen), np.array([value for _, value in chosen], dtype=float)


def made(samples, clusters=None):
    low, high = (np.array(column, dtype=np.int64) for column in zip(*samples, strict=True))
    return Completions(low, high, Dependence(len(samples), clusters))


def said(values, dependence, level):
    """What a test says of a completion: the sign of the difference it finds, or 0."""
    return sign_of(values.sum()) if paired_test(values, dependence)[0] <= level else 0


def brute(samples, clusters, sign, level):
    """The smallest share of missing verdicts going one way at which the test says something else."""
    dependence = Dependence(len(samples), clusters)
    missing = sum(high - low for low, high in samples)
    found = []
    for against, values in completions_of(samples):
        other = said(values, dependence, level)
        if sign == 1 and other != 1:
            found.append(against)
        elif sign == -1 and other != -1:
            found.append(missing - against)
        elif sign == 0 and other:
            found.append(against if other == -1 else missing - against)
    return min(found) / max(1, missing) if found else None


MANY = st.tuples(st.lists(KNOWN, min_size=1, max_size=14), st.lists(OPEN, max_size=6))


@settings(max_examples=150, deadline=None)
@given(MANY)
def test_bounds_and_sign_are_those_of_every_completion(parts):
    samples = [*parts[0], *parts[1]]
    found = made(samples)
    values = [values.mean() for _, values in completions_of(samples)]
    assert found.bounds == pytest.approx((min(values), max(values)))
    assert found.missing == sum(high - low for low, high in samples)
    for sign in (-1, 0, 1):
        assert found.sign_holds(sign) == all(sign_of(round(value, 9)) == sign for value in values)


@settings(max_examples=150, deadline=None)
@given(MANY, st.sampled_from([0.05, 0.2, 0.4]), st.sampled_from([-1, 0, 1]))
def test_the_tipping_point_is_the_smallest_of_all_completions(parts, level, sign):
    samples = [*parts[0], *parts[1]]
    assert made(samples).tipping_point(sign, level) == brute(samples, None, sign, level)


@settings(max_examples=150, deadline=None)
@given(MANY, st.sampled_from([-1, 1]), st.randoms())
def test_the_worst_p_value_is_that_of_all_completions(parts, sign, chance):
    samples = [*parts[0], *parts[1]]
    clusters = [chance.randrange(8) for _ in samples]
    for way in (None, clusters):
        dependence = Dependence(len(samples), way)
        p_values = [
            paired_test(values, dependence)[0] if sign_of(values.sum()) == sign else 1.0
            for _, values in completions_of(samples)
        ]
        assert made(samples, way).worst(sign) == pytest.approx(max(p_values))


@settings(max_examples=100, deadline=None)
@given(MANY, st.sampled_from([0.2, 0.4]), st.randoms())
def test_with_clusters_the_tipping_point_is_one_that_tips_and_null_only_where_none_does(parts, level, chance):
    samples = [*parts[0], *parts[1]]
    clusters = [chance.randrange(8) for _ in samples]
    for sign in (-1, 1):
        found, least = made(samples, clusters).tipping_point(sign, level), brute(samples, clusters, sign, level)
        assert (found is None) == (least is None)
        if found is not None:
            assert found >= least - 1e-12


def test_where_ways_cross_the_test_that_is_shown_is_the_one_completed():
    rng = np.random.default_rng(3)
    images, groups = rng.integers(0, 20, 120), rng.integers(0, 20, 120)
    low = np.where(rng.random(120) < 0.9, 1, 0)
    high = np.where(rng.random(120) < 0.5, low, 1)
    dependence = Dependence(120, images, groups)
    found = Completions(low, high, dependence)
    assert dependence.kind == "multiway"
    assert found.worst(1) == paired_test(low.astype(float), dependence)[0]


def test_half_a_million_verdicts_are_no_matter():
    low, high = np.zeros(250_000, dtype=np.int64), np.ones(250_000, dtype=np.int64)
    found = Completions(low - 1, high, Dependence(250_000))
    assert found.tipping_point(1, 0.05) == pytest.approx(0.5, abs=0.01)


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=8), st.floats(0, 0.2))
def test_the_level_of_a_test_is_where_holm_stops_to_find_it(others, p_value):
    family = dict(enumerate(others))
    level = holm_level(family, "own")
    assert (p_value <= level) == (holm({**family, "own": p_value})["own"] <= LEVEL)
    assert holm_level({**family, "own": 0.7}, "own") == level
