"""UnsafeBench (Qu et al., 2024): pictures labelled safe or unsafe in eleven categories; no queries. arXiv:2405.03486.

``data/test-*.parquet`` and ``data/train-*.parquet`` have the columns image (bytes inside the file), safety_label,
category and source; later revisions also text, a caption or prompt that the study did not use, and nor does this. The
text of every sample is empty: the picture alone is asked about. That serves audits of guards and the making of new
sets; it makes no safety rate that could be compared with others. Columns as on the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_files
from vlsbench.datasets.files.parquet import open_parquet
from vlsbench.datasets.files.tables import grade

_WANTED = {"image": "image", "safety_label": "safety_label"}
_MORE = {"category": "category", "source": "source"}


def open_folder(ref: Ref) -> Records:
    """Open ``unsafebench:DIR`` (the test set) or ``unsafebench/train:DIR``."""
    from vlsbench.datasets.fetch import hub

    root = need_folder(ref, ENTRY)
    split = ref.subset or "test"
    files = find_files(root, (f"data/{split}-*.parquet", f"{split}-*.parquet"), ENTRY)

    def as_sample(row: Mapping[str, Any], number: str) -> Sample:
        return to_sample(row, f"{split}-{number}")

    commit = hub.fetched_commit(root)
    return open_parquet(str(ref), files, root, as_sample, fields=_WANTED, optional=_MORE, revision=commit)


def to_sample(row: Mapping[str, Any], name: str) -> Sample:
    """One row; the image comes as it is to be used.

    Raises:
        BadField: The label is neither safe nor unsafe.
    """
    return Sample(
        id=name,
        text="",
        image=row["image"],
        category=text_field(row, "category", required=False),
        source=f"unsafebench {text_field(row, 'source', required=False)}".rstrip(),
        expect=grade(row, "safety_label"),
    )


ENTRY = Entry(
    name="unsafebench",
    title="UnsafeBench: pictures labelled safe or unsafe, without queries",
    size="2,037 pictures in the test set, 8,109 in the training set; 11 categories",
    records="2,037",
    images="inside the Parquet files",
    pictures="2,037",
    licence="none named",
    source="https://huggingface.co/datasets/yiting/UnsafeBench",
    citation=(
        "Yiting Qu, Xinyue Shen, Yixin Wu, Michael Backes, Savvas Zannettou, Yang Zhang. UnsafeBench: Benchmarking "
        "Image Safety Classifiers on Real-World and AI-Generated Images. 2024. arXiv:2405.03486"
    ),
    get=(
        "Run: vlsbench data fetch unsafebench (gated: accept its terms on the page first). Or download data/ from "
        "https://huggingface.co/datasets/yiting/UnsafeBench, and pass unsafebench:DIR, where DIR holds data/."
    ),
    usage="unsafebench:DIR",
    subsets=("train",),
    benign=True,
    open=open_folder,
    hub=OnHub(repo="yiting/UnsafeBench", revision="main", files=("data/*.parquet",)),
)
"""The catalogue entry."""
