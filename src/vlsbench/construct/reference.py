"""The partial-input baseline of a build: can its queries be told from independent benign ones by their text?

Never against a set's own twins: they share their text with the harmful pairs, so the area is one half by construction,
whether the text leaks or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vlsbench import datasets
from vlsbench.core.errors import UserError
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets.base import without_images
from vlsbench.leakage.baseline import partial_input


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The harmful records of a set beside the queries of a reference, as one `Dataset`; without images."""

    records: Dataset
    reference: Dataset
    name: str = "against a reference"
    root: Path | None = None
    revision: str = ""

    def __iter__(self) -> Iterator[Sample]:
        for sample in without_images(self.records):
            if sample.expect is Expect.HARMFUL:
                yield replace(sample, image=None, image_sha256=None, twin_of=None)
        for number, sample in enumerate(without_images(self.reference)):
            if sample.text.strip() and sample.expect is Expect.BENIGN:
                yield Sample(id=f"reference {number}", text=sample.text, expect=Expect.BENIGN)


def baseline(records: Path, reference: str | None) -> dict[str, Any]:
    """The area under the ROC curve with its interval, or why there is none.

    Args:
        records: ``candidates.jsonl`` or ``kept.jsonl``.
        reference: A dataset whose benign records are the reference.
    """
    if reference is None:
        return {"auc": None, "why": "no reference was named (--reference)"}
    try:
        found = partial_input.baseline(
            Against(records=datasets.load(f"jsonl:{records}"), reference=datasets.load(reference))
        )
    except UserError as error:
        return {"auc": None, "why": str(error)}
    refused = found.refused or found.text.refused
    return {
        "auc": asdict(found.text.auc) if found.text.auc is not None else None,
        "why": refused.sentence if refused is not None else "",
        "n_harmful": found.n_harmful,
        "n_benign": found.n_benign,
    }
