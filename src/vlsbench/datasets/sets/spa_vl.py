"""SPA-VL (Zhang et al., CVPR 2025), the harmlessness test set: harmful questions about pictures. arXiv:2406.12030.

``test/harm-00000-of-00001.parquet`` has the columns image (bytes inside the file), question and class1 to class3. The
questions of ``test/help`` test helpfulness and carry no label, so they are not part of it. Questions are asked as they
are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file
from vlsbench.datasets.files.parquet import open_parquet
from vlsbench.datasets.files.tables import filled

_FILE = "harm-00000-of-00001.parquet"
_WANTED = {"question": "question", "image": "image"}
_MORE = {"class1": "class1", "class2": "class2"}


def open_folder(ref: Ref) -> Records:
    """Open ``spa_vl:DIR``."""
    from vlsbench.datasets.fetch import hub

    root = need_folder(ref, ENTRY)
    file = find_file(root, (f"test/{_FILE}", _FILE), ENTRY)
    commit = hub.fetched_commit(root)
    return open_parquet(str(ref), (file,), root, to_sample, fields=_WANTED, optional=_MORE, revision=commit)


def to_sample(row: Mapping[str, Any], number: str) -> Sample:
    """One row; the image comes as it is to be used.

    Raises:
        BadField: A column is missing or empty.
    """
    return Sample(
        id=f"harm-{number}",
        text=filled(row, "question"),
        image=row["image"],
        category=text_field(row, "class1", required=False),
        sub_category=text_field(row, "class2", required=False),
        source="spa_vl harm",
    )


ENTRY = Entry(
    name="spa_vl",
    title="SPA-VL: the harmlessness test set of the preference data",
    size="265 questions",
    records="265",
    images="inside the Parquet file",
    pictures="265",
    licence="CC BY 4.0",
    source="https://huggingface.co/datasets/sqrti/SPA-VL",
    citation=(
        "Yongting Zhang, Lu Chen, Guodong Zheng, Yifeng Gao, Rui Zheng, Jinlan Fu, Zhenfei Yin, Senjie Jin, Yu Qiao, "
        "Xuanjing Huang, Feng Zhao, Tao Gui, Jing Shao. SPA-VL: A Comprehensive Safety Preference Alignment Dataset "
        "for Vision Language Model. CVPR 2025. arXiv:2406.12030"
    ),
    get=(
        f"Run: vlsbench data fetch spa_vl. Or download test/{_FILE} from "
        "https://huggingface.co/datasets/sqrti/SPA-VL, and pass spa_vl:DIR, where DIR holds test/."
    ),
    usage="spa_vl:DIR",
    open=open_folder,
    hub=OnHub(repo="sqrti/SPA-VL", revision="main", files=(f"test/{_FILE}",)),
)
"""The catalogue entry."""
