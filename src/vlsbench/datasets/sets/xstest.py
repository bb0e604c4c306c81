"""XSTest (Röttger et al., NAACL 2024): safe prompts that sound unsafe, and unsafe contrasts; text only.

arXiv:2308.01263. ``xstest_prompts.csv`` has the columns id, prompt, type, label, focus, note. The older
``xstest_v2_prompts.csv`` has no label; there a type that begins with ``contrast_`` is unsafe. Contrasts are not paired
row by row, so there are no twins. Prompts are asked as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import Entry, OnHub, Records, Ref, need_folder, text_field
from vlsbench.datasets.files.layout import find_file, opened
from vlsbench.datasets.files.tables import csv_table, filled, grade


def open_folder(ref: Ref) -> Records:
    """Open ``xstest:DIR``."""
    root = need_folder(ref, ENTRY)
    file = find_file(root, ("xstest_prompts.csv", "xstest_v2_prompts.csv"), ENTRY)
    return opened(ref, root, [(csv_table(file), lambda row, _: [to_sample(row)])], ("id", "prompt", "type"))


def to_sample(row: Mapping[str, object]) -> Sample:
    """One row.

    Raises:
        BadField: A column is missing, or the label is neither safe nor unsafe.
    """
    kind = filled(row, "type")
    expect = Expect.HARMFUL if kind.startswith("contrast_") else Expect.BENIGN
    return Sample(
        id=filled(row, "id"),
        text=filled(row, "prompt"),
        category=kind,
        sub_category=text_field(row, "focus", required=False),
        source="xstest",
        expect=grade(row, "label") if row.get("label") else expect,
    )


ENTRY = Entry(
    name="xstest",
    title="XSTest: safe prompts that sound unsafe, and unsafe contrasts",
    size="250 safe and 200 unsafe prompts",
    records="450",
    images="none: text only",
    pictures="none",
    licence="CC BY 4.0",
    source="https://github.com/paul-rottger/xstest",
    citation=(
        "Paul Röttger, Hannah Rose Kirk, Bertie Vidgen, Giuseppe Attanasio, Federico Bianchi, Dirk Hovy. XSTest: A "
        "Test Suite for Identifying Exaggerated Safety Behaviours in Large Language Models. NAACL 2024. "
        "arXiv:2308.01263"
    ),
    get=(
        "Run: vlsbench data fetch xstest. Or git clone https://github.com/paul-rottger/xstest and pass xstest:DIR, "
        "where DIR is the clone."
    ),
    usage="xstest:DIR",
    benign=True,
    open=open_folder,
    hub=OnHub(repo="Paul/XSTest", revision="main", files=("xstest_prompts.csv",)),
)
"""The catalogue entry."""
