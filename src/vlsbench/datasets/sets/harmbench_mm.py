"""HarmBench's multimodal behaviours (Mazeika et al., ICML 2024). arXiv:2402.04249.

``harmbench_behaviors_multimodal_all.csv`` has 110 rows; cells hold line breaks. Some name a picture as .jpg or .jpeg,
but all pictures in the repository are .png. The behaviour is the query, as in the published direct request; the
description is the redacted one, which is what HarmBench's own classifier sees of the picture.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import csv_table, filled

_FILE = "harmbench_behaviors_multimodal_all.csv"


def open_folder(ref: Ref) -> Records:
    """Open ``harmbench_mm:DIR``, a clone of the repository."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, (f"data/behavior_datasets/{_FILE}", f"behavior_datasets/{_FILE}", _FILE), ENTRY)
    images = find_images(root, ("data/multimodal_behavior_images", "multimodal_behavior_images"), ENTRY)
    table = csv_table(file, names="BehaviorID")
    return opened(
        ref, root, [(table, lambda row, _: [to_sample(row, images)])], ("Behavior", "BehaviorID", "ImageFileName")
    )


def to_sample(row: Mapping[str, object], images: str) -> Sample:
    """One behaviour.

    Raises:
        BadField: A column is missing or empty.
    """
    redacted = text_field(row, "RedactedImageDescription", required=False)
    return Sample(
        id=filled(row, "BehaviorID"),
        text=filled(row, "Behavior"),
        image=under(images, f"{os.path.splitext(filled(row, 'ImageFileName'))[0]}.png"),
        category=text_field(row, "SemanticCategory", required=False),
        source="harmbench_mm",
        description=redacted or text_field(row, "ImageDescription", required=False),
    )


ENTRY = Entry(
    name="harmbench_mm",
    title="HarmBench, multimodal behaviours: a request about a photograph",
    size="110 behaviours",
    records="110",
    images="in the repository",
    pictures="110",
    licence="MIT",
    source="https://github.com/centerforaisafety/HarmBench",
    citation=(
        "Mantas Mazeika, Long Phan, Xuwang Yin, Andy Zou, Zifan Wang, Norman Mu, Elham Sakhaee, Nathaniel Li, Steven "
        "Basart, Bo Li, David Forsyth, Dan Hendrycks. HarmBench: A Standardized Evaluation Framework for Automated Red "
        "Teaming and Robust Refusal. ICML 2024. arXiv:2402.04249"
    ),
    get=(
        "Run git clone https://github.com/centerforaisafety/HarmBench and pass harmbench_mm:DIR, where DIR is "
        "the clone."
    ),
    usage="harmbench_mm:DIR",
    open=open_folder,
)
"""The catalogue entry."""
