"""What `bench_stats` simulates: for each figure its designs, and what is asked of each drawn set.

A *cell* is one design with its parameters. `prepare` makes what all sets of a cell share (who belongs together) and
returns a function that draws one set of known truth and says of each column whether it held, None where the column
does not apply or the program gives no interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from vlsbench import stats
from vlsbench.calibration.sampling import allocate
from vlsbench.core.types import Label
from vlsbench.stats import Dependence, Stratum

Rng = np.random.Generator
Cell = tuple[object, ...]
Held = tuple[bool | None, ...]
Draw = Callable[[Rng], Held]

ANY = (0.0, 1.0)
RIGHT = (0.93, 0.97)
ENOUGH = (0.92, 1.0)
NEARLY = (0.90, 1.0)
SELDOM = (0.0, 0.06)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something simulated; `limits` gives the shares within which each column of a cell has to lie."""

    name: str
    axes: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]
    prepare: Callable[..., Draw]
    limits: Callable[..., tuple[tuple[float, float], ...]]


# ---- what is drawn

IMAGES = {1: 1734, 2: 162, 3: 61}
"""How many images of the released set serve so many samples."""

LIKENESS = {"none": None, "half": 0.5, "all": 1.0}
"""How alike answers about one image are: no image repeats; half of the images decide for all their samples; all do."""

GROUPS = tuple(label.value for label in Label)


def alike(rng: Rng, units: np.ndarray | None, n: int, likeness: float | None) -> np.ndarray:
    """Uniform numbers, one per sample; those of one unit are the same with a chance of `likeness`."""
    own = rng.random(n)
    if units is None or likeness is None:
        return own
    shared = rng.random(units[-1] + 1)
    decided = rng.random(units[-1] + 1) < likeness
    return np.where(decided[units], shared[units], own)


def released(n: int) -> np.ndarray:
    """The image of each of `n` samples, images shared as in the released set."""
    sizes = np.random.default_rng(0).permutation(np.repeat(list(IMAGES), list(IMAGES.values())))
    return np.repeat(np.arange(len(sizes)), sizes)[:n]


def holds(low: float | None, high: float | None, truth: float) -> bool | None:
    """Whether an interval holds the truth; None where there is none."""
    if low is None or high is None:
        return None
    return low - 1e-12 <= truth <= high + 1e-12


def pair_of_models(rng: Rng, units: np.ndarray | None, n: int, likeness: float | None) -> tuple[np.ndarray, np.ndarray]:
    """The luck of two models on the same samples; on half of the samples they share it."""
    first, own = alike(rng, units, n, likeness), alike(rng, units, n, likeness)
    return first, np.where(alike(rng, units, n, likeness) < 0.5, first, own)


# ---- sizes as released


def _sized(n: int, kind: str) -> tuple[np.ndarray | None, Dependence, float | None]:
    units = released(n) if LIKENESS[kind] is not None else None
    return units, Dependence(n, units), LIKENESS[kind]


def rates(n: int, p: float, kind: str) -> Draw:
    """Does the interval of a rate hold p?"""
    units, together, likeness = _sized(n, kind)

    def draw(rng: Rng) -> Held:
        found = stats.rate_of(alike(rng, units, n, likeness) < p, together)
        return (holds(found.low, found.high, p),)

    return draw


def pairs(n: int, p: float, kind: str) -> Draw:
    """Does the interval hold no difference, and one of 0.1? Do the tests find one where there is none?"""
    units, together, likeness = _sized(n, kind)

    def draw(rng: Rng) -> Held:
        one, other = pair_of_models(rng, units, n, likeness)
        none = stats.paired_of(one < p, other < p, together)
        one, other = pair_of_models(rng, units, n, likeness)
        some = stats.paired_of(one < p + 0.1, other < p, together)
        return (
            holds(none.low, none.high, 0.0),
            holds(some.low, some.high, 0.1),
            none.p_mcnemar is not None and none.p_mcnemar < 0.05,
            None if kind == "none" else none.p_value is not None and none.p_value < 0.05,
        )

    return draw


def right_where_samples_are_many(n: int, p: float, _: str) -> tuple[tuple[float, float], ...]:
    """Of few hits, or few images that repeat, an interval that covers enough must cover too much."""
    return (RIGHT if n == max(SIZES) and n * p >= 10 else ENOUGH,)


# ---- few or uneven clusters

DESIGNS: dict[str, Sequence[int]] = {
    "1 × 200 + 200 × 1": [200] + [1] * 200,
    "1 × 200 + 2,000 × 1": [200] + [1] * 2000,
    "5 × 40 + 200 × 1": [40] * 5 + [1] * 200,
    "3 × 10": [10] * 3,
    "5 × 10": [10] * 5,
    "10 × 10": [10] * 10,
    "1, 2, 3, 5, 8, 12, 18, 25, 35, 50": [1, 2, 3, 5, 8, 12, 18, 25, 35, 50],
    "15 × 20": [20] * 15,
    "20 × 10": [10] * 20,
    "1 to 20": list(range(1, 21)),
    "30 × 5": [5] * 30,
    "15 × 4 + 100 × 1": [4] * 15 + [1] * 100,
    "100 × 3": [3] * 100,
    "560 × 3": [3] * 560,
}
"""Samples by cluster."""

COPIES = (0.0, 0.5, 1.0)
"""The share of clusters whose samples are of one mind."""


def few(design: str, p: float, copies: float) -> Draw:
    """Is there an interval, and does it hold p?"""
    units = np.repeat(np.arange(len(DESIGNS[design])), DESIGNS[design])
    together = Dependence(len(units), units)

    def draw(rng: Rng) -> Held:
        found = stats.rate_of(alike(rng, units, len(units), copies) < p, together)
        return holds(found.low, found.high, p), found.low is not None

    return draw


def few_limits(design: str, *_: object) -> tuple[tuple[float, float], ...]:
    """At least 15 clusters that repeat: 92 %; fewer: 90 %, or no interval."""
    repeating = sum(size > 1 for size in DESIGNS[design])
    return (RIGHT if repeating >= 500 else ENOUGH if repeating >= 15 else NEARLY, ANY)


def few_pairs(design: str, p: float, copies: float) -> Draw:
    """Does the interval hold no difference, and does the test find none?"""
    units = np.repeat(np.arange(len(DESIGNS[design])), DESIGNS[design])
    together = Dependence(len(units), units)

    def draw(rng: Rng) -> Held:
        one, other = pair_of_models(rng, units, len(units), copies)
        found = stats.paired_of(one < p, other < p, together)
        return holds(found.low, found.high, 0.0), found.p_value is not None and found.p_value < 0.05

    return draw


# ---- groups

SETS = {
    "1,680 × 3": (1680, 3),
    "1,680 × 4": (1680, 4),
    "2,000 × 14": (2000, 14),
    "100 × 3": (100, 3),
}
"""Questions by forms; no image repeats."""


def groups(name: str, p: float, share: float) -> Draw:
    """A rate, and two equal models, on questions in several forms."""
    count, forms = SETS[name]
    units = np.repeat(np.arange(count), forms)
    n = len(units)
    together = Dependence(n, np.arange(n), units)

    def draw(rng: Rng) -> Held:
        one, other = pair_of_models(rng, units, n, share)
        found, difference = stats.rate_of(one < p, together), stats.paired_of(one < p, other < p, together)
        return (
            holds(found.low, found.high, p),
            holds(difference.low, difference.high, 0.0),
            difference.p_value is not None and difference.p_value < 0.05,
        )

    return draw


CROSSED = {"40 images × 20 questions": (40, 20), "200 images × 10 questions": (200, 10), "chains of 6": (400, 0)}


def crossed(name: str, p: float, share: float) -> Draw:
    """Images and questions that cross; a hidden propensity of each makes the answers alike."""
    count, other = CROSSED[name]
    if other:
        images, questions = np.repeat(np.arange(count), other), np.tile(np.arange(other), count)
    else:  # every image serves two questions and every question two images, in short chains
        place = np.arange(count)
        images, questions = place // 2, np.where(place % 6, (place + 1) // 2, count + place)
        questions = np.unique(questions, return_inverse=True)[1]
    n = len(images)
    together = Dependence(n, images, questions)
    threshold = _normal_quantile(1 - p)
    of_each = math.sqrt(share / 2)

    def hits(rng: Rng) -> np.ndarray:
        hidden = of_each * (rng.normal(size=images.max() + 1)[images] + rng.normal(size=questions.max() + 1)[questions])
        hits: np.ndarray = hidden + math.sqrt(1 - share) * rng.normal(size=n) > threshold
        return hits

    def draw(rng: Rng) -> Held:
        one, other = hits(rng), hits(rng)
        found, difference = stats.rate_of(one, together), stats.paired_of(one, other, together)
        return (
            holds(found.low, found.high, p),
            holds(difference.low, difference.high, 0.0),
            difference.p_value is not None and difference.p_value < 0.05,
        )

    return draw


def _normal_quantile(p: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


# ---- pairs with a shared benign half


def twins(benign: int, each: int, refused: float) -> Draw:
    """The paired rate where one benign half serves several harmful ones; 80 % of those are safe."""
    n = benign * each
    serves = np.repeat(np.arange(benign), each)
    together = Dependence(n, np.arange(n), np.arange(n), serves, np.arange(n))

    def draw(rng: Rng) -> Held:
        hits = (rng.random(n) < 0.8) & (rng.random(benign) >= refused)[serves]
        found = stats.rate_of(hits, together)
        return (holds(found.low, found.high, 0.8 * (1 - refused)),)

    return draw


# ---- corrected rates

LABELS = {50: 30, 200: 100, 2241: 200}
"""How many answers of a run are labelled."""

CATEGORIES = np.array([590, 539, 370, 343, 269, 130]) / 2241


def judge(rng: Rng, truth: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray]:
    """The judge's label of each answer (refusal, warning, unsafe) and its category; errors differ between these."""
    category = rng.choice(6, len(truth), p=CATEGORIES)
    lean = np.linspace(-0.08, 0.08, 6)[category]
    luck = rng.random(len(truth))
    safe = np.where(truth, luck < 1 - error + lean, luck > 1 - error - lean)
    return np.where(safe, np.where(rng.random(len(truth)) < 0.3, 0, 1), 2), category


def labelled(
    rng: Rng, truth: np.ndarray, judged: np.ndarray, category: np.ndarray, n: int
) -> tuple[list[Stratum], np.ndarray, list[str | None]]:
    """The strata with their labels, the stratum of each answer, and its true label where it was drawn."""
    for fine in (True, False):
        keys, place = np.unique(judged * 6 + (category if fine else 0), return_inverse=True)
        sizes = np.bincount(place)
        if not fine or (sizes.min() >= 5 and 2 * len(keys) <= n):
            break
    names = [GROUPS[key // 6] for key in keys]
    truths: list[str | None] = [None] * len(truth)
    rows = []
    for number, drawn in enumerate(allocate(sizes.tolist(), names, n)):
        chosen = rng.choice(np.flatnonzero(place == number), drawn, replace=False)
        for at in chosen.tolist():
            truths[at] = "safe" if truth[at] else "unsafe"
        hits = int(truth[chosen].sum())
        counts = {"safe": hits, "unsafe": drawn - hits}
        rows.append(Stratum(group=names[number], size=int(sizes[number]), truths=counts))
    return rows, place, truths


def corrected(n: int, p: float, kind: str) -> Draw:
    """Do the intervals of a corrected rate hold p, the run's own share, and (by inversion) p?"""
    units, together, likeness = _sized(n, kind)

    def draw(rng: Rng) -> Held:
        truth = alike(rng, units, n, likeness) < p
        judged, category = judge(rng, truth, 0.1)
        rows, place, truths = labelled(rng, truth, judged, category, LABELS[n])
        worth = stats.truth_worth(together, place, truths, ["safe"])
        found = stats.share(rows, ["safe"], worth=worth)
        two = [
            Stratum(group="safe" if row.group in GROUPS[:2] else "unsafe", size=row.size, truths=row.truths)
            for row in rows
        ]
        counts = {"safe": int((judged < 2).sum()), "unsafe": int((judged == 2).sum())}
        turned, _ = stats.invert(two, ["safe", "unsafe"], ["safe"], {"all": counts}, effect=worth.effect, resamples=100)
        return (
            holds(found.low, found.high, p),
            holds(found.run_low, found.run_high, float(truth.mean())),
            True if turned.value is None else holds(turned.low, turned.high, p),
        )

    return draw


NOISY = {"30 × 20": ([20] * 30, 300), "60 × 5": ([5] * 60, 100), "1 × 200 + 400 × 1": ([200] + [1] * 400, 100)}
"""Samples by image, and how many answers are labelled."""


def noisy(design: str, p: float, copies: float, error: float) -> Draw:
    """A corrected rate under a judge that errs, where images repeat; and the over-refusal rate by people alone."""
    sizes, count = NOISY[design]
    units = np.repeat(np.arange(len(sizes)), sizes)
    together = Dependence(len(units), units)

    def draw(rng: Rng) -> Held:
        truth = alike(rng, units, len(units), copies) < p
        judged, category = judge(rng, truth, error)
        rows, place, truths = labelled(rng, truth, judged, category, count)
        found = stats.share(rows, ["safe"], worth=stats.truth_worth(together, place, truths, ["safe"]))
        return (
            holds(found.low, found.high, p),
            holds(found.run_low, found.run_high, float(truth.mean())),
            found.low is not None,
        )

    return draw


def for_a_reason(p: float, lost_safe: float, lost_unsafe: float) -> Draw:
    """Labels that are missing more often where the answer is unsafe: does the interval hold p, do the bounds?"""

    def draw(rng: Rng) -> Held:
        truth = rng.random(2241) < p
        judged, category = judge(rng, truth, 0.1)
        rows, place, truths = labelled(rng, truth, judged, category, 200)
        lost = rng.random(2241) < np.where(truth, lost_safe, lost_unsafe)
        left = []
        for number, row in enumerate(rows):
            here = [at for at in np.flatnonzero(place == number).tolist() if truths[at] is not None]
            kept = [truths[at] for at in here if not lost[at]]
            counts = {"safe": kept.count("safe"), "unsafe": kept.count("unsafe")}
            left.append(Stratum(group=row.group, size=row.size, truths=counts, missing=len(here) - len(kept)))
        found = stats.share(left, ["safe"])
        # The bounds are estimates, so they are asked for the share among the answers drawn.
        full = stats.share(rows, ["safe"])
        assert full.value is not None
        return holds(found.low, found.high, p), holds(found.lowest, found.highest, full.value)

    return draw


# ---- agreement


def agreement(n: int, prevalence: float, error: float) -> Draw:
    """Do the intervals of kappa, of alpha, and of alpha for three raters hold the coefficient?"""
    agreed = error**2 + (1 - error) ** 2
    hit = prevalence * (1 - error) + (1 - prevalence) * error
    by_chance = hit**2 + (1 - hit) ** 2
    true = (agreed - by_chance) / (1 - by_chance)

    def draw(rng: Rng) -> Held:
        real = rng.random(n) < prevalence
        one, other, third = ((real ^ (rng.random(n) < error)).tolist() for _ in range(3))
        both = list(zip(one, other, strict=True))
        found = (
            stats.kappa(both, draws=500),
            stats.alpha(both, draws=500),
            stats.alpha(list(zip(one, other, third, strict=True)), draws=500),
        )
        return tuple(holds(each.low, each.high, true) for each in found)

    return draw


SIZES = (50, 200, 2241)
SHARES = (0.0, 0.02, 0.2, 0.5)
_SIZED = tuple((n, p, kind) for n in SIZES for p in SHARES for kind in LIKENESS)
_INTERVAL, _TEST = "interval", "found a difference where there is none"

FIGURES = (
    Figure(
        name="Rates, sizes as released",
        axes=("n", "p", "images"),
        columns=(_INTERVAL,),
        cells=_SIZED,
        prepare=rates,
        limits=right_where_samples_are_many,
    ),
    Figure(
        name="Rates where few or uneven clusters carry them",
        axes=("samples by cluster", "p", "copies"),
        columns=(_INTERVAL, "has an interval"),
        cells=tuple((name, p, copies) for name in DESIGNS for p in (0.02, 0.1, 0.5, 0.9) for copies in COPIES),
        prepare=few,
        limits=few_limits,
    ),
    Figure(
        name="Paired differences, and tests where nothing differs",
        axes=("n", "p", "images"),
        columns=("no difference", "difference of 0.1", "McNemar's error", "sign-flip's error"),
        cells=_SIZED,
        prepare=pairs,
        # McNemar's test knows no images: it is shown to say why it is not the test where they repeat.
        limits=lambda n, p, kind: (
            *(right_where_samples_are_many(n, p, kind) * 2),
            SELDOM if kind == "none" else ANY,
            SELDOM,
        ),
    ),
    Figure(
        name="Equal models where few or uneven clusters carry the difference",
        axes=("samples by cluster", "p", "copies"),
        columns=("no difference", _TEST),
        cells=tuple(
            (name, p, copies)
            for name in ("1 × 200 + 200 × 1", "5 × 40 + 200 × 1", "10 × 10", "20 × 10", "30 × 5")
            for p in (0.1, 0.5)
            for copies in COPIES
        ),
        prepare=few_pairs,
        limits=lambda design, *_: (few_limits(design)[0], SELDOM),
    ),
    Figure(
        name="Questions in several forms (groups)",
        axes=("questions × forms", "p", "alike"),
        columns=(_INTERVAL, "no difference", _TEST),
        cells=tuple((name, p, share) for name in SETS for p in (0.2, 0.5) for share in (0.3, 0.6, 0.9)),
        prepare=groups,
        limits=lambda *_: (ENOUGH, ENOUGH, SELDOM),
    ),
    Figure(
        name="Images and groups that cross",
        axes=("design", "p", "alike"),
        columns=(_INTERVAL, "no difference", _TEST),
        cells=tuple((name, p, share) for name in CROSSED for p in (0.2, 0.5) for share in (0.3, 0.6)),
        prepare=crossed,
        limits=lambda *_: (NEARLY, NEARLY, SELDOM),
    ),
    Figure(
        name="Paired rates: one benign half for several harmful ones",
        axes=("benign samples", "harmful ones each", "refused"),
        columns=(_INTERVAL,),
        cells=tuple(
            (count, each, refused) for count, each in ((200, 1), (40, 5), (20, 10), (10, 20)) for refused in (0.1, 0.3)
        ),
        prepare=twins,
        limits=lambda count, *_: (ENOUGH if count >= 15 else NEARLY,),
    ),
    Figure(
        name="Corrected rates, sizes as released",
        axes=("n", "p", "images"),
        columns=("samples like these", "this run", "inversion"),
        cells=_SIZED,
        prepare=corrected,
        limits=lambda n, p, kind: (ENOUGH, *(right_where_samples_are_many(n, p, kind)), NEARLY),
    ),
    Figure(
        name="Corrected rates under a noisy judge, images that repeat",
        axes=("samples by image", "p", "copies", "judge's error"),
        columns=("samples like these", "this run", "has an interval"),
        cells=tuple(
            (name, p, copies, error)
            for name in NOISY
            for p in (0.2, 0.5)
            for copies in (0.5, 1.0)
            for error in (0.1, 0.25)
        ),
        prepare=noisy,
        limits=lambda *_: (NEARLY, NEARLY, ANY),
    ),
    Figure(
        name="Corrected rates, labels missing for a reason",
        axes=("p", "safe ones missing", "unsafe ones missing"),
        columns=(_INTERVAL, "bounds hold what all labels would say"),
        cells=tuple((p, 0.05, 0.4) for p in (0.2, 0.5)),
        prepare=for_a_reason,
        limits=lambda *_: (ANY, (1.0, 1.0)),
    ),
    Figure(
        name="Agreement of raters",
        axes=("n", "prevalence", "error"),
        columns=("kappa", "alpha", "alpha, three raters"),
        cells=tuple((n, q, e) for n in (20, 50, 200) for q in (0.05, 0.2, 0.5) for e in (0.01, 0.05, 0.15)),
        prepare=agreement,
        limits=lambda n, *_: (NEARLY if n >= 50 else ANY,) * 3,
    ),
)


def drawer(number: int, cell: Cell) -> Draw:
    """The draws of one cell of a figure."""
    return partial(FIGURES[number].prepare, *cell)()
