"""What a benchmark is made of: risky objects and scenarios by name, or pictures that exist already.

``--elements FILE.jsonl`` holds one object per line:

    {"words": "...", "category": "...", "sub_category": "...", "kind": "object" | "scenario"}
    {"image": "a.png", "source": "...", "licence": "CC-BY-4.0", "category": "...", "sub_category": "..."}

`id` may be given; without one it is the number of the line. `words` is needed where there is no image; the categories
are those of the taxonomy, and may be left out for images.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from vlsbench.construct import safety
from vlsbench.construct.taxonomy import Taxonomy
from vlsbench.core.errors import DatasetError
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Expect

KINDS = ("object", "scenario", "image")

_FIELDS = ("id", "words", "category", "sub_category", "kind", "image", "source", "licence")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One thing to make pairs of.

    `image` is a picture that exists already (a path, or a ``data:`` URI), else empty: then one is painted. `source` and
    `licence` are the picture's, as they are known.
    """

    id: str
    kind: str
    words: str = ""
    category: str = ""
    sub_category: str = ""
    image: str = ""
    source: str = ""
    licence: str = ""

    def to_json(self) -> dict[str, str]:
        """A line of ``elements.jsonl``."""
        return asdict(self)


def from_json(row: Mapping[str, Any]) -> Element:
    """An element from a line of ``elements.jsonl``; raises KeyError or TypeError where it is none."""
    return Element(**{name: str(row[name]) for name in _FIELDS})


def read(file: Path, taxonomy: Taxonomy) -> list[Element]:
    """The elements of a user's file.

    Raises:
        DatasetError: It cannot be read, or a line is no element; the message names the line.
        UnknownName: A category that the taxonomy does not know.
    """
    try:
        lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as error:
        raise DatasetError(f"The elements {file} cannot be read ({error.strerror}).") from error
    found: dict[str, Element] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{file.name}, line {number}"
        element = _element(line, number, where, file.parent, taxonomy)
        if element.id in found:
            raise DatasetError(f"{where}: the id {element.id!r} was given before. Give each element its own id.")
        found[element.id] = element
    if not found:
        raise DatasetError(f"{file} holds no elements. Write one JSON object per line, with words and sub_category.")
    return list(found.values())


def _element(line: bytes, number: int, where: str, folder: Path, taxonomy: Taxonomy) -> Element:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{where} is not JSON ({error}).") from error
    if not isinstance(row, dict):
        raise DatasetError(f"{where} should be an object.")
    if unknown := sorted(row.keys() - set(_FIELDS)):
        raise DatasetError(f"{where}: unknown field {unknown[0]!r}. Known: {', '.join(_FIELDS)}.")
    for name in _FIELDS:
        if not isinstance(row.get(name, ""), str):
            raise DatasetError(f"{where}: the field {name!r} should be a text.")
    text = {name: str(row.get(name, "")).strip() for name in _FIELDS}
    name = text["id"] or f"e{number}"
    if not _ID.fullmatch(name):
        raise DatasetError(f"{where}: the id {name!r:.60} may hold letters, digits and ._- only.")
    kind = text["kind"] or ("image" if text["image"] else "object")
    if kind not in KINDS:
        raise DatasetError(f"{where}: the kind {kind!r:.40} should be one of {', '.join(KINDS)}.")
    if (kind == "image") != bool(text["image"]):
        raise DatasetError(f"{where}: an element has the kind image exactly where it has an image.")
    if not text["words"] and kind != "image":
        raise DatasetError(f"{where}: an element without words. Name the object or the scenario in `words`.")
    category, sub_category = taxonomy.place(text["category"], text["sub_category"], where)
    if not category and kind != "image":
        raise DatasetError(f"{where}: an element needs a sub_category of the taxonomy.")
    image = str((folder / text["image"]).absolute()) if kind == "image" else ""
    return Element(
        id=name,
        kind=kind,
        words=text["words"],
        category=category,
        sub_category=sub_category,
        image=image,
        source=text["source"],
        licence=text["licence"],
    )


def of_images(data: Dataset, licence: str, taxonomy: Taxonomy) -> Iterator[Element]:
    """The pictures of a dataset as elements; each picture once, in order.

    Args:
        data: The dataset. Its queries are not used. Records without an image, and benign ones, are passed over. A
            picture of which any record speaks of minors becomes an element of that word, which is refused unasked.
        licence: The licence of its pictures; empty where it is not known.
        taxonomy: Categories that it does not know are left for the categoriser.
    """
    refused = {
        sample.image
        for sample in data
        if safety.names_minors(sample.text, sample.description, sample.category, sample.sub_category)
    }
    seen: set[str] = set()
    for sample in data:
        if sample.image is None or sample.expect is Expect.BENIGN or sample.image in seen:
            continue
        seen.add(sample.image)
        outside = sample.image.startswith("data:") or data.root is None
        image = sample.image if outside else str((Path(str(data.root)) / sample.image).absolute())
        category, sub_category = taxonomy.known(sample.category, sample.sub_category)
        yield Element(
            id=f"i{len(seen)}",
            kind="image",
            words=safety.MINORS if sample.image in refused else "",
            category=category,
            sub_category=sub_category,
            image=image,
            source=sample.source or data.name,
            licence=licence,
        )
