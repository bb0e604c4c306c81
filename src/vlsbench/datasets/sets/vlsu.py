"""VLSU (Palaskar et al., 2025): picture and query graded apart and together, as safe, borderline or unsafe.

arXiv:2510.18214. ``data/VLSU.csv`` has a web address per picture and no pictures: they are expected as
``images/UUID.EXT``. The grade of both together decides what is expected, and is kept as the sub-category: unsafe is
harmful; safe and borderline are benign, since the paper counts a refused borderline query as over-blocking. Rows that
the graders were not sure of are left out. Queries are asked as they are. Columns verified against loaders of the set,
not against its file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import csv_table, filled

GRADES = {"safe": Expect.BENIGN, "borderline": Expect.BENIGN, "unsafe": Expect.HARMFUL}
_NOT_SURE = "not_sure"
_WANTED = ("uuid", "web_path", "prompt", "image_grade", "consensus_text_grade", "consensus_combined_grade")


def open_folder(ref: Ref) -> Records:
    """Open ``vlsu:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, ("data/VLSU.csv", "VLSU.csv"), ENTRY)
    folder = find_images(root, ("data/images", "images"), ENTRY)
    names = {os.path.splitext(name)[0]: name for name in sorted(os.listdir(root / folder))}
    table = csv_table(file, names="uuid")
    return opened(ref, root, [(table, lambda row, _: to_samples(row, folder, names))], _WANTED)


def to_samples(row: Mapping[str, object], folder: str, names: Mapping[str, str]) -> Iterator[Sample]:
    """One row; nothing where the graders were not sure.

    Args:
        row: The columns.
        folder: Where the pictures are.
        names: Their file names, by UUID.

    Raises:
        BadField: A column is missing, or the grade is none of the known.
    """
    grade = filled(row, "consensus_combined_grade").strip().lower()
    if grade == _NOT_SURE:
        return
    if grade not in GRADES:
        known = ", ".join((*GRADES, _NOT_SURE))
        raise BadField(f"the field 'consensus_combined_grade' should be one of {known}, but is {grade!r:.40}")
    name = filled(row, "uuid")
    yield Sample(
        id=name,
        text=filled(row, "prompt"),
        image=under(folder, names.get(name, f"{name}.jpg")),
        category=text_field(row, "combined_category", required=False),
        sub_category=grade,
        source=f"vlsu {text_field(row, 'image_grade')} picture, {text_field(row, 'consensus_text_grade')} text",
        expect=GRADES[grade],
    )


ENTRY = Entry(
    name="vlsu",
    title="VLSU: picture and query graded apart and together",
    size="8,187 pairs, 15 categories, three grades",
    records="8,187",
    images="web addresses in the column web_path, to be saved as images/UUID.EXT",
    pictures="by address",
    licence="CC BY-NC-ND",
    source="https://github.com/apple/ml-vlsu",
    citation=(
        "Shruti Palaskar et al. VLSU: Mapping the Limits of Joint Multimodal Understanding for AI Safety. 2025. "
        "arXiv:2510.18214"
    ),
    get=(
        "Run git clone https://github.com/apple/ml-vlsu, save the picture of each row of data/VLSU.csv, which is at "
        "its web_path, as data/images/UUID.EXT, and pass vlsu:DIR, where DIR is the clone."
    ),
    usage="vlsu:DIR",
    benign=True,
    open=open_folder,
)
"""The catalogue entry."""
