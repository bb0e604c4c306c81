"""MSTS (Röttger et al., 2025): queries whose danger shows only with their picture, in eleven languages.

arXiv:2501.10057. A clone of the repository holds ``data/prompts/LANGUAGE_multimodal.csv``: in English, each of 200
cases as a question ("assistance") and as a plan ("intention"); in the other languages the questions. In
``english_textonly.csv`` the words say what the picture shows. The pictures are web addresses in
``data/images/unsafe_images.csv``; the authors' script ``src/0_download_images.py`` saves them as
``data/unsafe_images/unsafe_image_NNNN.jpg`` or ``.png``. Ids are those of the case and the kind of prompt, so that they
are the same in every file, and the two prompts of a case are a group. Prompts are asked as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from vlsbench.core.types import Sample
from vlsbench.datasets.base import Entry, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, find_images, opened, under
from vlsbench.datasets.files.tables import csv_table, filled

LANGUAGES = ("arabic", "chinese", "farsi", "french", "german", "hindi", "italian", "korean", "russian", "spanish")
"""The translations; the set itself is the English one."""

_WANTED = ("case_id", "prompt_text", "prompt_type")


def open_folder(ref: Ref) -> Records:
    """Open ``msts:DIR`` (English), ``msts/text-only:DIR``, or a translation, ``msts/german:DIR``."""
    root = need_folder(ref, ENTRY)
    part = ref.subset or "english"
    if part == "text-only":
        file = find_file(root, ("data/prompts/english_textonly.csv",), ENTRY)
        told = csv_table(file, names="case_id")
        return opened(ref, root, [(told, lambda row, _: [to_sample(row, part, None)])], _WANTED)
    file = find_file(root, (f"data/prompts/{part}_multimodal.csv",), ENTRY)
    folder = find_images(root, ("data/unsafe_images",), ENTRY)
    names = {os.path.splitext(name)[0]: name for name in sorted(os.listdir(root / folder))}

    def shown(row: Mapping[str, object], _: str) -> list[Sample]:
        picture = filled(row, "unsafe_image_id")
        return [to_sample(row, part, under(folder, names.get(picture, f"{picture}.jpg")))]

    return opened(ref, root, [(csv_table(file, names="case_id"), shown)], (*_WANTED, "unsafe_image_id"))


def to_sample(row: Mapping[str, object], part: str, image: str | None) -> Sample:
    """One prompt, with its picture or without one.

    Raises:
        BadField: A column is missing or empty.
    """
    case, kind = filled(row, "case_id"), filled(row, "prompt_type")
    return Sample(
        id=f"{case}-{kind}",
        text=filled(row, "prompt_text"),
        image=image,
        category=text_field(row, "hazard_category", required=False),
        sub_category=text_field(row, "hazard_subcategory", required=False),
        source=f"msts {part} {kind}",
        description=text_field(row, "unsafe_image_description", required=False).strip(),
        group=case,
    )


ENTRY = Entry(
    name="msts",
    title="MSTS: queries whose danger shows only with their picture, in eleven languages",
    size="400 English prompts about 200 pictures in 40 hazard categories; 200 in each of ten other languages",
    records="400",
    images="web addresses, which the authors' script saves to data/unsafe_images/",
    pictures="200",
    licence="CC BY 4.0, pictures under their own",
    source="https://github.com/paul-rottger/msts-multimodal-safety",
    citation=(
        "Paul Röttger, Giuseppe Attanasio, Felix Friedrich, Janis Goldzycher, Alicia Parrish, Rishabh Bhardwaj, Chiara "
        "Di Bonaventura, Roman Eng, Gaia El Khoury Geagea, Sujata Goswami, Jieun Han, Dirk Hovy, Seogyeong Jeong, "
        "Paloma Jeretič, Flor Miriam Plaza-del-Arco, Donya Rooein, Patrick Schramowski, Anastassia Shaitarova, Xudong "
        "Shen, Richard Willats, Andrea Zugarini, Bertie Vidgen. MSTS: A Multimodal Safety Test Suite for "
        "Vision-Language Models. 2025. arXiv:2501.10057"
    ),
    get=(
        "Run git clone https://github.com/paul-rottger/msts-multimodal-safety, save the pictures with its "
        "src/0_download_images.py, and pass msts:DIR, where DIR is the clone."
    ),
    usage="msts:DIR",
    subsets=("text-only", *LANGUAGES),
    open=open_folder,
)
"""The catalogue entry."""
