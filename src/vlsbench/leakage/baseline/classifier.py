"""A classifier on one kind of text, cross-validated: how well it tells, and by which words."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from vlsbench.core.errors import MissingExtra
from vlsbench.leakage.signals import words
from vlsbench.stats.auc import Auc, area

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_TERMS = 200_000
"""Words and pairs of words that a classifier may use, the most frequent ones."""

STRONGEST = 10
"""Words listed each way."""


class Refused(StrEnum):
    """Why there is no baseline."""

    NO_HARMFUL = "no_harmful"
    NO_BENIGN = "no_benign"
    TOO_FEW = "fewer_samples_than_folds"
    ONE_GROUP = "one_group"
    NO_DESCRIPTIONS = "no_descriptions"
    NO_WORDS = "no_words"

    @property
    def sentence(self) -> str:
        """The reason, and what to do about it."""
        return _SENTENCES[self]


_SENTENCES = {
    Refused.NO_HARMFUL: "The set has no harmful records, so there is nothing to tell from the benign ones.",
    Refused.NO_BENIGN: "The set has no benign records, so there is nothing to tell the harmful ones from. "
    'Add harmless counterparts ("expect": "benign").',
    Refused.TOO_FEW: "There are fewer harmful or fewer benign records than folds. Take more samples, or fewer folds.",
    Refused.ONE_GROUP: "The records are so joined by shared or nearly equal queries and by images that they cannot be "
    "split into a part to learn from and a part to test on. A set with one fixed query is such a set: its text tells "
    "nothing.",
    Refused.NO_DESCRIPTIONS: "The records have no image descriptions.",
    Refused.NO_WORDS: "The texts have no words.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word, or two in a row, with its weight in the classifier; over 0 speaks for harmful."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """What one kind of text tells: the area with its interval, and the words that tell most.

    `refused` says why there is none; then `auc` is None and no words are listed.
    """

    auc: Auc | None = None
    harmful_words: tuple[Word, ...] = ()
    benign_words: tuple[Word, ...] = ()
    refused: Refused | None = None

    def to_json(self) -> dict[str, object]:
        """The plain form, as in ``audit.json``."""
        return {
            "auc": asdict(self.auc) if self.auc is not None else None,
            "harmful_words": [asdict(word) for word in self.harmful_words],
            "benign_words": [asdict(word) for word in self.benign_words],
            "refused": reason(self.refused),
        }


def reason(refused: Refused | None) -> dict[str, str] | None:
    """A refusal in its plain form."""
    return None if refused is None else {"reason": refused.value, "sentence": refused.sentence}


def require_packages() -> None:
    """Nothing where the packages are there that the baseline needs.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise MissingExtra("scikit-learn", "audit") from error


def cross_validated(
    texts: list[str], harmful: Sequence[bool], groups: Sequence[int], fold: Sequence[int], *, confidence: float
) -> Classifier:
    """Train on all folds but one and test on that one, each in turn.

    Args:
        texts: One text per record.
        harmful: Whether each record is harmful.
        groups: Records that are not independent share a number; a group lies within one fold.
        fold: The fold of each record.
        confidence: Coverage of the interval.
    """
    import numpy as np

    counts, names = counted(texts)
    if not names:
        return Classifier(refused=Refused.NO_WORDS)
    y, folds = np.asarray(harmful), np.asarray(fold)
    scores = np.full(len(y), np.nan)
    for number in np.unique(folds):
        tested = folds == number
        if len(np.unique(y[~tested])) == 2:
            weigh, model = _trained(counts[~tested], y[~tested])
            scores[tested] = model.decision_function(weigh.transform(counts[tested]))
    scored = ~np.isnan(scores)
    found = area(
        y[scored],
        scores[scored],
        np.asarray(groups)[scored],
        folds[scored],
        cross_validated=True,
        confidence=confidence,
    )
    if found is None:
        return Classifier(refused=Refused.ONE_GROUP)
    _, model = _trained(counts, y)
    harmful_words, benign_words = _strongest(names, model.coef_[0])
    return Classifier(auc=found, harmful_words=harmful_words, benign_words=benign_words)


def _trained(counts: Any, y: NDArray[Any]) -> tuple[Any, Any]:
    """Tf-idf weights and a logistic regression, both from these records alone."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression

    weigh = TfidfTransformer(sublinear_tf=True)
    # liblinear: the same result every time, and quick on many sparse columns.
    model = LogisticRegression(solver="liblinear", class_weight="balanced", max_iter=1000)
    model.fit(weigh.fit_transform(counts), y)
    return weigh, model


def counted(texts: Iterable[str]) -> tuple[Any, list[str]]:
    """How often each text has each term, as a sparse matrix (texts, terms), and the terms.

    Only terms that two texts have are kept, at most `MOST_TERMS`. scikit-learn's CountVectorizer gives the same, but
    takes several times as long where the words come from a function of ours.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    found, ends = array("q"), array("q", [0])
    for text in texts:
        found.extend(map(numbers.__getitem__, terms(text)))
        ends.append(len(found))
    ones = np.ones(len(found), dtype=np.float32)
    counts = csr_matrix((ones, np.asarray(found), np.asarray(ends)), shape=(len(ends) - 1, len(numbers)))
    counts.sum_duplicates()
    spread = np.bincount(counts.indices, minlength=len(numbers))
    frequent = np.argsort(-spread, kind="stable")[:MOST_TERMS]
    chosen = np.sort(frequent[spread[frequent] >= 2])
    names = list(numbers)
    return counts[:, chosen], [names[place] for place in chosen]


def terms(text: str) -> list[str]:
    """Words in lower case, and each two in a row; function words too, since habits of writing tell as well."""
    found = [words.normal(word) for word in words.spelled(text)]
    return [*found, *map(" ".join, pairwise(found))]


def _strongest(names: Sequence[str], weights: NDArray[Any]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    import numpy as np

    order = np.lexsort((np.arange(len(weights)), weights))
    low = [Word(word=str(names[place]), weight=float(weights[place])) for place in order[:STRONGEST]]
    high = [Word(word=str(names[place]), weight=float(weights[place])) for place in order[::-1][:STRONGEST]]
    return tuple(word for word in high if word.weight > 0), tuple(word for word in low if word.weight < 0)
