"""Ch3Ef (Shi et al., 2024), the harmless dimension: queries about pictures that a model ought not to serve.

arXiv:2403.17830. ``meta_file/Harmless.json`` holds a list of ``items``: query, source, and image, a list of paths from
the folder. Records with several pictures are left out, since a sample has one. The other two dimensions (helpful,
honest) test no safety. The published evaluation compares the likelihood of given options; here the query stands alone,
so compare with its figures with that in mind. File tree as on the hub, fields as the authors' code reads them; the
files were not at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import BadField, Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, opened
from vlsbench.datasets.files.tables import filled, id_field, json_table


def open_folder(ref: Ref) -> Records:
    """Open ``ch3ef:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, ("meta_file/Harmless.json",), ENTRY)
    return opened(ref, root, [(json_table(file, key="items"), to_samples)], ("image", "query"))


def to_samples(row: Mapping[str, object], number: str) -> Iterator[Sample]:
    """One record; nothing where it has several pictures.

    Raises:
        BadField: A field is missing, empty, or of the wrong type.
    """
    pictures = row.get("image")
    if not isinstance(pictures, list) or not pictures or not all(isinstance(path, str) for path in pictures):
        raise BadField("the field 'image' should be a list of paths")
    if len(pictures) == 1:
        yield Sample(
            id=id_field(row, "id") if "id" in row else number,
            text=filled(row, "query"),
            image=pictures[0],
            source=f"ch3ef {text_field(row, 'source', required=False)}".rstrip(),
        )


ENTRY = Entry(
    name="ch3ef",
    title="Ch3Ef: queries about pictures that a model ought not to serve",
    size="the harmless dimension of 1,002 records",
    records="of 1,002",
    images="Harmless_images.zip, unpacked beside meta_file/",
    pictures="archived",
    licence="Apache-2.0",
    source="https://huggingface.co/datasets/openlamm/Ch3Ef",
    citation=(
        "Zhelun Shi, Zhipin Wang, Hongxing Fan, Zaibin Zhang, Lijun Li, Yongting Zhang, Zhenfei Yin, Lu Sheng, Yu "
        "Qiao, Jing Shao. Assessment of Multimodal Large Language Models in Alignment with Human Values. 2024. "
        "arXiv:2403.17830"
    ),
    get=(
        "Run: vlsbench data fetch ch3ef. Or download meta_file/Harmless.json and Harmless_images.zip from "
        "https://huggingface.co/datasets/openlamm/Ch3Ef into one folder, unpack the archive there, and pass ch3ef:DIR."
    ),
    usage="ch3ef:DIR",
    open=open_folder,
    hub=OnHub(
        repo="openlamm/Ch3Ef",
        revision="main",
        files=("meta_file/Harmless.json", "Harmless_images.zip"),
        archives=("Harmless_images.zip",),
    ),
)
"""The catalogue entry."""
