"""Writes docs/atlas.md: what the texts of published sets give away, from copies of the sets that you have.

python docs/make_atlas.py FOLDER [--out FILE]

FOLDER holds one folder per set, named as in `vlsbench datasets` (``vlguard``, ``mossbench``, ``xstest``, ...), each a
clone or what `vlsbench data fetch` brought. Pictures are not needed. Sets that are not there are named as such. Only
figures are written: no text of any set, no word of it either.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vlsbench import datasets
from vlsbench.core.errors import DatasetError
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Expect, Sample
from vlsbench.leakage.baseline.grouping import as_one
from vlsbench.leakage.baseline.partial_input import PartialInput, baseline
from vlsbench.leakage.signals import signals

PAGE = Path(__file__).with_name("atlas.md")
HIGH = 0.4
"""The overlap from which `vlsbench audit export` leaves a record out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """A set of the atlas: its reference without the folder, and the picture folders without which it does not open."""

    ref: str
    pictures: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return self.ref.partition("/")[0]


PLATES = (
    Plate(ref="vlsbench"),
    Plate(ref="vlguard", pictures=("test",)),
    Plate(ref="vlguard/train", pictures=("train",)),
    Plate(ref="mossbench", pictures=("data/images", "data_contrast/images")),
    Plate(ref="siuo", pictures=("images",)),
    Plate(ref="harmbench_mm", pictures=("multimodal_behavior_images",)),
    Plate(ref="figstep/full", pictures=("data/images/SafeBench",)),
    Plate(ref="xstest"),
)
REFERENCES = ("xstest", "mossbench", "vlguard")
"""Sets whose benign texts the others are compared with."""

HEAD = """# An atlas of leakage

What the texts of published sets give away, measured without a model and without a single picture.
`python docs/make_atlas.py FOLDER` made this page from copies of the sets; it holds figures and no text of any set. What
each figure means stands in [leakage signals](leakage-signals.md).

None of this says that a set is bad, or harmless. A set whose text tells tests refusal by text, which is a fair thing to
test; it does not test whether a model looks. A set whose text does not tell by these signals may still leak to a
reader: a linear classifier on words is a weak one, and overlap knows no synonyms. That is what guards are for
([below](#cells-that-need-a-guard)).
"""
OWN = """
## What the text alone tells, against the set's own benign half

AUC of a classifier on the query alone, cross-validated, with its 95 % interval: 0.5 is chance, 1 tells all.
*Near-copies* are records whose text nearly equals that of another one, *repeated* those whose text another one has too,
*shared* harmful records whose text a benign one has too: those hold the area at 0.5 by construction.
"""
AGAINST = """
## Against the benign texts of another set

For sets without benign records of their own. **Two sets differ in style, length and subject, and the AUC counts that as
well.** The last rows show how much: they tell *benign* texts of one set from *benign* texts of another, where there is
no harm to find. Where a row above is no higher than these, a reference says nothing about leakage.
"""
OVERLAP = """
## Overlap of the query with the description of the image

0 to 1; for FigStep the description is the text in the picture. Only sets with descriptions. *High* is above 0.4, where
`vlsbench audit export --leakless` leaves a record out.
"""
UNITS = """
## What is independent, and what follows for intervals

Over the harmful records, which a safety rate is about. Records of one image, or of one group that the authors drew, are
not independent. *Worst case*: if all answers about one image or group went the same way, the set would be worth so many
independent records, and the 95 % interval around a rate of 50 % would reach so many points to either side (in brackets:
if all were independent). What a run has lies between, and is measured with each figure ([statistics](statistics.md)).
Equal text alone is no dependence.
"""
GUARDS = """
## Cells that need a guard

| set | R1 | R2 | R1-R2 |
| :--- | ---: | ---: | ---: |
{rows}

R1, R2 and R1-R2 (is the pair harmful, is its text alone?) need a guard model and the pictures: these cells are open.
Values that the paper published for four sets stand in [auditing](auditing.md). To fill a row:

```sh
vlsbench audit --dataset NAME:DIR --guard guard:hf:meta-llama/Llama-Guard-3-11B-Vision --out runs/audit-NAME
vlsbench audit --dataset NAME:DIR --guard openai:NAME@URL --out runs/audit-NAME-2
```

The first command asks a guard model on your machine, the second any model behind a server. Guards err on pictures: use
two, and compare them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenignAsHarmful:
    """The benign records of a set, to be told from those of another: what differs is style, and no harm."""

    inner: Dataset

    @property
    def name(self) -> str:
        """The reference of the set."""
        return self.inner.name

    @property
    def root(self) -> Path | str | None:
        """Where its files lie."""
        return self.inner.root

    @property
    def revision(self) -> str:
        """Its revision."""
        return self.inner.revision

    def __iter__(self) -> Iterator[Sample]:
        for sample in self.inner:
            if sample.expect is Expect.BENIGN:
                yield replace(sample, expect=Expect.HARMFUL, twin_of=None)


def opened(plate: Plate, source: Path, scratch: Path) -> Dataset | None:
    """A set, from links to its files beside empty folders for pictures that are not there; None where it is missing."""
    if not (source / plate.folder).is_dir():
        return None
    root = scratch / plate.ref.replace("/", "-")
    for path in sorted((source / plate.folder).rglob("*")):
        copy = root / path.relative_to(source / plate.folder)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path.resolve())
    for folder in plate.pictures:
        (root / folder).mkdir(parents=True, exist_ok=True)
    try:
        return datasets.load(f"{plate.ref}:{root}")
    except DatasetError as error:
        print(f"{plate.ref}: left out. {error}")
        return None


def texts_row(name: str, data: Dataset) -> list[str]:
    """What the text tells against the set's own benign half."""
    samples = list(data)
    found = baseline(data)
    counts = Counter(as_one(sample.text) for sample in samples if sample.text.strip())
    repeated = sum(count for count in counts.values() if count > 1)
    checked = found.refused is None
    return [
        f"`{name}`",
        f"{found.n_harmful:,}",
        f"{found.n_benign:,}",
        area_of(found),
        f"{found.near_copies:,}" if checked else "-",
        f"{repeated:,}",
        f"{found.shared_texts:,}" if checked else "-",
    ]


def area_of(found: PartialInput) -> str:
    """The area of the text with its interval, or in a word why there is none."""
    if found.refused is not None or found.text.auc is None:
        refused = found.refused or found.text.refused
        return "-" if refused is None else f"none ({refused.value.replace('_', ' ')})"
    auc = found.text.auc
    edges = "" if auc.low is None or auc.high is None else f" [{auc.low:.3f}, {auc.high:.3f}]"
    return f"{auc.value:.3f}{edges}"


def against_row(name: str, data: Dataset, references: Sequence[tuple[str, Dataset]]) -> list[str]:
    """The areas against each reference."""
    same = name.partition("/")[0]
    return [
        f"`{name}`",
        *("-" if same == other else area_of(baseline(data, reference=known)) for other, known in references),
    ]


def overlap_row(name: str, data: Dataset) -> list[str]:
    """Overlap with descriptions; nothing where there are none."""
    found = [one.description_overlap for _, one in signals.measure(data, ocr=False)]
    known = sorted(value for value in found if value is not None)
    if not known:
        return []
    high = sum(value > HIGH for value in known)
    middle = known[len(known) // 2]
    mean = sum(known) / len(known)
    return [f"`{name}`", f"{len(known):,}", f"{mean:.3f}", f"{middle:.3f}", f"{100 * high / len(known):.1f} %"]


def units_row(name: str, data: Dataset) -> list[str]:
    """Images and groups per record, and what they could cost."""
    samples = [sample for sample in data if sample.expect is Expect.HARMFUL]
    images = Counter(sample.image for sample in samples if sample.image is not None)
    groups = Counter(sample.group for sample in samples if sample.group is not None)
    both = Counter((one.image, one.group) for one in samples if one.image is not None and one.group is not None)
    # Ordered pairs in one image or one group: a pair in both counts once.
    linked = pairs(images.values()) + pairs(groups.values()) - pairs(both.values())
    worth = len(samples) / (1 + linked / len(samples)) if samples else 0.0
    return [
        f"`{name}`",
        f"{len(samples):,}",
        shared(images),
        shared(groups),
        f"{worth:,.0f}",
        f"±{reach(worth):.1f} (±{reach(len(samples)):.1f})",
    ]


def pairs(counts: Iterable[int]) -> int:
    """Ordered pairs of records within the units that were counted."""
    return sum(count * (count - 1) for count in counts)


def shared(counts: Counter[str]) -> str:
    """How many units, and how many records they hold at most."""
    return f"{len(counts):,}, of {max(counts.values())} at most" if counts else "none"


def reach(worth: float) -> float:
    """Half the width of Wilson's 95 % interval around one half, in points."""
    z2 = 1.959964**2
    return 100 * 0.5 * math.sqrt(z2 / (worth + z2))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, [":---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def page(found: Sequence[tuple[str, Dataset]], missing: Sequence[str]) -> Iterator[str]:
    """The parts of the page."""
    yield HEAD
    if missing:
        yield f"\nNot measured, because no copy was there: {', '.join(f'`{name}`' for name in missing)}.\n"
    heads = ["set", "harmful", "benign", "AUC of the text", "near-copies", "repeated", "shared"]
    yield f"{OWN}\n{table(heads, rows(texts_row, found))}\n"
    references = [(name, data) for name, data in found if name in REFERENCES]
    against = [against_row(name, data, references) for name, data in found if not has(data, Expect.BENIGN)]
    styles = ((name, BenignAsHarmful(inner=data)) for name, data in references)
    against += [[f"benign of `{name}`", *against_row(name, data, references)[1:]] for name, data in styles]
    yield f"{AGAINST}\n{table(['set', *(f'against `{name}`' for name, _ in references)], against)}\n"
    heads = ["set", "records", "mean", "median", "high"]
    yield f"{OVERLAP}\n{table(heads, [row for row in rows(overlap_row, found) if row])}\n"
    heads = ["set", "harmful", "images", "groups", "worth, worst case", "half-width, points"]
    yield f"{UNITS}\n{table(heads, rows(units_row, [one for one in found if has(one[1], Expect.HARMFUL)]))}\n"
    yield GUARDS.format(rows="\n".join(f"| `{name}` | open | open | open |" for name, _ in found))


def rows(make: Callable[[str, Dataset], list[str]], found: Sequence[tuple[str, Dataset]]) -> list[list[str]]:
    """A row per set."""
    return [make(name, data) for name, data in found]


def has(data: Dataset, kind: Expect) -> bool:
    """Whether a set has records of a kind."""
    return any(sample.expect is kind for sample in data)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="Write docs/atlas.md from sets that you have.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=PAGE)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        every = [(plate.ref, opened(plate, args.folder, Path(scratch))) for plate in PLATES]
        found = [(name, data) for name, data in every if data is not None]
        text = "".join(page(found, [name for name, data in every if data is None]))
    args.out.write_text(text, encoding="utf-8")
    print(f"{args.out}: {len(found)} sets")


if __name__ == "__main__":
    main()
