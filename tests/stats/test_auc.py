"""The area under the ROC curve, its variance, and clusters."""

import numpy as np
import pytest

from vlsbench.stats.auc import CLUSTERED, DELONG, NEWCOMBE, ONE_CLUSTER, area, newcombe

# Hanley and McNeil (1982): ratings of 58 normal and 51 abnormal CT images on a scale of five.
RATINGS = {False: (33, 6, 6, 11, 2), True: (3, 2, 2, 11, 33)}


def hanley():
    rows = [(kind, rating) for kind, counts in RATINGS.items() for rating, n in enumerate(counts) for _ in range(n)]
    return [kind for kind, _ in rows], [rating for _, rating in rows]


def test_area_and_delong_error_of_a_published_example():
    # Stata's manual, roctab: ROC area 0.8932, std. err. 0.0307, normal interval 0.83295 to 0.95339.
    found = area(*hanley())
    assert found.method == DELONG
    assert found.value == pytest.approx(0.8932, abs=5e-5)
    assert found.se == pytest.approx(0.0307, abs=5e-5)
    assert found.value - 1.959964 * found.se == pytest.approx(0.83295, abs=5e-6)
    assert found.value + 1.959964 * found.se == pytest.approx(0.95339, abs=5e-6)
    assert (found.n_harmful, found.n_benign, found.clusters) == (51, 58, 109)


def test_the_area_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(3)
    y, x = rng.random(300) < 0.4, rng.integers(0, 20, 300)
    assert area(y, x).value == pytest.approx(roc_auc_score(y, x))


def test_the_clustered_error_is_that_of_obuchowskis_formula():
    rng = np.random.default_rng(5)
    y, x, ids = rng.random(60) < 0.5, rng.normal(size=60), rng.integers(0, 15, 60)
    wins = (x[y][:, None] > x[~y][None, :]).astype(float)
    theta, v10, v01 = wins.mean(), wins.mean(axis=1), wins.mean(axis=0)
    m, n = int(y.sum()), int((~y).sum())
    s10, s01, s11 = 0.0, 0.0, 0.0
    groups = np.unique(ids)
    for group in groups:
        a = (v10[ids[y] == group] - theta).sum()
        b = (v01[ids[~y] == group] - theta).sum()
        s10, s01, s11 = s10 + a * a, s01 + b * b, s11 + a * b
    i10, i01, i = len(np.unique(ids[y])), len(np.unique(ids[~y])), len(groups)
    expected = i10 / (i10 - 1) * s10 / m**2 + i01 / (i01 - 1) * s01 / n**2 + 2 * i / (i - 1) * s11 / (m * n)

    found = area(y, x, ids)

    assert found.method == CLUSTERED
    assert found.se**2 == pytest.approx(expected)


def test_clusters_of_one_change_nothing():
    y, x = hanley()
    assert area(y, x, range(len(y))) == area(y, x)


def test_copies_of_records_in_a_cluster_do_not_narrow_the_interval():
    y, x = hanley()
    once, twice = area(y, x), area(y * 2, x * 2, [*range(len(y))] * 2)
    assert twice.value == pytest.approx(once.value)
    assert twice.se == pytest.approx(once.se, rel=0.01)


def test_scores_of_different_folds_are_not_compared():
    # Within each fold perfect; across folds the second's benign records stand above the first's harmful ones.
    y, x = [True, False, True, False], [1.0, 0.0, 11.0, 10.0]
    assert area(y, x).value == 0.75
    assert area(y, x, folds=[0, 0, 1, 1]).value == 1.0


def test_folds_with_one_kind_of_record_do_not_count():
    found = area([True, False, True, True], [1, 0, 5, 6], folds=[0, 0, 1, 1])
    assert (found.n_harmful, found.n_benign, found.clusters) == (1, 1, 2)
    assert area([True, True], [1, 2]) is None


def test_models_that_share_training_data_widen_the_interval():
    rng = np.random.default_rng(2)
    y, x, folds = rng.random(100) < 0.5, rng.normal(size=100), np.arange(100) % 5
    plain, wider = area(y, x, folds=folds), area(y, x, folds=folds, cross_validated=True)
    assert wider.value == plain.value
    assert wider.se == pytest.approx(1.5 * plain.se)
    assert wider.method.startswith(DELONG)
    assert wider.method != DELONG


def test_a_perfect_area_keeps_an_honest_interval():
    found = area([True] * 10 + [False] * 10, range(20, 0, -1))
    assert (found.value, found.high, found.method) == (1.0, 1.0, NEWCOMBE)
    assert 0.75 < found.low < 0.9
    assert newcombe(0.0, 10, 10) == pytest.approx((0.0, 1 - found.low))


def test_equal_scores_are_chance_and_one_cluster_has_no_interval():
    assert area([True, False, True, False], [0, 0, 0, 0]).value == 0.5
    found = area([True, False], [1, 0], [7, 7])
    assert (found.low, found.high, found.method) == (None, None, ONE_CLUSTER)


def test_the_interval_covers_the_truth_where_clusters_repeat():
    rng = np.random.default_rng(11)
    truth = 0.7602  # of two normals one standard deviation of the sum apart: Phi(1 / sqrt(2))
    covered = 0
    for _ in range(300):
        ids = np.repeat(np.arange(40), 3)
        y = rng.random(120) < 0.5
        x = np.sqrt(0.5) * (rng.normal(size=40)[ids] + rng.normal(size=120)) + y
        found = area(y, x, ids)
        covered += found.low <= truth <= found.high
    assert 0.90 <= covered / 300 <= 0.99
