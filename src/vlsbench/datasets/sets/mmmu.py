"""MMMU (Yue et al., CVPR 2024): college-level questions, some about several pictures; validation. arXiv:2311.16502.

``data/validation-*.parquet`` of `lmms-lab/MMMU` has the columns id, question, options (a list written as text), image_1
to image_7 (of which a question has those that it names as ``<image 1>`` …), answer and question_type; the authors' own
`MMMU/MMMU` has the same in a folder for each subject. Pictures go before the text in their order, and ``<image 1>``
stays in the text. The two sentences that ask for a short answer are the authors'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, OnHub, Records, Ref, need_folder
from vlsbench.datasets.files.layout import find_files
from vlsbench.datasets.files.parquet import open_parquet
from vlsbench.datasets.files.questions import Question, options_field, question, written_list
from vlsbench.datasets.files.tables import filled

OPEN_ENDING = "\nAnswer the question using a single word or phrase."

_PICTURES = ("image", *(f"image_{number}" for number in range(2, 8)))
_COLUMNS = {
    **{name: name for name in ("id", "question", "options", "answer", "question_type")},
    "image": "image_1",
}
_MORE = {name: name for name in _PICTURES[1:]}


def open_folder(ref: Ref) -> Records:
    """Open ``mmmu:DIR``."""
    from vlsbench.datasets.fetch import hub

    root = need_folder(ref, ENTRY)
    files = find_files(root, ("data/validation-*.parquet", "validation-*.parquet", "*/validation-*.parquet"), ENTRY)
    commit = hub.fetched_commit(root)
    return open_parquet(
        str(ref), files, root, to_sample, fields=_COLUMNS, optional=_MORE, pictures=_PICTURES, revision=commit
    )


def to_sample(row: Mapping[str, Any], _number: str) -> Sample:
    """One question; the images come as they are to be used.

    Raises:
        BadField: A column is missing or empty, or the answer is none of the options.
    """
    name = filled(row, "id")
    asked = _asked(row)
    images = [row[field] for field in _PICTURES if row.get(field)]
    return Sample(
        id=name,
        text=asked.text,
        image=images[0] if images else None,
        more_images=tuple(images[1:]),
        category=" ".join(name.split("_")[1:-1]),
        source="mmmu",
        expect=Expect.BENIGN,
        options=asked.options,
        answer=asked.answer,
    )


def _asked(row: Mapping[str, Any]) -> Question:
    kind, text, answer = filled(row, "question_type"), filled(row, "question").strip(), filled(row, "answer")
    if kind == "multiple-choice":
        # A record whose option was lost still has its others: one empty option stops no evaluation.
        options = [option or "(missing)" for option in options_field(row, "options")]
        return question(text, options, answer)
    if kind != "open":
        raise BadField(f"the field 'question_type' should be multiple-choice or open, but is {kind!r:.40}")
    several = written_list(answer, "answer") if answer.lstrip().startswith("[") else answer
    return question(text + OPEN_ENDING, (), several)


ENTRY = Entry(
    name="mmmu",
    title="MMMU: college-level questions in thirty subjects, some about several pictures; validation set",
    size="900 questions, 847 with options and 53 open",
    records="900",
    images="inside the Parquet files; up to seven for a question",
    pictures="900 or more",
    licence="Apache-2.0",
    source="https://huggingface.co/datasets/lmms-lab/MMMU",
    citation=(
        "Xiang Yue, Yuansheng Ni, Kai Zhang, Tianyu Zheng, Ruoqi Liu, Ge Zhang, Samuel Stevens, Dongfu Jiang, Weiming "
        "Ren, Yuxuan Sun, Cong Wei, Botao Yu, Ruibin Yuan, Renliang Sun, Ming Yin, Boyuan Zheng, Zhenzhu Yang, Yibo "
        "Liu, Wenhao Huang, Huan Sun, Yu Su, Wenhu Chen. MMMU: A Massive Multi-discipline Multimodal Understanding "
        "and Reasoning Benchmark for Expert AGI. CVPR 2024. arXiv:2311.16502"
    ),
    get=(
        "Run: vlsbench data fetch mmmu. Or download the validation files of data/ from "
        "https://huggingface.co/datasets/lmms-lab/MMMU, and pass mmmu:DIR, where DIR holds data/."
    ),
    usage="mmmu:DIR",
    harmful=False,
    ability=True,
    judge="choice",
    open=open_folder,
    hub=OnHub(repo="lmms-lab/MMMU", revision="main", files=("data/validation-*.parquet",)),
)
"""The catalogue entry."""
