"""Samples that are not independent: which belong together, and what that costs.

Answers about one image go the same way, and so do those to one question in several forms. Each such *way* of
belonging together divides the samples into clusters; two samples are linked if any way puts them into one. With L
linked ordered pairs among n samples, and a correlation rho of linked samples, the variance of a mean is

    (1 + (L / n) rho)   times that of n independent samples.

rho is what is not known. Its moment estimate from the residuals (corrected for the mean being estimated) is noise
where few clusters carry the links, and 0 is what a handful of clusters shows by luck. It is therefore drawn towards 1,
the worst case, as if two more clusters had been seen whose samples were all of one mind; and the interval takes
Student's t with the degrees of freedom that the clusters leave (Satterthwaite). Many clusters speak for themselves.

Where a way lies inside another (each image has one question) only the wider one counts. Where two ways cross, the
samples that are linked directly or through others make a *component*. Where components are many they are the
clusters; where a component swallows the set, links are counted by inclusion and exclusion, as in two-way
cluster-robust variances.

References:
    Kish (1965), Survey Sampling: the design effect and the effective sample size.
    Cameron, Gelbach and Miller (2011), Robust inference with multiway clustering. JBES 29.
    Bell and McCaffrey (2002), Bias reduction in standard errors for linear regression with multi-stage samples:
        Satterthwaite's degrees of freedom for few clusters.
    Carter, Schnepel and Steigerwald (2017), Asymptotic behavior of a t-test robust to cluster heterogeneity.
        Review of Economics and Statistics 99: the number of clusters that uneven ones are worth.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from vlsbench.stats.disjoint import DisjointSets
from vlsbench.stats.student import quantile

if TYPE_CHECKING:
    import numpy as np

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    Labels = Sequence[Hashable] | Ints
    Flags = Sequence[bool] | np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

INDEPENDENT = ""
ONE_WAY = "clustered"
COMPONENTS = "components"
MULTIWAY = "multiway"

ONE_CLUSTER = "none: fewer than 2 clusters"
FEW_CLUSTERS = "none: too few clusters carry the figure"

_PRIOR = 2.0
"""How many clusters of one mind are added to those seen, for the correlation."""

_LEAST_DOF = 2.0

_NOTHING = 1e-9
"""So little variance is one of rounding."""

_ENOUGH = 15
"""From so many clusters on, the correlation speaks for itself: no note, and components can stand for two ways."""

_TOO_FEW, _TOO_SMALL, _HARMLESS = 4, 10, 2
"""There is no interval where fewer clusters than the first carry the figure, if in the worst case it is worth fewer
independent samples than the second, and the worst case more than doubles the variance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What n samples are worth once those that belong together are counted as what they are.

    `effect` is the design effect, at least 1; `size` the effective number of samples, n / effect; `dof` the degrees
    of freedom of its estimate (None where nothing was estimated). `clusters` counts the units that are independent
    of each other (of two ways that cross, those of the coarser one). `refused` says why there can be no interval,
    and `note`, in plain words, what a reader should know of this figure's clusters.
    """

    clusters: int
    effect: float
    size: float
    dof: float | None
    kind: str
    refused: str = ""
    note: str = ""

    def z(self, confidence: float) -> float:
        """How many standard errors an interval of this confidence reaches."""
        return quantile(confidence, self.dof if self.dof is not None else float("inf"))


class Dependence:
    """Which of n samples belong together, and what that makes their mean worth.

    Args:
        n: How many samples.
        ways: For each way of belonging together, the cluster of each sample (the image, the group). None for a way
            in which all samples are alone.

    Raises:
        ValueError: A way does not have n entries.
    """

    def __init__(self, n: int, *ways: Labels | None) -> None:
        self.n = n
        self._ways = _widest([_codes(way, n) for way in ways if way is not None and _repeats(way, n)])
        self.kind = (INDEPENDENT, ONE_WAY)[bool(self._ways)]
        self._units = self._ways[0] if self._ways else None
        self._degrees: Floats | None = None
        if len(self._ways) > 1:
            self._units = _components(self._ways)
            self.kind = MULTIWAY
            if _carriers([self._units]) >= _ENOUGH:
                self._ways, self.kind = [self._units], COMPONENTS
        self._cells = _cells(self._ways)

    @property
    def components(self) -> Ints | None:
        """For each sample, the number of the set that it is linked with, directly or through others; None: alone."""
        return self._units

    @property
    def clusters(self) -> int:
        """How many units are independent of each other; of two ways that cross, how many the coarser has."""
        return min((int(way.max()) + 1 for way in self._ways), default=self.n)

    def worth(self, values: Floats, variance: float | None = None) -> Worth:
        """What the samples are worth for the mean of `values`.

        Args:
            values: Of each sample: 1 for a hit and 0 for a miss, or a difference of two such, (n,).
            variance: That of one sample, where `values` are noisy measurements, each with an error of its own.
                None: `values` are exact.
        """
        import numpy as np

        if not self._ways:
            return Worth(clusters=self.n, effect=1.0, size=float(self.n), dof=None, kind=self.kind)
        n, units = self.n, self.clusters
        if units < 2:
            return self._refused(ONE_CLUSTER, "All samples belong to one cluster, so nothing says how others would go.")
        degrees = self.links()
        links = float(degrees.sum())
        carriers = _carriers(self._ways, links)
        worst = 1 + links / n
        if carriers < _TOO_FEW and n / worst < _TOO_SMALL and worst > _HARMLESS:
            return self._refused(FEW_CLUSTERS, _too_few(carriers))
        residuals = values - values.mean()
        squares = float(residuals @ residuals)
        alone = squares / n if variance is None else variance
        rho = 1.0
        if squares > _NOTHING and alone > _NOTHING:
            products = sum(sign * _of_cells(codes, residuals) for sign, codes in self._cells) - squares
            found = correlation(products, squares, n, links, float(degrees @ degrees), variance)
            # Rare hits tell less than even ones, and noisy values less than exact ones.
            told = min(1.0, 4 * alone) * min(1.0, alone * n / squares) ** 2 * _informative(self._ways, links)
            rho = (told * found + _PRIOR) / (told + _PRIOR)
            effect = 1 + links / n * rho
        else:
            # All alike: whatever the correlation, so many independent units agreed.
            effect = n / units
        spread = sum(float(((size * (1 + (size - 1) * rho)) ** 2).sum()) for size in _repeating(self._ways))
        dof = max(_LEAST_DOF, (n + links * rho) ** 2 / spread - 1)
        return Worth(
            clusters=units,
            effect=effect,
            size=n / effect,
            dof=dof,
            kind=self.kind,
            note=_few(carriers) if carriers < _ENOUGH and np.sqrt(worst) > 1.1 else "",
        )

    def links(self) -> Floats:
        """With how many others each sample is linked."""
        import numpy as np

        if self._degrees is None:
            degrees = np.full(self.n, -1.0)  # a sample is not linked with itself
            for sign, codes in self._cells:
                degrees += sign * np.bincount(codes)[codes]
            self._degrees = degrees
        return self._degrees

    def _refused(self, why: str, note: str) -> Worth:
        return Worth(
            clusters=self.clusters, effect=float(self.n), size=1.0, dof=None, kind=self.kind, refused=why, note=note
        )


def correlation(
    products: float, squares: float, n: int, links: float, squared_degrees: float, variance: float | None
) -> float:
    """The correlation of linked samples, from the products of their residuals and the squares of all residuals.

    If I + rho B is the correlation matrix (B says who is linked), the expected products and squares of residuals are
    traces of B and the centring matrix, both linear in rho: two equations for rho and the variance. Where the variance
    of a sample is known apart from the noise of its measurement, the squares only say how much noise there is.
    """
    constant = -links / n
    slope = links - 2 * squared_degrees / n + links**2 / n**2
    below = slope * squares + products * links / n if variance is None else variance * (slope * (n - 1) - constant**2)
    if below <= 0:
        return 1.0
    return min(1.0, max(0.0, (products * (n - 1) - constant * squares) / below))


def _informative(ways: Sequence[Ints], links: float) -> float:
    """How many clusters of equal size would tell as much of the correlation as these do."""
    spread = sum(float(((size * (size - 1)) ** 2).sum()) for size in _repeating(ways))
    return links**2 / spread


def _carriers(ways: Sequence[Ints], links: float | None = None) -> float:
    """How many equal clusters these are worth if their samples are of one mind (Carter et al., 2017)."""
    n = len(ways[0])
    repeating = _repeating(ways)
    if links is None:
        links = sum(float((size * (size - 1)).sum()) for size in repeating)
    return (n + links) ** 2 / sum(float((size**4).sum()) for size in repeating)


def _repeating(ways: Sequence[Ints]) -> list[Floats]:
    """The sizes of the clusters that hold more than one sample, for each way."""
    import numpy as np

    counts = [np.bincount(way) for way in ways]
    return [count[count > 1].astype(float) for count in counts]


def _repeats(way: Labels, n: int) -> bool:
    """Whether any two samples share a cluster; most sets need no arithmetic, and a run of them no numpy.

    Raises:
        ValueError: There are not n entries.
    """
    if len(way) != n:
        raise ValueError(f"need one cluster per sample, got {len(way)} for {n}")
    return not isinstance(way, Sequence) or len(set(way)) < n


def _codes(way: Labels, n: int) -> Ints:
    """The number of each sample's cluster, from 0 on without gaps."""
    import numpy as np

    if isinstance(way, np.ndarray) and way.dtype.kind in "iu":
        return np.unique(way, return_inverse=True)[1].astype(np.int64)
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(label, len(numbers)) for label in way), np.int64, n)


def _widest(ways: Sequence[Ints]) -> list[Ints]:
    """The ways in which samples repeat, without those whose clusters each lie within one cluster of another way."""
    ways = [way for way in ways if len(way) and int(way.max()) + 1 < len(way)]
    kept: list[Ints] = []
    for number, way in enumerate(ways):
        others = [*kept, *ways[number + 1 :]]
        if not any(int(_together([way, other]).max()) == int(way.max()) for other in others):
            kept.append(way)
    return kept


def _together(ways: Sequence[Ints]) -> Ints:
    """The cells in which several ways divide the samples."""
    import numpy as np

    joint = ways[0]
    for way in ways[1:]:
        joint = np.unique(joint * (int(way.max()) + 1) + way, return_inverse=True)[1].astype(np.int64)
    return joint


def _cells(ways: Sequence[Ints]) -> list[tuple[int, Ints]]:
    """The clusters of each way, and their intersections with the signs of inclusion and exclusion."""
    return [
        (1 if count % 2 else -1, _together(chosen))
        for count in range(1, len(ways) + 1)
        for chosen in combinations(ways, count)
    ]


def _of_cells(codes: Ints, residuals: Floats) -> float:
    import numpy as np

    sums = np.bincount(codes, residuals)
    return float(sums @ sums)


def _components(ways: Sequence[Ints]) -> Ints:
    """The sets of samples that are linked, directly or through others: union-find over the clusters of all ways."""
    import numpy as np

    starts = np.cumsum([0, *(int(way.max()) + 1 for way in ways)])
    sets: DisjointSets[int] = DisjointSets()
    nodes = [(way + start).tolist() for way, start in zip(ways, starts, strict=False)]
    for first, *others in zip(*nodes, strict=True):
        for other in others:
            sets.join(first, other)
    return _codes([sets.root(node) for node in nodes[0]], len(nodes[0]))


def _too_few(carriers: float) -> str:
    return (
        f"No interval: the samples that belong together (one image, or one group) are worth about {carriers:.0f} "
        "clusters, and so few do not say how far such samples go together."
    )


def _few(carriers: float) -> str:
    return (
        f"Few clusters carry this figure (worth about {carriers:.0f} of equal size): the interval is wide because "
        "so few do not say how far samples of one image or group go together."
    )
