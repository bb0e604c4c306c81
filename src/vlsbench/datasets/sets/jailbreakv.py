"""JailBreakV-28K (Luo et al., COLM 2024): jailbreak prompts and pictures for 2,000 requests. arXiv:2404.03027.

``JailBreakV_28K/JailBreakV_28K.csv`` has 28,000 rows and ``mini_JailBreakV_28K.csv`` 280 of them; cells hold line
breaks. The VLSBench paper (Tables 1 and 2) uses the mini set in two ways: with the plain request (``raw``) and with the
jailbreak prompt (``jailbreak``), and averages over both (``mini``). ``full`` is the 28,000. Columns as listed on the
hub; that `image_path` is relative to the CSV's folder was not verified on the files. All rows of one request make a
group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import csv_table, filled

QUERIES = {"raw": "redteam_query", "jailbreak": "jailbreak_query"}
"""The column that is asked, by way of asking."""

SUBSETS = {"raw": ("raw",), "jailbreak": ("jailbreak",), "mini": ("raw", "jailbreak"), "full": ("jailbreak",)}
_FOLDERS = ("llm_transfer_attack", "figstep", "query_related")


def open_folder(ref: Ref) -> Records:
    """Open ``jailbreakv/SUBSET:DIR``; without a subset, ``mini``."""
    root = need_folder(ref, ENTRY)
    subset = ref.subset or "mini"
    name = "JailBreakV_28K.csv" if subset == "full" else "mini_JailBreakV_28K.csv"
    file = find_file(root, (f"JailBreakV_28K/{name}", name), ENTRY)
    beside = str(file.parent.relative_to(root)).removeprefix(".")
    find_images(root, [under(beside, folder) for folder in _FOLDERS], ENTRY, archives=("JailBreakV_28K.zip",))
    wanted = ("jailbreak_query", "redteam_query", "policy", "format", "image_path")
    part = (csv_table(file), lambda row, number: to_samples(row, number, beside, SUBSETS[subset]))
    return opened(Ref(name=ref.name, subset=subset, place=ref.place), root, [part], wanted)


def to_samples(row: Mapping[str, object], number: str, images: str, ways: tuple[str, ...]) -> Iterator[Sample]:
    """One row, asked in one or both ways.

    Raises:
        BadField: A column is missing or empty.
    """
    name = text_field(row, "id", required=False) or number
    for way in ways:
        yield Sample(
            id=f"{name}-{way}",
            text=filled(row, QUERIES[way]),
            image=under(images, filled(row, "image_path")),
            category=text_field(row, "policy"),
            sub_category=text_field(row, "format"),
            source=f"jailbreakv {way}",
            group=_group(filled(row, "redteam_query")),
        )


def _group(request: str) -> str:
    """A short name for the request behind a row; many rows carry the same one."""
    return hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()[:16]


ENTRY = Entry(
    name="jailbreakv",
    title="JailBreakV-28K: jailbreak prompts with pictures, and the plain requests behind them",
    size="280 rows in the mini set (raw, jailbreak, or both), 28,000 in the full one",
    records="560",
    images="beside the CSV file; from the form that the dataset card links to",
    pictures="280",
    licence="MIT",
    source="https://huggingface.co/datasets/JailbreakV-28K/JailBreakV-28k",
    citation=(
        "Weidi Luo, Siyuan Ma, Xiaogeng Liu, Xiaoyu Guo, Chaowei Xiao. JailBreakV: A Benchmark for Assessing the "
        "Robustness of MultiModal Large Language Models against Jailbreak Attacks. COLM 2024. arXiv:2404.03027"
    ),
    get=(
        "Download the folder JailBreakV_28K with its pictures as the card of "
        "https://huggingface.co/datasets/JailbreakV-28K/JailBreakV-28k says, and pass jailbreakv:DIR."
    ),
    usage="jailbreakv:DIR",
    subsets=tuple(SUBSETS),
    open=open_folder,
)
"""The catalogue entry."""
