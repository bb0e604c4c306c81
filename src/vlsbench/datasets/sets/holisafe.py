"""HoliSafe-Bench (Lee et al., 2025): all five combinations of safe and unsafe picture, query and outcome.

arXiv:2506.04704. ``holisafe_bench.json`` is a list of records, with pictures in ``images/``. The three letters of
`type` grade the picture, the query and what they are together: only SSS is benign. The type is kept as the
sub-category, so that figures are broken down by it. Queries are asked as they are. Fields as in the README of the
repository.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import filled, id_field, json_table

TYPES = ("SSS", "SSU", "SUU", "USU", "UUU")
"""Picture, query and outcome, each safe or unsafe."""


def open_folder(ref: Ref) -> Records:
    """Open ``holisafe:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, ("holisafe_bench.json",), ENTRY)
    images = find_images(root, ("images",), ENTRY, archives=("images.zip", "images.tar"))
    table = json_table(file)
    wanted = ("id", "image", "query", "type", "category")
    return opened(ref, root, [(table, lambda row, _: [to_sample(row, images)])], wanted)


def to_sample(row: Mapping[str, object], images: str) -> Sample:
    """One record.

    Raises:
        BadField: A field is missing, or the type is none of the five.
    """
    kind = text_field(row, "type")
    if kind not in TYPES:
        raise BadField(f"the field 'type' should be one of {', '.join(TYPES)}, but is {kind!r:.40}")
    return Sample(
        id=id_field(row, "id"),
        text=filled(row, "query"),
        image=under(images, filled(row, "image")),
        category=text_field(row, "category"),
        sub_category=kind,
        source="holisafe",
        expect=Expect.BENIGN if kind == "SSS" else Expect.HARMFUL,
    )


ENTRY = Entry(
    name="holisafe",
    title="HoliSafe-Bench: five combinations of safe and unsafe picture, query and outcome",
    size="4,031 pairs on 1,796 pictures; 5 types",
    records="4,031",
    images="images/ beside the records",
    pictures="1,796",
    licence="on its card",
    source="https://huggingface.co/datasets/etri-vilab/holisafe-bench",
    citation=(
        "Youngwan Lee, Kangsan Kim, Kwanyong Park, Ilchae Jung, Soojin Jang, Seanie Lee, Young-Ju Lee, Sung Ju Hwang. "
        "HoliSafe: Holistic Safety Benchmarking and Modeling for Vision-Language Model. 2025. arXiv:2506.04704"
    ),
    get=(
        "Accept the terms at https://huggingface.co/datasets/etri-vilab/holisafe-bench, then run: "
        "vlsbench data fetch holisafe. Or pass holisafe:DIR, where DIR holds holisafe_bench.json and images/."
    ),
    usage="holisafe:DIR",
    benign=True,
    open=open_folder,
    hub=OnHub(repo="etri-vilab/holisafe-bench", revision="main", files=("holisafe_bench.json", "images/*")),
)
"""The catalogue entry."""
