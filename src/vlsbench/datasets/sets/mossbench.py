"""MOSSBench (Li et al., 2024): benign queries that look dangerous, and a harmful contrast for each. arXiv:2406.17806.

A clone of the repository holds ``data/images_information/information.json``, an object from id to record, and
``data_contrast`` in the same layout, with a harmful query and a picture of its own under the same id. 56 benign
queries, all of Negated Harm, have none. The copy on the hub has the pictures only. Queries are asked as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened
from vlsbench.datasets.files.tables import filled, json_table

FOLDERS = {"benign": "data", "contrast": "data_contrast"}
STIMULI = {"type 1": "Exaggerated Risk", "type 2": "Negated Harm", "type 3": "Counterintuitive Interpretation"}
"""What makes a query look dangerous, by the name it has in the file."""


def open_folder(ref: Ref) -> Records:
    """Open ``mossbench:DIR`` (both), ``mossbench/benign:DIR`` or ``mossbench/contrast:DIR``."""
    root = need_folder(ref, ENTRY)
    kinds = (ref.subset,) if ref.subset else tuple(FOLDERS)
    parts = []
    for kind in kinds:
        file = find_file(root, (f"{FOLDERS[kind]}/images_information/information.json",), ENTRY)
        part = json_table(file, names="pid")
        parts.append((part, lambda row, _, kind=kind: [to_sample(row, kind, twins=len(kinds) > 1)]))
        folder = f"{FOLDERS[kind]}/images"
        find_images(root, (folder,), ENTRY, archives=(f"{folder}.zip", *(("images.zip",) if kind == "benign" else ())))
    return opened(ref, root, parts, ("image", "question", "pid"))


def to_sample(row: Mapping[str, object], kind: str, *, twins: bool) -> Sample:
    """One record.

    Raises:
        BadField: A field is missing or empty.
    """
    name, image, metadata = filled(row, "pid"), filled(row, "image"), row.get("metadata")
    if not isinstance(metadata, dict):
        raise BadField("the field 'metadata' should be an object")
    stimulus = text_field(metadata, "over", required=False)
    return Sample(
        id=name if kind == "benign" else f"{name}-contrast",
        text=filled(row, "question"),
        image=f"{FOLDERS[kind]}/{image}",
        category=STIMULI.get(stimulus, stimulus),
        source=f"mossbench {kind}",
        description=text_field(row, "short description", required=False).strip(),
        expect=Expect.BENIGN if kind == "benign" else Expect.HARMFUL,
        twin_of=name if twins and kind == "contrast" else None,
        group=name,
    )


ENTRY = Entry(
    name="mossbench",
    title="MOSSBench: benign queries that look dangerous, with harmful contrasts",
    size="300 benign queries of three kinds, and contrasts to 244 of them",
    records="544",
    images="in the repository",
    pictures="544",
    licence="CC BY-SA 4.0",
    source="https://github.com/xirui-li/MOSSBench",
    citation=(
        "Xirui Li, Hengguang Zhou, Ruochen Wang, Tianyi Zhou, Minhao Cheng, Cho-Jui Hsieh. "
        "MOSSBench: Is Your Multimodal Language Model Oversensitive to Safe Queries? ICLR 2025. arXiv:2406.17806"
    ),
    get="Run git clone https://github.com/xirui-li/MOSSBench and pass mossbench:DIR, where DIR is the clone.",
    usage="mossbench:DIR",
    subsets=tuple(FOLDERS),
    benign=True,
    twins=True,
    open=open_folder,
)
"""The catalogue entry."""
