"""Can harmful and benign records be told apart by the text alone, without the image?

A partial-input baseline, as hypothesis-only baselines in natural language inference (Poliak et al., 2018;
Gururangan et al., 2018). Two classifiers, one on the queries and one on the image descriptions, are trained and
tested by cross-validation. An area under the ROC curve of about 0.5 means that the text does not tell.

Records that share a query or an image, and twins, stay in one fold: else a classifier could recognise a record
instead of reading it.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Expect, Sample
from vlsbench.leakage.baseline import classifier
from vlsbench.leakage.baseline.classifier import Classifier, Refused, reason

__all__ = ["Classifier", "PartialInput", "Refused", "baseline"]

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialInput:
    """The baseline of a set: a classifier on the queries, and one on the descriptions.

    `groups` counts the sets of records that have to stay together, `folds` those that were used. `refused` is set
    where the set as a whole allows no baseline; one with too few records of a kind is not searched for groups.
    """

    n_harmful: int
    n_benign: int
    groups: int
    folds: int
    text: Classifier
    description: Classifier
    refused: Refused | None = None

    def to_json(self) -> dict[str, object]:
        """The plain form, as in ``audit.json``."""
        return {
            "n_harmful": self.n_harmful,
            "n_benign": self.n_benign,
            "groups": self.groups,
            "folds": self.folds,
            "text": self.text.to_json(),
            "description": self.description.to_json(),
            "refused": reason(self.refused),
        }


def baseline(
    dataset: Dataset, limit: int | None = None, *, folds: int = FOLDS, confidence: float = 0.95, seed: int = 0
) -> PartialInput:
    """Train and test both classifiers; all texts are held in memory, unless there are too few records of a kind.

    Args:
        dataset: Harmful and benign records, read once to count them and once more; images are not read.
        limit: The first so many samples; None for all.
        folds: Parts of the cross-validation, 2 or more; fewer are used where there are fewer groups.
        confidence: Coverage of the intervals.
        seed: Which records go to which fold.

    Returns:
        The areas, or the reason why there are none; a set that does not suit is no error.

    Raises:
        MissingExtra: scikit-learn is not installed.
        ValueError: Fewer than 2 folds.
    """
    if folds < 2:
        raise ValueError(f"need at least 2 folds, not {folds}")
    counts = Counter(sample.expect is Expect.HARMFUL for sample in islice(iter(dataset), limit))
    refused = _refusal(counts, folds)
    # A set without benign records, which most are, may be of any length: nothing of it is kept.
    samples = list(islice(iter(dataset), limit)) if refused is None else []
    harmful = [sample.expect is Expect.HARMFUL for sample in samples]
    groups = grouped(samples)
    k = min(folds, *_groups_by_kind(groups, harmful))
    if refused is None and k < 2:
        refused = Refused.ONE_GROUP
    if refused is None:
        fold = split(groups, harmful, k, seed)
        texts = [sample.text for sample in samples]
        descriptions = [sample.description for sample in samples]
        del samples
        text = _classify(texts, harmful, groups, fold, confidence)
        description = _classify(descriptions, harmful, groups, fold, confidence, missing=Refused.NO_DESCRIPTIONS)
    else:
        text = description = Classifier(refused=refused)
    return PartialInput(
        n_harmful=counts[True],
        n_benign=counts[False],
        groups=len(set(groups)),
        folds=k if refused is None else 0,
        text=text,
        description=description,
        refused=refused,
    )


def _refusal(counts: Counter[bool], folds: int) -> Refused | None:
    """Why so many harmful (True) and benign records allow no baseline."""
    if not counts[True] or not counts[False]:
        return Refused.NO_BENIGN if counts[True] else Refused.NO_HARMFUL
    return Refused.TOO_FEW if min(counts[True], counts[False]) < folds else None


def _groups_by_kind(groups: Sequence[int], harmful: Sequence[bool]) -> tuple[int, int]:
    """How many groups hold harmful records, and how many benign ones."""
    kinds = set(zip(groups, harmful, strict=True))
    n = sum(kind for _, kind in kinds)
    return n, len(kinds) - n


def grouped(samples: Sequence[Sample]) -> list[int]:
    """The group of each sample: those that share a query or an image, or are twins, directly or by others."""
    parent = list(range(len(samples)))

    def find(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[tuple[str, str | bytes], int] = {}
    for place, sample in enumerate(samples):
        for key in _keys(sample):
            one, other = find(first.setdefault(key, place)), find(place)
            parent[max(one, other)] = min(one, other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(find(place), len(numbers)) for place in range(len(samples))]


def _keys(sample: Sample) -> list[tuple[str, str | bytes]]:
    """What joins a sample to others; digests, because queries and ``data:`` URIs are long and there may be many."""
    keys: list[tuple[str, str | bytes]] = [("twins", sample.id)]
    if sample.twin_of is not None:
        keys.append(("twins", sample.twin_of))
    query = " ".join(sample.text.casefold().split())
    if query:
        keys.append(("query", _digest(query)))
    if sample.image_sha256 is not None:
        keys.append(("image", sample.image_sha256.lower()))
    if sample.image is not None:
        name = sample.image if sample.image.startswith("data:") else os.path.normpath(sample.image)
        keys.append(("image", _digest(name)))
    return keys


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def split(groups: Sequence[int], harmful: Sequence[bool], folds: int, seed: int = 0) -> list[int]:
    """The fold of each record: groups stay whole, and each fold gets about its share of either kind.

    Large groups are placed first, each where it keeps the folds most even. scikit-learn's StratifiedGroupKFold does
    the same, but takes half a minute for 50,000 groups.
    """
    sizes: dict[int, list[int]] = {}
    for group, kind in zip(groups, harmful, strict=True):
        sizes.setdefault(group, [0, 0])[kind] += 1
    order = list(sizes)
    Random(seed).shuffle(order)  # noqa: S311 - a reproducible choice, no secret
    order.sort(key=lambda group: -sum(sizes[group]))
    totals = Counter(harmful)
    filled = [[0, 0] for _ in range(folds)]
    chosen: dict[int, int] = {}
    for group in order:
        benign, bad = sizes[group]

        def unevenness(number: int, benign: int = benign, bad: int = bad) -> tuple[float, int]:
            has = filled[number]
            return has[0] * benign / totals[False] ** 2 + has[1] * bad / totals[True] ** 2, sum(has)

        number = min(range(folds), key=unevenness)
        filled[number][0] += benign
        filled[number][1] += bad
        chosen[group] = number
    return [chosen[group] for group in groups]


def _classify(
    texts: Sequence[str],
    harmful: Sequence[bool],
    groups: Sequence[int],
    fold: Sequence[int],
    confidence: float,
    *,
    missing: Refused = Refused.NO_WORDS,
) -> Classifier:
    """Cross-validate on one kind of text; records without it are left out."""
    rows = [place for place, text in enumerate(texts) if text.strip()]
    if not rows or len({harmful[row] for row in rows}) < 2:
        return Classifier(refused=missing)
    return classifier.cross_validated(
        [texts[row] for row in rows],
        [harmful[row] for row in rows],
        [groups[row] for row in rows],
        [fold[row] for row in rows],
        confidence=confidence,
    )
