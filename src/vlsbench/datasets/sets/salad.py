"""SaLAD (Lou et al., Findings of ACL 2026): everyday questions whose danger is in the picture, and harmless ones.

arXiv:2601.04043. A clone of the repository holds ``data/data.json``, a list of records; the pictures are an archive to
be unpacked to ``images/``. A record's ``safety type`` is safe or unsafe; unsafe ones have a ``safety warning``, what a
good answer warns of. Queries are asked as they are. Fields as in the file of the repository.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import filled, grade, id_field, json_table


def open_folder(ref: Ref) -> Records:
    """Open ``salad:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, ("data/data.json", "data.json"), ENTRY)
    images = find_images(root, ("images", "data/images"), ENTRY)
    part = (json_table(file), lambda row, _: [to_sample(row, images)])
    return opened(ref, root, [part], ("id", "image", "text", "safety type"))


def to_sample(row: Mapping[str, object], images: str) -> Sample:
    """One record.

    Raises:
        BadField: A field is missing or empty, or the safety type is neither safe nor unsafe.
    """
    return Sample(
        id=id_field(row, "id"),
        text=filled(row, "text"),
        image=under(images, filled(row, "image")),
        category=text_field(row, "category", required=False),
        source="salad",
        safety_reason=text_field(row, "safety warning", required=False),
        expect=grade(row, "safety type"),
    )


ENTRY = Entry(
    name="salad",
    title="SaLAD: everyday questions whose danger is in the picture, and harmless ones",
    size="2,013 pairs of query and picture in 10 categories, safe and unsafe",
    records="2,013",
    images="an archive of the repository, unpacked to images/",
    pictures="archived",
    licence="none named",
    source="https://github.com/xinyuelou/SaLAD",
    citation=(
        "Xinyue Lou, Jinan Xu, Jingyi Yin, Xiaolong Wang, Zhaolu Kang, Youwei Liao, Yixuan Wang, Xiangyu Shi, Fengran "
        "Mo, Su Yao, Kaiyu Huang. When Helpers Become Hazards: A Benchmark for Analyzing Multimodal LLM-Powered Safety "
        "in Daily Life. Findings of ACL 2026. arXiv:2601.04043"
    ),
    get=(
        "Run git clone https://github.com/xinyuelou/SaLAD, unpack its pictures to images/ there, and pass salad:DIR, "
        "where DIR is the clone."
    ),
    usage="salad:DIR",
    benign=True,
    open=open_folder,
)
"""The catalogue entry."""
