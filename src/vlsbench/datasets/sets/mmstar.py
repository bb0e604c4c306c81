"""MMStar (Chen et al., NeurIPS 2024): 1,500 questions that cannot be answered without their picture. arXiv:2403.20330.

``mmstar.parquet`` has the columns index, question (with its options inside), image (bytes), answer (a letter),
category, l2_category and meta_info. A sentence that asks for the letter alone follows every question, as in lmms-eval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.core.choices import LETTERS
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_files
from vlsbench.datasets.files.parquet import open_parquet
from vlsbench.datasets.files.questions import INSTRUCTION, question
from vlsbench.datasets.files.tables import filled, id_field

_FILE = "mmstar.parquet"
_OPTIONS = tuple(LETTERS[:4])
_COLUMNS = {name: name for name in ("index", "question", "image", "answer")}
_MORE = {name: name for name in ("category", "l2_category")}


def open_folder(ref: Ref) -> Records:
    """Open ``mmstar:DIR``."""
    from vlsbench.datasets.fetch import hub

    root = need_folder(ref, ENTRY)
    files = find_files(root, (_FILE, "data/val-*.parquet", "val-*.parquet"), ENTRY)
    commit = hub.fetched_commit(root)
    return open_parquet(str(ref), files, root, to_sample, fields=_COLUMNS, optional=_MORE, revision=commit)


def to_sample(row: Mapping[str, Any], _number: str) -> Sample:
    """One question; the image comes as it is to be used.

    Raises:
        BadField: A column is missing or empty, or the answer is none of the four letters.
    """
    asked = question(f"{filled(row, 'question').strip()}\n{INSTRUCTION}", _OPTIONS, filled(row, "answer"))
    return Sample(
        id=id_field(row, "index"),
        text=asked.text,
        image=row["image"],
        category=text_field(row, "category", required=False),
        sub_category=text_field(row, "l2_category", required=False),
        source="mmstar",
        expect=Expect.BENIGN,
        options=asked.options,
        answer=asked.answer,
    )


ENTRY = Entry(
    name="mmstar",
    title="MMStar: questions with four options that cannot be answered without their picture",
    size="1,500 questions, 250 in each of six categories",
    records="1,500",
    images="inside the Parquet file",
    pictures="1,500",
    licence="see its page",
    source="https://huggingface.co/datasets/Lin-Chen/MMStar",
    citation=(
        "Lin Chen, Jinsong Li, Xiaoyi Dong, Pan Zhang, Yuhang Zang, Zehui Chen, Haodong Duan, Jiaqi Wang, Yu Qiao, "
        "Dahua Lin, Feng Zhao. Are We on the Right Way for Evaluating Large Vision-Language Models? NeurIPS 2024. "
        "arXiv:2403.20330"
    ),
    get=(
        f"Run: vlsbench data fetch mmstar. Or download {_FILE} from https://huggingface.co/datasets/Lin-Chen/MMStar, "
        f"and pass mmstar:DIR, where DIR holds {_FILE}."
    ),
    usage="mmstar:DIR",
    harmful=False,
    ability=True,
    judge="choice",
    open=open_folder,
    hub=OnHub(repo="Lin-Chen/MMStar", revision="main", files=(_FILE,)),
)
"""The catalogue entry."""
