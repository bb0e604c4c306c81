"""Which records leave a build, with the canary in each, and how each was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vlsbench.construct import candidates, lines
from vlsbench.construct.elements import Element
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.lines import Record
from vlsbench.construct.review import accepting

FIELDS = (
    *("sample_id", "text", "image", "image_sha256", "category", "sub_category", "source", "description"),
    *("safety_reason", "expect", "twin_of", "group", "licence", "canary"),
)
"""The fields of an exported record, in order."""

_SECRET = ("harmful_query",)
"""What only ``--with-lineage`` passes on: it leaks by design."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What leaves a build: the records that the gate kept and no reviewer took out, with their twins."""

    folder: BuildFolder
    taken_out: Mapping[str, str]

    def __iter__(self) -> Iterator[Record]:
        for record in lines.read(self.folder.kept):
            if (record["twin_of"] or record["sample_id"]) not in self.taken_out:
                yield record

    def elements(self) -> list[Element]:
        """The elements that they come of."""
        groups = {record["group"] for record in self}
        return [element for element in self.folder.elements() if element.id in groups]


def leaving(folder: BuildFolder) -> Leaving:
    """What leaves a build as it stands."""
    return Leaving(folder=folder, taken_out=accepting.taken_out(folder))


def provenance(found: Leaving, *, lineage: bool) -> Iterator[Record]:
    """How each record was made: a line each, in the order of the set.

    Args:
        found: What leaves.
        lineage: Also the harmful query that each was rewritten from.
    """
    path = found.folder.steps / "element.jsonl"
    names = {record["sample_id"] for record in found}
    manifest = found.folder.manifest
    settings = (manifest.element_settings, manifest.earlier_element_settings)
    recorded = candidates.recorded(path, settings, found.folder.elements())
    verdicts = _verdicts(found.folder.path / "audit")
    prompts = found.folder.manifest.prompts
    for element, one in candidates.made(recorded):
        name = one.record["sample_id"]
        if name not in names:
            continue
        made = {key: value for key, value in one.made.items() if lineage or key not in _SECRET}
        yield {
            "sample_id": name,
            "element": element.words or element.source,
            "element_category": [element.category, element.sub_category],
            **made,
            "prompts": dict(prompts),
            "guard": verdicts.get(name),
            "guard_settings": dict(found.folder.manifest.guard_settings),
        }


def _verdicts(audit: Path) -> dict[str, Mapping[str, str | None]]:
    return {
        row["sample_id"]: {part: (verdict or {}).get("label") for part, verdict in (row.get("guard") or {}).items()}
        for row in lines.read(audit / "samples.jsonl")
    }
