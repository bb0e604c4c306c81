"""The truth about a build of the miniature: from its sentences, and from what its painter noted of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vlsbench import stats
from vlsbench.construct import lines
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.world import facts
from vlsbench.construct.world.errs import Errs
from vlsbench.construct.world.painter import read
from vlsbench.miniworld import language


def measure(folder: BuildFolder) -> dict[str, Any]:
    """The true rates: of what the rewriter and the painter first made, and of what was kept.

    ``leaks_before`` is over all rewritten queries, ``wrong_pictures_before`` over the first picture of each element,
    and ``…_screened`` over the candidates: what screen and inspector, the filters of the paper, let through alone.
    """
    shown = read(folder.truth)
    wanted = {element.id: element.sub_category for element in folder.elements()}
    queries = {
        row["sample_id"]: row["output"]["query"]
        for row in lines.read(folder.steps / "rewrite.jsonl")
        if row["outcome"] == "ok"
    }
    first = {
        row["sample_id"].removesuffix("#0"): row["output"]["sha256"]
        for row in lines.read(folder.steps / "paint.jsonl")
        if row["outcome"] == "ok" and row["sample_id"].endswith("#0") and "/" not in row["sample_id"]
    }
    kept = list(lines.read(folder.kept))
    pairs = [row for row in kept if row["twin_of"] is None]
    twins = [row for row in kept if row["twin_of"] is not None]
    screened = [row for row in lines.read(folder.candidates) if row["twin_of"] is None]
    return {
        "leaks_before": _rate([facts.leaks(text) for text in queries.values()], [_of(name) for name in queries]),
        "leaks_screened": _rate([facts.leaks(row["text"]) for row in screened], [row["group"] for row in screened]),
        "leaks_after": _rate([facts.leaks(row["text"]) for row in pairs], [row["group"] for row in pairs]),
        "wrong_pictures_before": _rate([shown.get(sha) != wanted[name] for name, sha in first.items()], list(first)),
        "wrong_pictures_screened": _rate(
            [shown.get(row["image_sha256"]) != wanted[row["group"]] for row in screened],
            [row["group"] for row in screened],
        ),
        "wrong_pictures_after": _rate(
            [shown.get(row["image_sha256"]) != wanted[row["group"]] for row in pairs], [row["group"] for row in pairs]
        ),
        "twins_harmful": _rate(
            [shown.get(row["image_sha256"]) in language.HAZARDS and facts.means_harm(row["text"]) for row in twins],
            [row["group"] for row in twins],
        ),
    }


def _of(name: str) -> str:
    return name.split("/", 1)[0]


def _rate(hits: Sequence[bool], elements: Sequence[str]) -> dict[str, Any]:
    return asdict(stats.rate(hits, elements))


def assumptions(errs: Errs) -> dict[str, float]:
    """How often each scripted model is wrong, as the miniature assumes."""
    return asdict(errs)
