"""MME (Fu et al., 2023): two yes-or-no questions about each picture, in fourteen tasks. arXiv:2306.13394.

``data/test-*.parquet`` of `lmms-lab/MME` has the columns question_id (that of the picture: both questions share it),
image, question, answer (Yes or No) and category. Every question ends by asking for yes or no. lmms-eval, and with it
the paper of VLSBench, asks for a single word or phrase instead, and so does ``mme:DIR``; ``mme/original:DIR`` asks as
the authors do. The pair of a picture is a group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.core.choices import NO, YES
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, OnHub, Records, Ref, need_folder
from vlsbench.datasets.files.layout import find_files
from vlsbench.datasets.files.parquet import open_parquet
from vlsbench.datasets.files.tables import filled

ORIGINAL_ENDING = "Please answer yes or no."
SHORT_ENDING = "\nAnswer the question using a single word or phrase."

COGNITION = ("commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning")
"""The tasks of cognition; the other ten are perception."""

_COLUMNS = {name: name for name in ("question_id", "image", "question", "answer", "category")}


def open_folder(ref: Ref) -> Records:
    """Open ``mme:DIR`` or ``mme/original:DIR``."""
    from vlsbench.datasets.fetch import hub

    root = need_folder(ref, ENTRY)
    files = find_files(root, ("data/test-*.parquet", "test-*.parquet"), ENTRY)

    def as_sample(row: Mapping[str, Any], number: str) -> Sample:
        return to_sample(row, number, original=ref.subset == "original")

    return open_parquet(str(ref), files, root, as_sample, fields=_COLUMNS, revision=hub.fetched_commit(root))


def to_sample(row: Mapping[str, Any], number: str, *, original: bool = False) -> Sample:
    """One question; the image comes as it is to be used.

    Raises:
        BadField: A column is empty, or the answer is neither yes nor no.
    """
    answer, task, picture = filled(row, "answer").strip().lower(), filled(row, "category"), filled(row, "question_id")
    if answer not in (YES, NO):
        raise BadField(f"the field 'answer' should be Yes or No, but is {row['answer']!r:.40}")
    text = filled(row, "question").strip()
    if not original and text.endswith(ORIGINAL_ENDING):
        text = text.removesuffix(ORIGINAL_ENDING).rstrip() + SHORT_ENDING
    return Sample(
        id=f"{picture}#{number}",
        text=text,
        image=row["image"],
        category=task,
        sub_category="cognition" if task in COGNITION else "perception",
        source="mme",
        expect=Expect.BENIGN,
        answer=answer,
        group=f"{task}/{picture}",
    )


ENTRY = Entry(
    name="mme",
    title="MME: two yes-or-no questions about each picture, in fourteen tasks of perception and cognition",
    size="2,374 questions about 1,187 pictures",
    records="2,374",
    images="inside the Parquet files",
    pictures="1,187",
    licence="see its page",
    source="https://huggingface.co/datasets/lmms-lab/MME",
    citation=(
        "Chaoyou Fu, Peixian Chen, Yunhang Shen, Yulei Qin, Mengdan Zhang, Xu Lin, Jinrui Yang, Xiawu Zheng, Ke Li, "
        "Xing Sun, Yunsheng Wu, Rongrong Ji. MME: A Comprehensive Evaluation Benchmark for Multimodal Large Language "
        "Models. 2023. arXiv:2306.13394"
    ),
    get=(
        "Run: vlsbench data fetch mme. Or download data/ from https://huggingface.co/datasets/lmms-lab/MME, and pass "
        "mme:DIR, where DIR holds data/."
    ),
    usage="mme:DIR",
    subsets=("original",),
    harmful=False,
    ability=True,
    judge="choice",
    open=open_folder,
    hub=OnHub(repo="lmms-lab/MME", revision="main", files=("data/*.parquet",)),
)
"""The catalogue entry."""
