"""The partial-input baseline of a build: can its queries be told from independent benign ones by their text?

Never against a set's own twins: they share their text with the harmful pairs, so the area is one half by construction,
whether the text leaks or not.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlsbench import datasets
from vlsbench.core.errors import UserError
from vlsbench.leakage.baseline import partial_input


def baseline(records: Path, reference: str | None) -> dict[str, Any]:
    """The area under the ROC curve with its interval, or why there is none.

    Args:
        records: ``candidates.jsonl`` or ``kept.jsonl``.
        reference: A dataset whose benign records are the reference.
    """
    if reference is None:
        return {"auc": None, "why": "no reference was named (--reference)"}
    try:
        found = partial_input.baseline(datasets.load(f"jsonl:{records}"), reference=datasets.load(reference))
    except UserError as error:
        return {"auc": None, "why": str(error)}
    refused = found.refused or found.text.refused
    return {
        "auc": asdict(found.text.auc) if found.text.auc is not None else None,
        "why": refused.sentence if refused is not None else "",
        "n_harmful": found.n_harmful,
        "n_benign": found.n_benign,
        "caveats": list(found.caveats),
    }
