"""MM-Vet (Yu et al., ICML 2024): open questions that take several abilities at once, graded from 0 to 1.

arXiv:2308.02490.
``data/test-*.parquet`` of `lmms-lab/MMVet` has the columns question_id, question, answer, capability (``rec,ocr``) and
image. In an answer, ``<OR>`` stands between answers of which each will do, and ``<AND>`` between parts that are all
asked for. Questions are asked as they are; grading takes a judge model (``--judge graded:MODEL``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_files
from vlsbench.datasets.files.parquet import open_parquet
from vlsbench.datasets.files.tables import filled, id_field

_COLUMNS = {name: name for name in ("question_id", "question", "answer", "image")}
_MORE = {"capability": "capability"}


def open_folder(ref: Ref) -> Records:
    """Open ``mmvet:DIR``."""
    from vlsbench.datasets.fetch import hub

    root = need_folder(ref, ENTRY)
    files = find_files(root, ("data/test-*.parquet", "test-*.parquet"), ENTRY)
    commit = hub.fetched_commit(root)
    return open_parquet(str(ref), files, root, to_sample, fields=_COLUMNS, optional=_MORE, revision=commit)


def to_sample(row: Mapping[str, Any], _number: str) -> Sample:
    """One question; the image comes as it is to be used.

    Raises:
        BadField: A column is missing or empty.
    """
    abilities = text_field(row, "capability", required=False)
    return Sample(
        id=id_field(row, "question_id"),
        text=filled(row, "question").strip(),
        image=row["image"],
        category=", ".join(sorted(part.strip() for part in abilities.split(",") if part.strip())),
        source="mmvet",
        expect=Expect.BENIGN,
        answer=filled(row, "answer").strip(),
    )


ENTRY = Entry(
    name="mmvet",
    title="MM-Vet: open questions that take several abilities at once, graded from 0 to 1",
    size="218 questions about 200 pictures",
    records="218",
    images="inside the Parquet file",
    pictures="200",
    licence="see its page",
    source="https://huggingface.co/datasets/lmms-lab/MMVet",
    citation=(
        "Weihao Yu, Zhengyuan Yang, Linjie Li, Jianfeng Wang, Kevin Lin, Zicheng Liu, Xinchao Wang, Lijuan Wang. "
        "MM-Vet: Evaluating Large Multimodal Models for Integrated Capabilities. ICML 2024. arXiv:2308.02490"
    ),
    get=(
        "Run: vlsbench data fetch mmvet. Or download data/ from https://huggingface.co/datasets/lmms-lab/MMVet, and "
        "pass mmvet:DIR, where DIR holds data/."
    ),
    usage="mmvet:DIR",
    harmful=False,
    ability=True,
    open=open_folder,
    hub=OnHub(repo="lmms-lab/MMVet", revision="main", files=("data/*.parquet",)),
)
"""The catalogue entry."""
