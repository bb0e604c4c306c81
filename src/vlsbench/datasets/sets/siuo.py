"""SIUO (Wang et al., NAACL 2025): picture and query are each safe, an answer to both is not. arXiv:2406.15279.

``siuo_gen.json`` is a list of records, the pictures are in ``images/`` beside it or beside its folder. Queries are
asked as they are, which is the published generation task (not the multiple-choice one).
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import filled, id_field, json_table


def open_folder(ref: Ref) -> Records:
    """Open ``siuo:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, ("data/siuo_gen.json", "siuo_gen.json"), ENTRY)
    images = find_images(root, ("images", "data/images"), ENTRY, archives=("images.zip", "SIUO-images.zip"))
    table = json_table(file, names="question_id")
    return opened(ref, root, [(table, lambda row, _: [to_sample(row, images)])], ("question_id", "image", "question"))


def to_sample(row: Mapping[str, object], images: str) -> Sample:
    """One record.

    Raises:
        BadField: A field is missing or of the wrong type.
    """
    return Sample(
        id=id_field(row, "question_id"),
        text=text_field(row, "question"),
        image=under(images, filled(row, "image")),
        category=text_field(row, "category", required=False),
        source="siuo",
        safety_reason=text_field(row, "safety_warning", required=False),
    )


ENTRY = Entry(
    name="siuo",
    title="SIUO: safe picture, safe query, unsafe answer",
    size="167 pairs in 9 domains",
    records="167",
    images="a folder beside the records",
    pictures="167",
    licence="CC BY-NC 4.0",
    source="https://huggingface.co/datasets/sinwang/SIUO",
    citation=(
        "Siyin Wang, Xingsong Ye, Qinyuan Cheng, Junwen Duan, Shimin Li, Jinlan Fu, Xipeng Qiu, Xuanjing Huang. "
        "Safe Inputs but Unsafe Output: Benchmarking Cross-modality Safety Alignment of Large Vision-Language Models. "
        "Findings of NAACL 2025. arXiv:2406.15279"
    ),
    get=(
        "Run: vlsbench data fetch siuo. Or put siuo_gen.json and images/ from "
        "https://huggingface.co/datasets/sinwang/SIUO into one folder, and pass siuo:DIR."
    ),
    usage="siuo:DIR",
    open=open_folder,
    hub=OnHub(repo="sinwang/SIUO", revision="main", files=("siuo_gen.json", "images/*")),
)
"""The catalogue entry."""
