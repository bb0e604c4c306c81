"""MLLMGuard (Gu et al., NeurIPS 2024), the public split: red-teaming queries about pictures, in Chinese and English.

arXiv:2406.07594. ``desensitize/DIMENSION/prompt.csv`` has the columns Image, Prompt, Lan, Category I and Category II,
and ``imgs/`` beside it the pictures, without what could harm people in them. The four dimensions of safety are loaded:
privacy, bias, toxicity and legality. The others (hallucination, position swapping, noise injection) test what is true.
Queries are asked as they are; the language is a part of the source. File tree as on the hub; columns as the authors'
code reads them and as in the table of their repository.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import csv_table, filled

DIMENSIONS = ("privacy", "bias", "toxicity", "legality")
"""The folders, which are the subsets."""


def open_folder(ref: Ref) -> Records:
    """Open ``mllmguard:DIR`` (all four dimensions) or one of them, ``mllmguard/privacy:DIR``."""
    root = need_folder(ref, ENTRY)
    parts = []
    for name in (ref.subset,) if ref.subset else DIMENSIONS:
        file = find_file(root, (f"desensitize/{name}/prompt.csv", f"data/{name}/prompt.csv"), ENTRY)
        beside = f"{file.parent.relative_to(root).as_posix()}/imgs"
        images = find_images(root, (beside,), ENTRY)
        parts.append(
            (csv_table(file), lambda row, number, name=name, images=images: [to_sample(row, number, name, images)])
        )
    return opened(ref, root, parts, ("Image", "Prompt"))


def to_sample(row: Mapping[str, object], number: str, dimension: str, images: str) -> Sample:
    """One row.

    Raises:
        BadField: A column is missing or empty.
    """
    language = text_field(row, "Lan", required=False).strip()
    return Sample(
        id=f"{dimension}-{number}",
        text=filled(row, "Prompt"),
        image=under(images, filled(row, "Image")),
        category=text_field(row, "Category I", required=False) or dimension,
        sub_category=text_field(row, "Category II", required=False),
        source=f"mllmguard {language}".rstrip(),
    )


ENTRY = Entry(
    name="mllmguard",
    title="MLLMGuard: red-teaming queries about pictures, in Chinese and English",
    size="four of the seven dimensions of the 1,500 public pairs",
    records="of 1,500",
    images="imgs/ beside each table",
    pictures="of 1,500",
    licence="CC BY-NC-SA 4.0",
    source="https://huggingface.co/datasets/Carol0110/MLLMGuard",
    citation=(
        "Tianle Gu, Zeyang Zhou, Kexin Huang, Dandan Liang, Yixu Wang, Haiquan Zhao, Yuanqi Yao, Xingge Qiao, Keqing "
        "Wang, Yujiu Yang, Yan Teng, Yu Qiao, Yingchun Wang. MLLMGuard: A Multi-dimensional Safety Evaluation Suite "
        "for Multimodal Large Language Models. NeurIPS 2024. arXiv:2406.07594"
    ),
    get=(
        "Run: vlsbench data fetch mllmguard. Or clone https://huggingface.co/datasets/Carol0110/MLLMGuard, and pass "
        "mllmguard:DIR, where DIR holds desensitize/."
    ),
    usage="mllmguard:DIR",
    subsets=DIMENSIONS,
    open=open_folder,
    hub=OnHub(
        repo="Carol0110/MLLMGuard",
        revision="main",
        files=tuple(f"desensitize/{name}/*" for name in DIMENSIONS),
    ),
)
"""The catalogue entry."""
