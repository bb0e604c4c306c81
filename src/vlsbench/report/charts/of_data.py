"""The figures of a dataset: its taxonomy, its counts, the words of its queries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from vlsbench.core.types import Sample
from vlsbench.core.words import counted, noun
from vlsbench.report.charts.kinds import Bars, Cloud, Figure, Point, Sunburst

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MOST_WORDS = 120
_LONGEST = 40


class Census:
    """What is counted while samples go by once: categories, sources, and words, each once per query."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self.n = 0
        self.tree: dict[str, Counter[str]] = {}
        self.words: Counter[str] = Counter()
        for sample in samples:
            self.add(sample)

    def add(self, sample: Sample) -> None:
        """Count one sample."""
        self.n += 1
        self.tree.setdefault(sample.category or "(none)", Counter())[sample.sub_category or "(none)"] += 1
        self.words.update(set(words_of(sample.text)))


def words_of(text: str) -> Iterator[str]:
    """The words of a query, in lower case, without function words and single letters."""
    for match in _WORD.finditer(text.lower().replace("’", "'")):
        word = match.group()
        if 1 < len(word) <= _LONGEST and word not in _function_words():
            yield word


@cache
def _function_words() -> frozenset[str]:
    """Words of English that say nothing of a query's subject."""
    file = Path(__file__).parent / "function-words.txt"
    return frozenset(file.read_text(encoding="utf-8").split())


def figures(census: Census, *, prefix: str = "data") -> list[Figure]:
    """Every figure that a set's samples allow."""
    return [figure for figure in (taxonomy(census, prefix), counts(census, prefix), cloud(census, prefix)) if figure]


def taxonomy(census: Census, prefix: str = "data") -> Sunburst | None:
    """Categories and their sub-categories as two rings (paper, Figure 3); None where there is one category alone."""
    if len(census.tree) < 2 and all(len(subs) < 2 for subs in census.tree.values()):
        return None
    tree = {
        name: dict(subs.most_common()) for name, subs in sorted(census.tree.items(), key=lambda item: -item[1].total())
    }
    about = f"{counted(census.n, 'sample')}: categories inside, sub-categories outside."
    return Sunburst(id=f"{prefix}-taxonomy", title="What the queries are about", about=about, tree=tree)


def counts(census: Census, prefix: str = "data") -> Bars | None:
    """Samples in each sub-category, the most frequent first (paper, Figure 4)."""
    flat = Counter({(name, sub): k for name, subs in census.tree.items() for sub, k in subs.items()})
    if len(flat) < 2:
        return None
    common = flat.most_common(40)
    twice = Counter(sub for (_, sub), _ in common)
    rest = flat.total() - sum(k for _, k in common)
    groups = [f"{sub} ({name})" if twice[sub] > 1 or sub == "(none)" else sub for (name, sub), _ in common]
    return Bars(
        id=f"{prefix}-counts",
        title="Samples by sub-category",
        about="The most frequent first."
        + (f" {counted(rest, 'sample')} {noun(rest, 'is')} in rarer ones." if rest else ""),
        groups=tuple(groups),
        series=("samples",),
        points=(tuple(Point(value=k) for _, k in common),),
        unit="count",
    )


def cloud(census: Census, prefix: str = "data") -> Cloud | None:
    """The words of the queries by how many of them hold it (paper, Figure 9)."""
    common = tuple(census.words.most_common(_MOST_WORDS))
    if not common:
        return None
    about = "Words of the queries by how many queries hold them; common function words are left out."
    return Cloud(id=f"{prefix}-words", title="Words of the queries", about=about, words=common)
