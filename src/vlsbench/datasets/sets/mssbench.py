"""MSSBench (Zhou et al., ICLR 2025): one query, safe in one situation and unsafe in another. arXiv:2410.06172.

``combined.json`` holds two lists. Of ``chat``, each query goes with a safe and an unsafe picture in ``chat/``: twins.
Of ``embodied``, the n-th safe and the n-th unsafe instruction go with their own picture in ``embodied/``. The published
protocol puts a task prompt before each query; here the query stands alone, so compare with its figures with that in
mind. Fields as in the README and in the authors' own code; the files were not at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened
from vlsbench.datasets.files.tables import filled, json_table

PARTS = {
    "chat": ("safe_image_path", "unsafe_image_path", "queries", "queries", "Type"),
    "embodied": ("safe", "unsafe", "safe_instructions", "unsafe_instructions", "category"),
}
"""By part: the fields of the two pictures, the two lists of queries, and the category."""

DESCRIPTIONS = {
    "chat": {"unsafe": "unsafe_image"},
    "embodied": {"safe": "observation_safe", "unsafe": "observation_unsafe"},
}
"""By part and situation: the field that says what the picture shows. The safe pictures of chat have none."""


def open_folder(ref: Ref) -> Records:
    """Open ``mssbench:DIR`` (both parts), ``mssbench/chat:DIR`` or ``mssbench/embodied:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, ("combined.json",), ENTRY)
    names = (ref.subset,) if ref.subset else tuple(PARTS)
    for name in names:
        find_images(root, (name,), ENTRY, archives=(f"{name}.zip",))
    parts = [
        (json_table(file, key=name), lambda row, number, name=name: to_samples(row, number, name)) for name in names
    ]
    wanted = PARTS[names[0]][:4] if len(names) == 1 else ()
    return opened(ref, root, parts, wanted)


def to_samples(row: Mapping[str, object], number: str, part: str) -> Iterator[Sample]:
    """The queries of a record, each in both situations.

    Raises:
        BadField: A field is missing, or the two lists of queries do not match.
    """
    safe_image, unsafe_image, safe_queries, unsafe_queries, category = PARTS[part]
    described = DESCRIPTIONS[part]
    benign, harmful = _texts(row, safe_queries), _texts(row, unsafe_queries)
    if len(benign) != len(harmful):
        raise BadField(f"'{safe_queries}' has {len(benign)} texts and '{unsafe_queries}' {len(harmful)}")
    for place, pair in enumerate(zip(harmful, benign, strict=True)):
        name = f"{part}-{number}-{place}"
        for kind, text, image in zip(("unsafe", "safe"), pair, (unsafe_image, safe_image), strict=True):
            yield Sample(
                id=f"{name}-{kind}",
                text=text,
                image=f"{part}/{filled(row, image)}",
                category=text_field(row, category, required=False),
                source=f"mssbench {part}",
                description=text_field(row, shows, required=False) if (shows := described.get(kind)) else "",
                expect=Expect.BENIGN if kind == "safe" else Expect.HARMFUL,
                twin_of=f"{name}-{'safe' if kind == 'unsafe' else 'unsafe'}",
                group=f"{part}-{number}",
            )


def _texts(row: Mapping[str, object], name: str) -> list[str]:
    texts = row.get(name)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadField(f"the field '{name}' should be a list of texts")
    return texts


ENTRY = Entry(
    name="mssbench",
    title="MSSBench: the same query in a safe and in an unsafe situation",
    size="1,820 pairs of query and picture, half of them safe; chat and embodied",
    records="1,820",
    images="chat/ and embodied/ beside the records",
    pictures="two each",
    licence="MIT",
    source="https://huggingface.co/datasets/kzhou35/mssbench",
    citation=(
        "Kaiwen Zhou, Chengzhi Liu, Xuandong Zhao, Anderson Compalas, Dawn Song, Xin Eric Wang. "
        "Multimodal Situational Safety. ICLR 2025. arXiv:2410.06172"
    ),
    get=(
        "Run: vlsbench data fetch mssbench. Or put combined.json, chat/ and embodied/ from "
        "https://huggingface.co/datasets/kzhou35/mssbench into one folder, and pass mssbench:DIR."
    ),
    usage="mssbench:DIR",
    subsets=tuple(PARTS),
    benign=True,
    twins=True,
    open=open_folder,
    hub=OnHub(repo="kzhou35/mssbench", revision="main", files=("combined.json", "chat/*", "embodied/*")),
)
"""The catalogue entry."""
