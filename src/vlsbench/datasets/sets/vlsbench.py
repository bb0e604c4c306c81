"""VLSBench (Hu et al., ACL 2025): queries that are harmful only together with their image. arXiv:2411.19939.

The released folder holds ``data.json``, a list of records, and ``imgs/N.png``, unpacked from ``imgs.tar``.
Its quirks are kept as they are: an empty instruction, five records whose sub-category is filed under
another category, repeated instructions, images that serve several records. Revisions before March 2025
have no `image_description` and `safety_reason`.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened
from vlsbench.datasets.files.tables import filled, id_field, json_table


def open_folder(ref: Ref) -> Records:
    """Open ``vlsbench:DIR``.

    Raises:
        DatasetError: No such folder, or it does not hold the released layout.
    """
    root = need_folder(ref, ENTRY)
    table = json_table(find_file(root, ("data.json",), ENTRY), names="instruction_id")
    find_images(root, ("imgs",), ENTRY, archives=("imgs.tar",))
    next(table.rows(), None)  # a download that was cut off is better noticed now
    return opened(ref, root, [(table, lambda row, _: [to_sample(row)])], ("instruction_id", "instruction"))


def to_sample(row: Mapping[str, object]) -> Sample:
    """One object of ``data.json`` as a sample.

    Raises:
        BadField: A field is missing or of the wrong type.
    """
    return Sample(
        id=id_field(row, "instruction_id"),
        text=text_field(row, "instruction"),
        image=filled(row, "image_path"),
        category=text_field(row, "category"),
        sub_category=text_field(row, "sub_category"),
        source=text_field(row, "source"),
        description=text_field(row, "image_description", required=False),
        safety_reason=text_field(row, "safety_reason", required=False),
    )


ENTRY = Entry(
    name="vlsbench",
    title="VLSBench: harm that shows only in the image",
    size="2,241 pairs on 1,957 images; 6 categories, 19 sub-categories",
    images="a separate archive of 2.45 GB, imgs.tar, which unpacks to imgs/",
    licence="Apache-2.0",
    source="https://huggingface.co/datasets/Foreshhh/vlsbench",
    revision="2fef1f5",
    citation=(
        "Xuhao Hu, Dongrui Liu, Hao Li, Xuanjing Huang, Jing Shao. "
        "VLSBench: Unveiling Visual Leakage in Multimodal Safety. ACL 2025. arXiv:2411.19939"
    ),
    get=(
        "Run: vlsbench data fetch vlsbench. Or download data.json and imgs.tar from "
        "https://huggingface.co/datasets/Foreshhh/vlsbench into one folder, unpack imgs.tar there, "
        "and pass vlsbench:DIR."
    ),
    usage="vlsbench:DIR",
    records="2,241",
    pictures="1,957",
    open=open_folder,
    hub=OnHub(
        repo="Foreshhh/vlsbench",
        revision="2fef1f5",
        files=("data.json", "imgs.tar"),
        archives=("imgs.tar",),
    ),
)
"""The catalogue entry."""
