"""VLGuard (Zong et al., ICML 2024): unsafe pictures, and safe ones each with a safe and an unsafe query.

arXiv:2402.02207. ``test.json`` and ``train.json`` are lists of records in two shapes: one ``instruction`` for an unsafe
picture; a ``safe_instruction`` and an ``unsafe_instruction`` in two objects for a safe one, which are twins here. The
subsets ``unsafes``, ``safe_unsafes`` and ``safe_safes`` are those of the published evaluation. Queries are asked as
they are. ``train.json`` holds the id Ads_303871 twice: the second record is called ``Ads_303871-2``, and its samples
``Ads_303871-2-unsafe`` and ``Ads_303871-2-safe``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import BadField, Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import filled, id_field, json_table, with_unique_ids

PARTS = ("unsafes", "safe_unsafes", "safe_safes")
KINDS = {
    False: {"unsafes": "instruction"},
    True: {"safe_unsafes": "unsafe_instruction", "safe_safes": "safe_instruction"},
}
"""Whether the picture is safe, then the parts its record belongs to, and the field of the query of each."""


def open_folder(ref: Ref) -> Records:
    """Open ``vlguard:DIR`` (the test set, all three parts), ``vlguard/train:DIR``, or one part of the test set."""
    root = need_folder(ref, ENTRY)
    split = "train" if ref.subset == "train" else "test"
    parts = (ref.subset,) if ref.subset in PARTS else PARTS
    file = find_file(root, (f"{split}.json", f"data/{split}.json"), ENTRY)
    beside = str(file.parent.relative_to(root)).removeprefix(".")
    packed = [under(beside, f"{split}.zip")]
    images = find_images(root, [under(beside, split), under(beside, f"VLGuard/{split}")], ENTRY, archives=packed)
    table = with_unique_ids(json_table(file))
    return opened(ref, root, [(table, lambda row, _: to_samples(row, images, parts))], ("id", "image", "instr-resp"))


def to_samples(row: Mapping[str, object], images: str, parts: tuple[str, ...] = PARTS) -> Iterator[Sample]:
    """The one or two queries of a record, as far as they belong to the parts asked for.

    Raises:
        BadField: A field is missing, or the record has neither of the two shapes.
    """
    if not isinstance(safe := row.get("safe"), bool):
        raise BadField("the field 'safe' should be true or false")
    for part, kind in KINDS[safe].items():
        query = next((pair for pair in _pairs(row) if kind in pair), None)
        if query is None:
            raise BadField(f"'instr-resp' has no '{kind}', which a {'safe' if safe else 'harmful'} picture comes with")
        if part in parts:
            name, other = id_field(row, "id"), "safe" if part == "safe_unsafes" else "unsafe"
            both = safe and len(parts) > 1
            yield Sample(
                id=f"{name}-{kind.removesuffix('_instruction')}" if safe else name,
                text=text_field(query, kind),
                image=under(images, filled(row, "image")),
                category=text_field(row, "harmful_category", required=False),
                sub_category=text_field(row, "harmful_subcategory", required=False),
                source=f"vlguard {part}",
                expect=Expect.BENIGN if part == "safe_safes" else Expect.HARMFUL,
                twin_of=f"{name}-{other}" if both else None,
            )


def _pairs(row: Mapping[str, object]) -> list[Mapping[str, object]]:
    pairs = row.get("instr-resp")
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
        raise BadField("the field 'instr-resp' should be a list of objects")
    return pairs


ENTRY = Entry(
    name="vlguard",
    title="VLGuard: unsafe pictures, and safe pictures with a safe and an unsafe query",
    size="1,558 queries about 1,000 pictures in the test set, 2,977 about 1,999 in the training set",
    records="1,558",
    images="test.zip and train.zip, which unpack to test/ and train/",
    pictures="1,000",
    licence="on its card",
    source="https://huggingface.co/datasets/ys-zong/VLGuard",
    citation=(
        "Yongshuo Zong, Ondrej Bohdal, Tingyang Yu, Yongxin Yang, Timothy Hospedales. Safety Fine-Tuning at (Almost) "
        "No Cost: A Baseline for Vision Large Language Models. ICML 2024. arXiv:2402.02207"
    ),
    get=(
        "Run: vlsbench data fetch vlguard (gated: accept its terms on the page first). Or download test.json and "
        "test.zip (train.json and train.zip) from https://huggingface.co/datasets/ys-zong/VLGuard into one folder, "
        "unpack the archive there, and pass vlguard:DIR. A clone from GitHub has the records in data/ and no pictures: "
        "unpack those archives there."
    ),
    usage="vlguard:DIR",
    subsets=("train", *PARTS),
    benign=True,
    twins=True,
    open=open_folder,
    hub=OnHub(
        repo="ys-zong/VLGuard",
        revision="main",
        files=("test.json", "train.json", "test.zip", "train.zip"),
        archives=("test.zip", "train.zip"),
    ),
)
"""The catalogue entry."""
