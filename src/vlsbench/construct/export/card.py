"""The card of an exported set: the hub's front matter, and a datasheet (Gebru et al., 2018) with measured figures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlsbench.construct.export.sources import PictureSource
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.lines import Record
from vlsbench.construct.summary import BuildSummary, rate_text
from vlsbench.core.version import __version__
from vlsbench.core.words import percent

_GATE_PROMPT = (
    "This set holds requests that are harmful beside their pictures, and pictures of dangerous things. It exists to "
    "test and mend the safety of models. By asking for access you say that you use it for nothing else."
)

_TITLES = {"before": "candidates", "after": "kept", "check": "kept, by a guard that was no part of the gate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an export holds."""

    pairs: int
    twins: int
    by_reference: int
    categories: Mapping[str, int]
    sources: Mapping[str, tuple[PictureSource, int]]


def contents(records: Sequence[Record], sources: Mapping[str, PictureSource], by_reference: int) -> Contents:
    """Count what an export holds.

    Args:
        records: Those in the data file.
        sources: By element.
        by_reference: Records that are named and hashed only.
    """
    pairs = [record for record in records if record["twin_of"] is None]
    named = {source.name: source for source in sources.values()}
    counts = Counter(str(record["source"]) for record in records)
    return Contents(
        pairs=len(pairs),
        twins=len(records) - len(pairs),
        by_reference=by_reference,
        categories=dict(sorted(Counter(f"{row['category']} / {row['sub_category']}" for row in pairs).items())),
        sources={name: (source, counts[name]) for name, source in sorted(named.items())},
    )


def write(
    folder: BuildFolder, found: BuildSummary, held: Contents, *, name: str, licence: str, gated: bool, parquet: str
) -> str:
    """The card, in Markdown.

    Args:
        folder: The build.
        found: Its figures.
        held: What is exported.
        name: The set's name.
        licence: SPDX identifier of what was made here.
        gated: Whether access is to be asked for.
        parquet: The data file for the hub's viewer, an empty text where there is none.
    """
    return "\n".join(
        [
            _front_matter(name, licence, gated=gated, parquet=parquet),
            f"# {name}",
            "",
            "Harmful requests whose danger is in the picture alone, and benign twins of them: the same words beside a "
            "harmless picture. A model that refuses by the text cannot tell the two apart.",
            "",
            *_motivation(),
            *_composition(held),
            *_making(folder, found),
            *_gate(found),
            *_review(found),
            *_limits(found),
            *_uses(held, licence),
            *_maintenance(folder),
        ]
    )


def _front_matter(name: str, licence: str, *, gated: bool, parquet: str) -> str:
    lines = ["---", f"pretty_name: {json.dumps(name)}", f"license: {licence.lower()}", "language:", "- en"]
    lines += ["tags:", "- safety", "- vision-language", "- leakless", "- not-for-all-audiences"]
    if parquet:
        lines += ["configs:", "- config_name: default", "  data_files:", f"  - split: test\n    path: {parquet}"]
    if gated:
        lines += [f"extra_gated_prompt: {json.dumps(_GATE_PROMPT)}", "extra_gated_fields:"]
        lines += ["  Name: text", "  Affiliation: text", "  Intended use: text"]
        lines += ["  I use this set to test and mend the safety of models, and for nothing else: checkbox"]
    return "\n".join([*lines, "---", ""])


def _motivation() -> list[str]:
    return [
        "## Motivation",
        "",
        "In many multimodal safety sets the text alone tells what is wrong, so that a model can refuse without looking "
        "(visual leakage; arXiv:2411.19939). This set was made and measured so that it cannot.",
        "",
    ]


def _composition(held: Contents) -> list[str]:
    rows = [f"| {name} | {count:,} |" for name, count in held.categories.items()]
    origins = [f"| {name} | {source.licence} | {count:,} |" for name, (source, count) in held.sources.items()]
    more = (
        [
            f"{held.by_reference:,} more records are in `references.jsonl`: their pictures may not be passed on, and "
            "are named by source and hash.",
            "",
        ]
        if held.by_reference
        else []
    )
    return [
        "## Composition",
        "",
        f"{held.pairs:,} harmful pairs and {held.twins:,} benign twins. `group` names the element that a record was "
        "made of: records of one group are not independent.",
        "",
        *more,
        "| category / sub-category | pairs |",
        "|---|---:|",
        *rows,
        "",
        "| source of the pictures | licence | records |",
        "|---|---|---:|",
        *origins,
        "",
    ]


def _making(folder: BuildFolder, found: BuildSummary) -> list[str]:
    recipe = folder.manifest.recipe
    author = recipe["author"]
    roles = [
        f"| {role} | `{recipe[role] or author}` |"
        for role in ("author", "rewriter", "screen", "inspector", "categoriser")
    ]
    rows = []
    for row in found.funnel:
        why = ", ".join(f"{reason} {count:,}" for reason, count in row.dropped.items())
        rows.append(f"| {row.step} | {row.unit} | {row.entered:,} | {row.left:,} | {why} |")
    return [
        "## How it was made",
        "",
        "Each element was described and given harmful queries by an author; a rewriter took the danger out of the "
        "text; a screen dropped what still told or had lost its meaning; pictures were painted and inspected until the "
        "element showed; each pair got a benign twin. `provenance.jsonl` says of each record who made it.",
        "",
        "| role | model |",
        "|---|---|",
        *roles,
        f"| painter | `{recipe['painter']}` |",
        f"| guard | `{recipe['guard']}` |",
        "",
        "| step | counts | in | out | ended here |",
        "|---|---|---:|---:|---|",
        *rows,
        "",
    ]


def _gate(found: BuildSummary) -> list[str]:
    rows = [
        f"| {title} | {found.leakage[key].get('guard', found.leakage['guard'])} | {found.leakage[key]['n']:,} | "
        + " | ".join(rate_text(found.leakage[key][name]) for name in ("r1", "r2", "r1_minus_r2"))
        + " |"
        for key, title in _TITLES.items()
        if key in found.leakage
    ]
    areas = [
        f"- Text alone against independent benign queries, {key} the gate: AUC {_area(found.baseline[key])}"
        for key in ("before", "after")
        if key in found.baseline
    ]
    rules = [f"| {row['sentence']} | {row['first']:,} | {row['failed']:,} |" for row in found.rules]
    return [
        "## The gate, measured",
        "",
        "R1: the guard holds the pair harmful. R2: and its text alone, which is leakage. Per cent, 95 % intervals.",
        "",
        "| set | guard | n | R1 | R2 | R1-R2 |",
        "|---|---|---:|---:|---:|---:|",
        *rows,
        "",
        *areas,
        "",
        "| rule | took out first | broken in all |",
        "|---|---:|---:|",
        *rules,
        "",
    ]


def _area(found: Mapping[str, Any]) -> str:
    auc = found.get("auc")
    if not auc:
        return f"none ({found.get('why') or 'not measured'})"
    bounds = "" if auc["low"] is None else f" [{auc['low']:.2f}, {auc['high']:.2f}]"
    return f"{auc['value']:.2f}{bounds}"


def _review(found: BuildSummary) -> list[str]:
    head = ["## Review by people", ""]
    if not found.review:
        return [*head, "Nobody has reviewed this set. Do not release it before all harmful records are.", ""]
    row = found.review
    alpha = (row.get("agreement") or {}).get("value")
    agreed = "" if alpha is None else f" Krippendorff's alpha of the reviewers is {alpha:.2f}."
    return [
        *head,
        f"{row['raters']:,} reviewer(s) looked at {row['reviewed']:,} of {row['population']:,} pairs and kept "
        f"{row['kept']:,}; the others are not in this set.{agreed} Of the pairs that nobody looked at, at most "
        f"{percent(row['at_most'])} would have been taken out (upper end of Wilson's 95 % interval).",
        "",
    ]


def _limits(found: BuildSummary) -> list[str]:
    refused = ", ".join(f"{name} {count:,}" for name, count in found.refused.items())
    return [
        "## Known limits",
        "",
        "- A gate that chooses by a guard is circular when the same guard measures it; trust the row of another guard.",
        "- Models wrote the queries: they are as varied as their author, and no sample of what people ask.",
        *([f"- The author declined elements, which biases the set: {refused}."] if refused else []),
        *([f"- {found.near_pictures:,} pairs of pictures look alike."] if found.near_pictures else []),
        "",
    ]


def _uses(held: Contents, licence: str) -> list[str]:
    restricted = sorted(name for name, (source, _) in held.sources.items() if source.non_commercial)
    return [
        "## Uses and non-uses",
        "",
        "For measuring whether a model notices danger in pictures, and whether it refuses what is harmless. Not for "
        "training what is then tested on it, not as instructions, and not for ranking models without an interval.",
        "",
        f"What was made here is under {licence}."
        + (
            f" Pictures from {', '.join(restricted)} forbid commercial use, and so does the whole."
            if restricted
            else ""
        ),
        "",
    ]


def _maintenance(folder: BuildFolder) -> list[str]:
    return [
        "## Maintenance",
        "",
        f"Made with vlsbench {__version__}, begun {folder.manifest.started}. Do not put this set, or any part of it, "
        "into training data. Every record carries the canary below; a model that can complete it has seen the set.",
        "",
        f"    canary GUID {folder.manifest.canary}",
        "",
    ]
