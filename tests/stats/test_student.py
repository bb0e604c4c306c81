"""Student's t against scipy."""

import math

import pytest
from scipy import stats as scipy_stats

from vlsbench.stats.student import quantile, tail

DOFS = (1, 2, 2.5, 3, 7.7, 20, 1000, 9e5)


@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("t", [0, 0.1, -1, 2, 20])
def test_the_tail_is_that_of_scipy(t, dof):
    assert tail(t, dof) == pytest.approx(2 * scipy_stats.t.sf(abs(t), dof), rel=1e-7, abs=1e-80)


@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_the_quantile_is_that_of_scipy(confidence, dof):
    assert quantile(confidence, dof) == pytest.approx(scipy_stats.t.ppf((1 + confidence) / 2, dof), rel=1e-8)


def test_endless_degrees_of_freedom_are_the_normal_distribution():
    assert quantile(0.95, math.inf) == pytest.approx(1.959964, abs=1e-6)
    assert tail(1.959964, math.inf) == pytest.approx(0.05, abs=1e-6)
