"""Can harmful and benign records be told apart by the text alone, without the image?

A partial-input baseline, as hypothesis-only baselines in natural language inference (Poliak et al., 2018;
Gururangan et al., 2018). Two classifiers, one on the queries and one on the image descriptions, are trained and
tested by cross-validation. An area under the ROC curve of about 0.5 means that the text does not tell.

Records with the same or nearly the same query, that share an image or a group, and twins stay in one fold: else a
classifier could recognise a record instead of reading it.

Benign records that have the very texts of the harmful ones hold the area at 0.5, whatever the texts say. A reference,
another set with benign records of its own, shows what that hides; but two sets differ in style as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Expect, Sample
from vlsbench.leakage.baseline import classifier
from vlsbench.leakage.baseline.classifier import Classifier, Refused, reason
from vlsbench.leakage.baseline.grouping import Groups, as_one, grouped, split

__all__ = ["Classifier", "PartialInput", "Refused", "baseline"]

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialInput:
    """The baseline of a set: a classifier on the queries, and one on the descriptions.

    `groups` counts the sets of records that have to stay together, `folds` those that were used. `near_copies` counts
    records whose query is nearly that of another one, `shared_texts` harmful records whose query a benign one has too.
    `reference` names the set that the benign records are from, where it is another one. `refused` is set where the
    set as a whole allows no baseline; one with too few records of a kind is not searched for groups.
    """

    n_harmful: int
    n_benign: int
    groups: int
    folds: int
    text: Classifier
    description: Classifier
    near_copies: int = 0
    shared_texts: int = 0
    reference: str | None = None
    refused: Refused | None = None

    @property
    def caveats(self) -> tuple[str, ...]:
        """What has to be said beside the areas, each in a sentence or two."""
        said = []
        if self.refused is None and self.shared_texts:
            said.append(
                f"{self.shared_texts:,} of {self.n_harmful:,} harmful records have the very text of a benign one. Such "
                "pairs put the area of the text at 0.5 by construction, whether it leaks or not: this figure is no "
                "evidence that it does not. Compare with independent benign texts: --reference REF."
            )
        if self.reference is not None:
            said.append(
                f"The benign texts are those of {self.reference}. Two sets differ in style and subject too, and the "
                "area counts that as well: read the words that tell before you call it leakage."
            )
        return tuple(said)

    def to_json(self) -> dict[str, object]:
        """The plain form, as in ``audit.json``."""
        return {
            "n_harmful": self.n_harmful,
            "n_benign": self.n_benign,
            "groups": self.groups,
            "folds": self.folds,
            "near_copies": self.near_copies,
            "shared_texts": self.shared_texts,
            "reference": self.reference,
            "caveats": list(self.caveats),
            "text": self.text.to_json(),
            "description": self.description.to_json(),
            "refused": reason(self.refused),
        }


def baseline(
    dataset: Dataset,
    limit: int | None = None,
    *,
    reference: Dataset | None = None,
    folds: int = FOLDS,
    confidence: float = 0.95,
    seed: int = 0,
) -> PartialInput:
    """Train and test both classifiers; all texts are held in memory, unless there are too few records of a kind.

    Args:
        dataset: Harmful and benign records, read once to count them and once more; images are not read.
        limit: The first so many samples; None for all.
        reference: Compare the harmful records with the benign ones of this set, and leave its own out.
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
    counts = Counter(sample.expect is Expect.HARMFUL for sample in _compared(dataset, reference, limit))
    refused = _refusal(counts, folds)
    if refused is None:
        classifier.require_packages()
    # A set without benign records, which most are, may be of any length: nothing of it is kept.
    samples = list(_compared(dataset, reference, limit)) if refused is None else []
    harmful = [sample.expect is Expect.HARMFUL for sample in samples]
    groups = grouped(samples) if refused is None else Groups(of=(), near_copies=0)
    k = min(folds, *_groups_by_kind(groups.of, harmful))
    if refused is None and k < 2:
        refused = Refused.ONE_GROUP
    shared = _shared_texts(samples)
    if refused is None:
        fold = split(groups.of, harmful, k, seed)
        texts = [sample.text for sample in samples]
        descriptions = [sample.description for sample in samples]
        del samples
        text = _classify(texts, harmful, groups.of, fold, confidence)
        description = _classify(descriptions, harmful, groups.of, fold, confidence, missing=Refused.NO_DESCRIPTIONS)
    else:
        text = description = Classifier(refused=refused)
    return PartialInput(
        n_harmful=counts[True],
        n_benign=counts[False],
        groups=len(set(groups.of)),
        folds=k if refused is None else 0,
        text=text,
        description=description,
        near_copies=groups.near_copies,
        shared_texts=shared,
        reference=reference.name if reference is not None else None,
        refused=refused,
    )


def _compared(dataset: Dataset, reference: Dataset | None, limit: int | None) -> Iterator[Sample]:
    """The records to be told apart."""
    chosen = islice(iter(dataset), limit)
    if reference is None:
        yield from chosen
        return
    yield from (sample for sample in chosen if sample.expect is Expect.HARMFUL)
    for sample in reference:
        if sample.expect is Expect.BENIGN:
            # Ids, groups and file names of two sets may be equal by chance.
            yield replace(sample, id=f"reference/{sample.id}", twin_of=None, group=None, image=None)


def _shared_texts(samples: Sequence[Sample]) -> int:
    """How many harmful samples have the text of a benign one."""
    benign = {as_one(sample.text) for sample in samples if sample.expect is Expect.BENIGN} - {""}
    return sum(sample.expect is Expect.HARMFUL and as_one(sample.text) in benign for sample in samples)


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
