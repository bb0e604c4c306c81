"""The conditions of an ablation: what the model is shown in place of image and text.

    full         the sample as it is
    text         its text alone
    caption      its text, with the description of the image before it, and no image
    blank        its text, with a grey picture of the image's size
    mismatched   its text, with another image of the set

Each but the first is a `vlsbench.core.protocols.View`. The judge sees the sample as it is under every one of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from vlsbench.ablation.blanks import GREY, BlankImage
from vlsbench.core.errors import RequestFailed, UnknownName, UserError
from vlsbench.core.images import ImageFile
from vlsbench.core.pictures import every, together
from vlsbench.core.protocols import Dataset, Stamped, View
from vlsbench.core.types import Image, Sample

FULL = "full"
TEXT = "text"
CAPTION = "caption"
BLANK = "blank"
MISMATCHED = "mismatched"

CONDITIONS = (FULL, TEXT, CAPTION, BLANK, MISMATCHED)
"""All of them, in the order in which they are asked and shown."""

ONE_IMAGE = "all samples share one image, so there is no other"
"""Why nothing can be mismatched."""

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The conditions that were named, each once and in their order.

    Raises:
        UnknownName: There is no such condition.
        UserError: ``full`` is not among them, or nothing else is.
    """
    asked = [name.strip() for name in names]
    for name in asked:
        if name not in CONDITIONS:
            raise UnknownName("condition", name, CONDITIONS)
    if FULL not in asked:
        wanted = ",".join(name for name in CONDITIONS if name == FULL or name in asked)
        raise UserError(f"Every gain is full minus another condition: write --conditions {wanted}.")
    if set(asked) == {FULL}:
        raise UserError("full alone compares nothing; name another condition, for example --conditions full,text.")
    return tuple(name for name in CONDITIONS if name in asked)


class TextOnly:
    """The text alone."""

    identity: Mapping[str, str] = {"name": TEXT}

    def show(self, sample: Sample, image: Image | None) -> tuple[str, Image | None]:  # noqa: ARG002
        """The text."""
        return sample.text, None


class Caption:
    """The description of the image in its place, as text before the text (``prompts/caption.md``)."""

    def __init__(self) -> None:
        source = (files("vlsbench.ablation") / "prompts" / "caption.md").read_text(encoding="utf-8")
        self._wording = source.strip()
        self.identity: Mapping[str, str] = {
            "name": CAPTION,
            "wording_sha256": hashlib.sha256(self._wording.encode()).hexdigest(),
        }

    def show(self, sample: Sample, image: Image | None) -> tuple[str, Image | None]:  # noqa: ARG002
        """The description and the text.

        Raises:
            RequestFailed: The sample has no description.
        """
        if not sample.description.strip():
            raise RequestFailed("the sample has no image description to put in the image's place")
        values = {"description": sample.description.strip(), "query": sample.text}
        return _PLACEHOLDER.sub(lambda match: values[match.group(1)], self._wording), None


class Blank:
    """A grey picture of the image's size and format in its place."""

    identity: Mapping[str, str] = {"name": BLANK, "grey": str(GREY)}

    def show(self, sample: Sample, image: Image | None) -> tuple[str, Image | None]:
        """The text and the blank picture, or as many as the sample has."""
        return sample.text, together([BlankImage(one) for one in every(image)])


class Mismatched:
    """Another image of the set in the image's place.

    Args:
        others: Path and hash of the other image of each sample, by sample id.
    """

    identity: Mapping[str, str] = {"name": MISMATCHED}

    def __init__(self, others: Mapping[str, tuple[Path, str]]) -> None:
        self._others = others

    def show(self, sample: Sample, image: Image | None) -> tuple[str, Image | None]:  # noqa: ARG002
        """The text and the other image.

        Raises:
            RequestFailed: No other image was chosen for this sample.
        """
        other = self._others.get(sample.id)
        if other is None:
            raise RequestFailed("no other image was chosen for this sample: its own could not be read under full")
        # Made anew each time, because an image file keeps its encoding.
        return sample.text, ImageFile(*other)


def simple(name: str) -> View:
    """The view of a condition that needs nothing but the sample."""
    views: Mapping[str, type[View]] = {TEXT: TextOnly, CAPTION: Caption, BLANK: Blank}
    return views[name]()


def identity_of(name: str) -> Mapping[str, str] | None:
    """What a condition adds to the identity of its run; None for full, which is an ordinary evaluation."""
    if name == FULL:
        return None
    return Mismatched.identity if name == MISMATCHED else simple(name).identity


class WithImages:
    """The samples of a dataset that have an image: without one there is nothing to take away.

    Args:
        dataset: All samples.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def name(self) -> str:
        """That of the dataset."""
        return self._dataset.name

    @property
    def root(self) -> Path | str | None:
        """That of the dataset."""
        return self._dataset.root

    @property
    def revision(self) -> str:
        """That of the dataset."""
        return self._dataset.revision

    @property
    def stamp(self) -> str:
        """That of the dataset, marked: another selection of the same file."""
        own = self._dataset.stamp if isinstance(self._dataset, Stamped) else ""
        return f"with images {own}" if own else ""

    def __iter__(self) -> Iterator[Sample]:
        """The samples with an image, in their order."""
        return (sample for sample in self._dataset if sample.image is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a selection holds: `n` samples with an image, and `left_out` without one."""

    n: int
    left_out: int
    has_descriptions: bool
    has_other_images: bool


def survey(dataset: Dataset, limit: int | None) -> Survey:
    """Read the records once; images are not read.

    Args:
        dataset: All samples.
        limit: Only the first so many that have an image.
    """
    n = left_out = 0
    described = other = False
    first: str | None = None
    for sample in dataset:
        if sample.image is None:
            left_out += 1
            continue
        n += 1
        described = described or bool(sample.description.strip())
        first = sample.image if first is None else first
        other = other or sample.image != first
        if n == limit:
            break
    return Survey(n=n, left_out=left_out, has_descriptions=described, has_other_images=other)


def skipped(names: Iterable[str], found: Survey) -> dict[str, str]:
    """The conditions that this selection does not allow, and why."""
    reasons = {}
    if not found.has_descriptions:
        reasons[CAPTION] = "no sample has an image description"
    if not found.has_other_images:
        reasons[MISMATCHED] = ONE_IMAGE
    return {name: reasons[name] for name in names if name in reasons}
