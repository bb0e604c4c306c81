"""The gate: which candidates pass, which rule took each of the others, and what both sides of it come to.

Reads an audit's ``samples.jsonl``, in which an element's pairs and twins stand together. Keeps ids and decisions in
memory, never records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import orjson

from vlsbench.core.types import Expect, GuardLabel, Sample
from vlsbench.leakage import audited, protocol
from vlsbench.leakage.audited import Audited
from vlsbench.leakage.export import Removed
from vlsbench.leakage.protocol import LeakageRates, Part, Row
from vlsbench.leakage.rules import Rule, Rules, applied
from vlsbench.results.outcomes import PENDING
from vlsbench.store import journal

TWIN_SAFE = "twin_safe"
FILED = "filed"
NEW_TEXT = "new_text"
NEW_PICTURE = "new_picture"

SENTENCES: Mapping[str, str] = {
    TWIN_SAFE: "The guard holds the benign twins of the record safe, where it has any.",
    FILED: "The categoriser finds a sub-category that fits.",
    NEW_PICTURE: "No other element has the very same picture.",
    NEW_TEXT: "Query and description are not nearly those of an earlier record.",
}
"""The rules beyond those of an audit's export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePair:
    """A harmful pair, what the audit found of it, and of its benign twins."""

    sample: Sample
    found: Audited
    twins: tuple[Audited, ...]

    @property
    def id(self) -> str:
        """The pair's id."""
        return self.sample.id

    @property
    def element(self) -> str:
        """The element it was made of."""
        return element_of(self.id)


def element_of(sample_id: str) -> str:
    """The element of a record."""
    return sample_id.split("/", 1)[0]


def pairs(audit: Path) -> Iterator[GatePair]:
    """The pairs of an audit, in order."""
    for _, group in groupby(audited.read(audit / "samples.jsonl"), key=lambda both: element_of(both[0].id)):
        records = list(group)
        for sample, found in records:
            if sample.expect is not Expect.BENIGN:
                twins = tuple(other for one, other in records if one.twin_of == sample.id)
                yield GatePair(sample=sample, found=found, twins=twins)


@dataclass(slots=True, kw_only=True)
class GateVerdicts:
    """What the gate decides: the broken rules of each pair, in order; none where it passes."""

    broken: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    near: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of records whose pictures look alike; flagged, not removed."""

    @property
    def kept(self) -> int:
        """How many pairs pass."""
        return sum(not names for names in self.broken.values())

    def passes(self, pair_id: str) -> bool:
        """Whether a pair passes everything so far."""
        return self.broken.get(pair_id) == ()

    def take_out(self, pair_id: str, rule: str) -> None:
        """One more broken rule."""
        self.broken[pair_id] = (*self.broken[pair_id], rule)

    def removed(self) -> tuple[Removed, ...]:
        """What each rule took out first, and in all."""
        first = Counter(names[0] for names in self.broken.values() if names)
        every = Counter(name for names in self.broken.values() for name in names)
        return tuple(
            Removed(rule=name, sentence=sentence, first=first[name], failed=every[name])
            for name, sentence in self.sentences.items()
        )


def by_rules(audit: Path, rules: Rules) -> GateVerdicts:
    """Hold every pair of an audit against the rules."""
    found = GateVerdicts()
    chosen: tuple[Rule, ...] = applied(rules, guarded=True)
    found.sentences = {rule.name: rule.sentence for rule in chosen} | dict(SENTENCES)
    for pair in pairs(audit):
        broken = [rule.name for rule in chosen if rule.breaks(pair.sample, pair.found)]
        if pair.found.image_problem:
            broken.append("has_image")
        if any(twin.label("pair") != GuardLabel.SAFE for twin in pair.twins):
            broken.append(TWIN_SAFE)
        found.broken[pair.id] = tuple(dict.fromkeys(broken))
    return found


def leakage(audit: Path, verdicts: GateVerdicts | None = None) -> LeakageRates:
    """R1 and R2 of the harmful pairs of an audit.

    Args:
        audit: Its folder.
        verdicts: Only the pairs that pass; None for all.
    """
    return protocol.figures([_row(pair) for pair in pairs(audit) if verdicts is None or verdicts.passes(pair.id)])


def _row(pair: GatePair) -> Row:
    sample = pair.sample
    return Row(
        id=sample.id,
        category=sample.category,
        cluster=sample.image_sha256 or sample.id,
        more_images=sample.hashes[1:],
        expect=sample.expect.value,
        outcomes={part: _outcome(pair.found, part) for part in Part},
        unit=sample.group or sample.id,
    )


def _outcome(found: Audited, part: Part) -> str:
    verdict = (found.guard or {}).get(part.value)
    return PENDING if verdict is None else str(verdict.label or verdict.outcome)


def write_decisions(path: Path, verdicts: GateVerdicts) -> None:
    """One line per pair: kept, or the rules it breaks; and which other records have a picture that looks alike."""
    alike: dict[str, list[str]] = {}
    for one, other in verdicts.near:
        alike.setdefault(one, []).append(other)
        alike.setdefault(other, []).append(one)
    lines = (
        orjson.dumps(
            {"sample_id": name, "kept": not broken, "broken": list(broken), "looks_like": alike.get(name, [])},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for name, broken in verdicts.broken.items()
    )
    journal.write_atomically(path, lines)
