"""From candidates to the records that are kept: the audit, the rules, the categoriser, and what repeats."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vlsbench import models
from vlsbench.construct import lines
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.gate import gate
from vlsbench.construct.gate.duplicates import SimilarTexts, difference_hash, near_pictures
from vlsbench.construct.gate.gate import FILED, NEW_PICTURE, NEW_TEXT, GatePair, GateVerdicts
from vlsbench.construct.gate.memory import RememberingGuard
from vlsbench.construct.plan import identify
from vlsbench.construct.recipe import WORLD, Recipe
from vlsbench.construct.steps import Step, StepOutcome, digest
from vlsbench.core.errors import ImageProblem
from vlsbench.core.hashing import sha256_of
from vlsbench.core.images import read_file
from vlsbench.core.types import Sample
from vlsbench.leakage.audit import audit
from vlsbench.leakage.rules import Rules
from vlsbench.run.loading import Effort
from vlsbench.run.progress import Progress
from vlsbench.store import journal
from vlsbench.store.folders import make_folder

_OF = ".of"
"""Holds the digest of what an audit's folder is about."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """How an audit inside a build is made."""

    recipe: Recipe
    effort: Effort
    progress: Progress | None
    say: Say | None


def audited(folder: BuildFolder, name: str, records: Path, guard: str, how: Inspection) -> Path:
    """Audit a file of records inside a build; what the guard said before is not asked again.

    Args:
        folder: The build.
        name: The audit's folder in it, and the step that remembers the guard.
        records: The file.
        guard: The guard's reference.
        how: Effort and progress.

    Raises:
        Stopped: Disk or network gave out; what is recorded stays.
        Interrupted: The user stopped.
    """
    path = folder.path / name
    known = identify(guard)
    settings = {"guard": known.name, **known.settings}
    about = digest(sha256_of(records), settings, how.recipe.ocr)
    if not (path / _OF).is_file() or (path / _OF).read_text(encoding="utf-8") != about:
        # Derived from the step's journal, so nothing is lost with it.
        shutil.rmtree(path, ignore_errors=True)
        make_folder(path)
        journal.write_atomically(path / _OF, about.encode())
    earlier = {**settings, "guard": known.name if guard.startswith(WORLD) else models.named_before(guard)}
    step = Step(folder.steps, "guard" if name == "audit" else "check_guard", None, settings, earlier=earlier)
    try:
        audit(
            dataset=f"jsonl:{records}",
            guard=known if guard.startswith(WORLD) else guard,
            out=path,
            # The servers are those of the gate's guard, and the one that checks it is another.
            effort=how.effort if name == "audit" else replace(how.effort, judge_servers=None),
            ocr=how.recipe.ocr,
            progress=how.progress,
            say=how.say,
            remember=lambda inner: RememberingGuard(inner, step),
        )
    finally:
        step.close()
    return path


def by_rules(path: Path, recipe: Recipe) -> GateVerdicts:
    """Hold the pairs of an audit against the rules of a recipe."""
    return gate.by_rules(path, Rules(max_overlap=recipe.max_overlap, max_ocr_overlap=recipe.max_ocr_overlap))


def passing(path: Path, verdicts: GateVerdicts) -> Iterator[GatePair]:
    """The pairs of an audit that pass everything so far."""
    return (pair for pair in gate.pairs(path) if verdicts.passes(pair.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """Where the categoriser files a pair; `shelf` is None where nothing fits or it could not say."""

    shelf: tuple[str, str] | None
    outcome: StepOutcome


def settle(path: Path, verdicts: GateVerdicts, filed: Mapping[str, Filed], recipe: Recipe) -> None:
    """The last rules: what the categoriser could not file, and what repeats.

    Args:
        path: The audit's folder.
        verdicts: What the rules before decided; added to.
        filed: What the categoriser said, by pair.
        recipe: How like two texts may be.
    """
    texts, owners = SimilarTexts(recipe.max_similarity), dict[str, str]()
    hashes: dict[str, tuple[str, int]] = {}
    for pair in passing(path, verdicts):
        sha256 = str(pair.sample.image_sha256)
        if (found := filed.get(pair.id)) is None or found.shelf is None:
            verdicts.take_out(pair.id, FILED)
        elif owners.setdefault(sha256, pair.element) != pair.element:
            verdicts.take_out(pair.id, NEW_PICTURE)
        elif not texts.is_new(f"{pair.sample.text} {pair.sample.description}"):
            verdicts.take_out(pair.id, NEW_TEXT)
        elif sha256 not in hashes and (bits := _hashed(pair.sample)) is not None:
            hashes[sha256] = (pair.id, bits)
    rows = list(hashes.values())
    verdicts.near = [(rows[one][0], rows[other][0]) for one, other in near_pictures([bits for _, bits in rows])]


def _hashed(sample: Sample) -> int | None:
    try:
        return difference_hash(read_file(Path(str(sample.image)))[0])
    except ImageProblem:
        return None


def write_kept(folder: BuildFolder, verdicts: GateVerdicts, filed: Mapping[str, Filed]) -> tuple[int, int]:
    """Write ``kept.jsonl`` and ``decisions.jsonl``; how many pairs and twins are kept.

    Raises:
        Stopped: The disk is full, read-only or gone.
    """
    counts = [0, 0]

    def written() -> Iterator[bytes]:
        for record in lines.read(folder.candidates):
            pair_id = record["twin_of"] or record["sample_id"]
            if not verdicts.passes(pair_id):
                continue
            shelf = filed[pair_id].shelf
            if shelf is not None:
                record |= {"category": shelf[0], "sub_category": shelf[1]}
            counts[record["twin_of"] is not None] += 1
            yield journal.to_line(record)

    journal.write_atomically(folder.kept, written())
    gate.write_decisions(folder.decisions, verdicts)
    return counts[0], counts[1]
