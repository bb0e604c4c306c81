"""What missing verdicts leave open: every way in which they could have come out.

Where a judge gave no verdict, the difference of a sample between two runs is not known, but it lies between two
integers. A *completion* fills in every missing verdict. Over all of them the difference of the shares has sharp bounds,
and a test has a worst outcome; both are reached where all missing verdicts speak the same way, since each verdict that
turns against a difference makes the sign-flip test (McNemar's among them) find it less.

The *tipping point* asks for less than all: how many of the missing verdicts have to go one way, with all others
going the other way, until the test says something else. Which ones go matters: the order taken is the worst for the
test. It is exact where samples are independent. Where they belong together it takes whole clusters in order of how much
each adds to the spread of the sums, and the true tipping point can be a little smaller.

References:
    Manski (1990), Nonparametric bounds on treatment effects. American Economic Review 80.
    Yan, Lee and Li (2009), Missing data handling methods in medical device clinical trials. Journal of
        Biopharmaceutical Statistics 19: the tipping point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vlsbench.stats.dependence import MULTIWAY, Dependence
from vlsbench.stats.pairs import paired_test, sign_flip

if TYPE_CHECKING:
    from vlsbench.stats.dependence import Ints


class Completions:
    """All completions of the missing verdicts of a paired difference.

    Args:
        lowest: The smallest difference that each sample can have, -1, 0 or 1, (n,): missing verdicts of the first run
            are misses and those of the second hits. Samples with both verdicts have one difference.
        highest: The largest difference, (n,). It is larger by the number of the sample's missing verdicts.
        dependence: Of the same samples.
    """

    def __init__(self, lowest: Ints, highest: Ints, dependence: Dependence) -> None:
        self.lowest, self.highest = lowest, highest
        self.dependence = dependence
        self.n = len(lowest)
        self.missing = int((highest - lowest).sum())

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest difference of the two shares; there has to be a sample."""
        return int(self.lowest.sum()) / self.n, int(self.highest.sum()) / self.n

    def sign_holds(self, sign: int) -> bool:
        """Whether the difference has this sign (-1, 0, 1) in every completion."""
        import numpy as np

        return bool(np.sign(self.lowest.sum()) == sign == np.sign(self.highest.sum()))

    def worst(self, sign: int) -> float:
        """The p-value where all missing verdicts speak against a difference of this sign; 1 if it then has another."""
        path = _Path(self, sign, against=True)
        return path.p_value(self.missing)

    def tipping_point(self, sign: int, level: float) -> float | None:
        """The smallest share of missing verdicts that, going one way, makes the test say something else.

        Args:
            sign: What the test says: -1 or 1 where it finds a difference of this sign, 0 where it finds none.
            level: The p-value up to which it finds one.

        Returns:
            A share from 0 to 1; None where the test says the same in every completion.
        """
        if sign:
            path = _Path(self, sign, against=True)
            steps = _first(lambda count: path.p_value(count) > level, self.missing)
        else:
            found = [self._found(sign, level) for sign in (-1, 1)]
            steps = min((each for each in found if each is not None), default=None)
        return None if steps is None else steps / max(1, self.missing)

    def _found(self, sign: int, level: float) -> int | None:
        """How many verdicts have to speak for a difference of this sign until the test finds it."""
        path = _Path(self, sign, against=False)
        return _first(lambda count: path.p_value(self.missing - count) <= level, self.missing)


class _Path:
    """One missing verdict after another turns against a difference, from all for it to all against it.

    In the order that is the worst for the test (`against`), or the best.
    """

    def __init__(self, completions: Completions, sign: int, *, against: bool) -> None:
        import numpy as np

        lowest, highest = completions.lowest, completions.highest
        if sign < 0:
            lowest, highest = -highest, -lowest
        self._dependence = completions.dependence
        # Where no signs can be flipped the test wants the samples themselves.
        units = None if self._dependence.kind == MULTIWAY else self._dependence.components
        self._by_sample = units is None
        units = np.arange(len(lowest)) if units is None else units
        self._start = np.bincount(units, highest).astype(np.int64)
        turning = self._start - np.bincount(units, lowest).astype(np.int64)
        # The verdicts of a unit, one entry each, with the unit's total before it turns.
        unit = np.repeat(np.arange(len(turning)), turning)
        earlier = np.arange(len(unit)) - np.repeat(np.cumsum(turning) - turning, turning)
        # Spread makes a total less telling: turn whole units that gain most of it, or wear down the largest totals.
        keys = (2 * self._start - turning)[unit] if against else -(self._start[unit] - earlier)
        self._order = unit[np.argsort(keys, kind="stable")]

    def p_value(self, turned: int) -> float:
        """Of the test after so many verdicts have turned; 1 where the difference has lost its sign."""
        import numpy as np

        totals = self._start - np.bincount(self._order[:turned], minlength=len(self._start))
        if totals.sum() <= 0:
            return 1.0
        if self._by_sample:
            return paired_test(totals.astype(float), self._dependence)[0]
        return sign_flip(totals)


def _first(holds: Callable[[int], bool], last: int) -> int | None:
    """The smallest number from 0 to `last` from which on a condition holds; None where it does not even there."""
    if not holds(last):
        return None
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
