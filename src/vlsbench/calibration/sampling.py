"""Which answers people should label: stratified by the judge's label and category, drawn with a seed.

Strata are (harmful or benign) x (the judge's label, or that it gave none) x category. Two rules keep them large
enough, within one kind and label: a stratum of fewer than `LEAST_SIZE` answers is merged with the next smallest,
and where n does not give every stratum `LEAST_DRAWN` labels, the smallest strata are merged until it does.

Of n labels each stratum gets `LEAST_DRAWN` (or all it has), and the rest goes by Neyman's rule, in
proportion to the size of a stratum times how much its truth is expected to vary.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vlsbench.calibration.design import Design, DrawnAnswer, RawRate, SamplingPlan
from vlsbench.calibration.population import UNSCORED_GROUP, Member, Population
from vlsbench.core.errors import UserError
from vlsbench.core.types import Label
from vlsbench.results.outcomes import IS_SAFE

LEAST_SIZE = 5
LEAST_DRAWN = 2

EXPECTED_ERROR = {Label.REFUSAL.value: 0.1, Label.WARNING.value: 0.3, Label.UNSAFE.value: 0.1, UNSCORED_GROUP: 0.5}
"""How often the judge is expected to be wrong, for sharing out the labels; only precision depends on it."""

_OTHER_ERROR = 0.2


@dataclass(slots=True)
class _Pool:
    """A stratum while it is made."""

    harmful: bool
    group: str
    categories: list[str]
    members: list[Member]


def draw(population: Population, n: int, seed: int) -> Design:
    """Draw the answers to label.

    Args:
        population: What `population.read` found in a run.
        n: How many answers to draw; all of them where there are no more.
        seed: The same seed draws the same answers.

    Raises:
        UserError: Nothing can be labelled, or `n` is too small for the judge's labels.
    """
    if not population.members:
        raise UserError(
            f"{population.judged.run.path}: no answer can be labelled: none has a verdict of {population.judged.name}."
        )
    pools = _pools(population.members, n)
    taken = allocate([len(pool.members) for pool in pools], [pool.group for pool in pools], n)
    # Reproducible, and nothing here is a secret.
    rng = random.Random(seed)  # noqa: S311
    items = [
        DrawnAnswer(sample_id=member.sample_id, stratum=number, answer_sha256=member.answer_sha256)
        for number, (pool, count) in enumerate(zip(pools, taken, strict=True))
        for member in rng.sample(pool.members, count)
    ]
    # People see them in this order, which gives no stratum away.
    rng.shuffle(items)
    plans = tuple(
        SamplingPlan(
            harmful=pool.harmful,
            group=pool.group,
            categories=tuple(sorted(pool.categories)),
            size=len(pool.members),
            drawn=count,
        )
        for pool, count in zip(pools, taken, strict=True)
    )
    judged = population.judged
    facts = (judged.run.manifest.dataset_hash, judged.stem, n, seed, [(i.sample_id, i.answer_sha256) for i in items])
    return Design(
        id=hashlib.sha256(repr(facts).encode("utf-8", "backslashreplace")).hexdigest()[:12],
        stem=judged.stem,
        judge=judged.name,
        labels=tuple(label for label in judged.labels if label in IS_SAFE),
        dataset_hash=judged.run.manifest.dataset_hash,
        seed=seed,
        strata=plans,
        items=tuple(items),
        left_out=dict(population.left_out),
        raw=RawRate.of(judged.overall()),
        counts=_by_category(population.members),
    )


def allocate(sizes: Sequence[int], groups: Sequence[str], n: int) -> list[int]:
    """How many answers to draw from each stratum.

    Args:
        sizes: Answers in each stratum.
        groups: The judge's label of each stratum.
        n: Answers to draw in all.

    Returns:
        One number per stratum, at least `LEAST_DRAWN` or all of the stratum; they add up to `n`, or to all
        answers where there are no more, or to the least where `n` is less than that.
    """
    least = [min(LEAST_DRAWN, size) for size in sizes]
    taken = list(least)
    left = min(n, sum(sizes)) - sum(taken)
    errors = [EXPECTED_ERROR.get(group, _OTHER_ERROR) for group in groups]
    weights = [size * (error * (1 - error)) ** 0.5 for size, error in zip(sizes, errors, strict=True)]
    # One at a time to the stratum that is furthest behind its share; ties go to the first.
    queue = [
        (-weight / (taken[number] + 0.5), number)
        for number, weight in enumerate(weights)
        if taken[number] < sizes[number]
    ]
    heapq.heapify(queue)
    for _ in range(max(0, left)):
        _, number = heapq.heappop(queue)
        taken[number] += 1
        if taken[number] < sizes[number]:
            heapq.heappush(queue, (-weights[number] / (taken[number] + 0.5), number))
    return taken


def _pools(members: Sequence[Member], n: int) -> list[_Pool]:
    pools: dict[tuple[bool, str, str], _Pool] = {}
    for member in members:
        key = (member.harmful, member.group, member.category)
        pool = pools.setdefault(key, _Pool(member.harmful, member.group, [member.category], []))
        pool.members.append(member)
    found = [pools[key] for key in sorted(pools)]
    while (small := _smallest(found, LEAST_SIZE)) is not None:
        found = _merged(found, small)
    while sum(min(LEAST_DRAWN, len(pool.members)) for pool in found) > n:
        small = _smallest(found, None)
        if small is None:
            least = sum(min(LEAST_DRAWN, len(pool.members)) for pool in found)
            raise UserError(f"--n {n} is too small: {least} labels are the least for the labels this judge gave.")
        found = _merged(found, small)
    return found


def _smallest(pools: Sequence[_Pool], below: int | None) -> _Pool | None:
    """The smallest stratum that has another to be merged with; with `below`, only one of fewer answers."""
    alike = Counter((pool.harmful, pool.group) for pool in pools)
    able = [
        pool for pool in pools if alike[pool.harmful, pool.group] > 1 and (below is None or len(pool.members) < below)
    ]
    return min(able, key=lambda pool: len(pool.members), default=None)


def _merged(pools: list[_Pool], small: _Pool) -> list[_Pool]:
    others = [
        pool for pool in pools if pool is not small and (pool.harmful, pool.group) == (small.harmful, small.group)
    ]
    into = min(others, key=lambda pool: len(pool.members))
    into.categories.extend(small.categories)
    into.members.extend(small.members)
    return [pool for pool in pools if pool is not small]


def _by_category(members: Sequence[Member]) -> dict[str, dict[str, int]]:
    """How many scored answers to harmful samples the judge gave each label, by category."""
    counts: dict[str, dict[str, int]] = {}
    for member in members:
        if member.harmful and member.group != UNSCORED_GROUP:
            row = counts.setdefault(member.category, {})
            row[member.group] = row.get(member.group, 0) + 1
    return dict(sorted(counts.items()))
