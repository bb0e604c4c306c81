"""The figures of a dataset: its taxonomy, its counts, the words of its queries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vlsbench.report.charts.kinds import Bars, Cloud, Figure, Point, Sunburst
from vlsbench.types import Expect, Sample

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MOST_WORDS = 120
_LONGEST = 40
# Function words of English, and what every query says.
_STOP = frozenset(
    """a about above after again against all also am an and any are as at be because been before being below between
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from
    further get give had has have haven't having he her here hers him his how i i'd i'll i'm i've if in into is isn't
    it it's its itself just let's like make may me might more most must my myself no nor not of off on once one only
    or other our out over own please s same shall she should so some such t than that that's the their them then
    there these they thing this those through to too under until up us use very was we were what what's when where
    which while who whom why will with without would you your yours""".split()
)


@dataclass(slots=True)
class Census:
    """What is counted while a set of samples goes by once."""

    n: int
    images: int
    harmful: int
    tree: dict[str, Counter[str]]
    sources: Counter[str]
    words: Counter[str]


def count(samples: Iterable[Sample]) -> Census:
    """Count categories, sources, images and the words of queries; each word once per query."""
    found = Census(n=0, images=0, harmful=0, tree={}, sources=Counter(), words=Counter())
    images: set[int] = set()
    for sample in samples:
        found.n += 1
        found.harmful += sample.expect is Expect.HARMFUL
        found.tree.setdefault(sample.category or "(none)", Counter())[sample.sub_category or "(none)"] += 1
        found.sources[sample.source or "(none)"] += 1
        found.words.update(set(words_of(sample.text)))
        if sample.image is not None:
            images.add(hash(sample.image_sha256 or sample.image))
    found.images = len(images)
    return found


def words_of(text: str) -> Iterator[str]:
    """The words of a query, in lower case, without function words and single letters."""
    for match in _WORD.finditer(text.lower().replace("’", "'")):
        word = match.group()
        if 1 < len(word) <= _LONGEST and word not in _STOP:
            yield word


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
    about = f"{census.n:,} samples: categories inside, sub-categories outside."
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
        about="The most frequent first." + (f" {rest:,} samples are in rarer ones." if rest else ""),
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
