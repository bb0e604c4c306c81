"""VLSafe (Chen et al., CVPR 2024): harmful queries about COCO photographs; most are harmful as text alone.

arXiv:2311.10081. ``harmlessness_examine.jsonl`` has `image_id` (a file name of COCO train2017), `caption` and `query`.
One photograph serves several queries, so lines are counted. Queries are asked as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import filled, json_lines

_FILE = "harmlessness_examine.jsonl"
_COCO = "http://images.cocodataset.org/zips/train2017.zip"


def open_folder(ref: Ref) -> Records:
    """Open ``vlsafe:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, (f"VLSafe/{_FILE}", _FILE), ENTRY)
    folders = ("train2017", "VLSafe/train2017", "images", "VLSafe/images")
    images = find_images(root, folders, ENTRY, archives=("train2017.zip",))
    table = json_lines(file, names="image_id")
    part = (table, lambda row, number: [to_sample(row, number, images)])
    return opened(ref, root, [part], ("image_id", "query"))


def to_sample(row: Mapping[str, object], number: str, images: str) -> Sample:
    """One line.

    Raises:
        BadField: A field is missing or empty.
    """
    return Sample(
        id=number,
        text=filled(row, "query"),
        image=under(images, filled(row, "image_id")),
        source="vlsafe",
        description=text_field(row, "caption", required=False),
    )


ENTRY = Entry(
    name="vlsafe",
    title="VLSafe: harmful queries about everyday photographs",
    size="1,110 queries",
    records="1,110",
    images="photographs of COCO train2017, an archive of 18 GB",
    pictures="of COCO",
    licence="none named",
    source="https://huggingface.co/datasets/YangyiYY/LVLM_NLF",
    citation=(
        "Yangyi Chen, Karan Sikka, Michael Cogswell, Heng Ji, Ajay Divakaran. DRESS: Instructing Large Vision-Language "
        "Models to Align and Interact with Humans via Natural Language Feedback. CVPR 2024. arXiv:2311.10081"
    ),
    get=(
        f"Download VLSafe/{_FILE} from https://huggingface.co/datasets/YangyiYY/LVLM_NLF and the photographs from "
        f"{_COCO}, unpack these into train2017/ beside it, and pass vlsafe:DIR."
    ),
    usage="vlsafe:DIR",
    open=open_folder,
)
"""The catalogue entry."""
