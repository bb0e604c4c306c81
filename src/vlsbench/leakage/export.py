"""The part of an audited set that really tests vision, as a file of its own.

`export` reads an audit folder, applies rules to its records, and writes those that pass as ``jsonl:FILE`` reads
them. The rules, and how many records each took out, stand beside it in ``FILE.rules.json``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec

from vlsbench.core.errors import DatasetError, ImageProblem, UserError
from vlsbench.core.hashing import sha256_of
from vlsbench.core.types import Expect, Sample
from vlsbench.core.version import __version__
from vlsbench.leakage.audited import Audited
from vlsbench.leakage.export_images import ExportedImages
from vlsbench.leakage.rules import Rule, Rules, applied
from vlsbench.store import journal, json_file, records
from vlsbench.store.folders import make_folder

SIDECAR = ".rules.json"
IMAGE_SOUND = "image_sound"
WITH_HALF = "with_half"
_LAST_RULES = {
    IMAGE_SOUND: "The image can be read, and is the one that was audited.",
    WITH_HALF: "The harmful half of a benign twin passes.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """One rule's share: `first` counts the records that it took out, `failed` all that break it."""

    rule: str
    sentence: str
    first: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export wrote: the file, its sidecar, and how many records of which kind."""

    file: Path
    sidecar: Path
    read: int
    harmful: int
    benign: int
    removed: tuple[Removed, ...]

    @property
    def kept(self) -> int:
        """Records in the file."""
        return self.harmful + self.benign


def export(audit: Path, out: Path, *, rules: Rules | None = None) -> Exported:
    """Write the records that pass.

    A benign twin stays or goes with its harmful half, so that pairs stay pairs, and with several while one of them
    stays; other benign records stay. Images inside the folder of `out` are named by their path from there. Others are
    linked, or copied where that is not possible, into a folder beside it, because ``jsonl:`` reads no image from
    outside.

    Args:
        audit: A folder with ``samples.jsonl``, as `vlsbench audit` writes it.
        out: The file to write; its folder is made where missing.
        rules: What a record has to pass.

    Raises:
        UserError: No audit there, nothing in it to choose by, `out` exists, or no harmful record passes.
        DatasetError: A line of the audit is no record of a sample.
        Stopped: The disk is full or read-only.
    """
    rules = rules if rules is not None else Rules()
    samples, sidecar = audit / "samples.jsonl", out.with_name(out.name + SIDECAR)
    if not samples.is_file():
        raise UserError(f"{audit} holds no samples.jsonl, so it is no audit. Give the folder `vlsbench audit` wrote.")
    for path in (out, sidecar):
        if path.exists():
            raise UserError(f"{path} exists already. Choose another --out, or remove it first.")
    pictures = ExportedImages(audit, out)
    selection = _Selection(applied(rules, guarded=_is_guarded(samples, rules)), pictures)
    for sample, signs in _lines(samples):
        selection.look_at(sample, signs)
    passed = selection.passed()
    removed = selection.removed()
    if not selection.harmful:
        counts = ", ".join(f"{row.rule} {row.first:,}" for row in removed if row.first)
        raise UserError(
            f"None of {selection.n:,} records passes, so nothing is written. Taken out: {counts or 'none'}."
        )
    make_folder(out.parent)
    journal.write_atomically(out, _written(samples, passed, pictures))
    found = Exported(
        file=out,
        sidecar=sidecar,
        read=selection.n,
        harmful=selection.harmful,
        benign=len(passed) - selection.harmful,
        removed=removed,
    )
    journal.write_atomically(sidecar, _sidecar(found, audit))
    return found


class _Selection:
    """Which records pass, found in one reading; ids and counts are kept, records are not."""

    def __init__(self, rules: tuple[Rule, ...], pictures: ExportedImages) -> None:
        self.n = 0
        self._rules = rules
        self._pictures = pictures
        self._harmful: dict[str, bool] = {}
        """Harmful records, and whether they pass."""
        self._benign: dict[str, str | None] = {}
        """Benign records with a sound image, each with the harmful half that it names."""
        self._halves: dict[str, list[str]] = {}
        """Harmful halves by the benign twin that they name; several may name one."""
        self._first: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    def look_at(self, sample: Sample, found: Audited) -> None:
        """Judge one record by the rules; the image of one that passes them is read."""
        if sample.id in self._harmful or sample.id in self._benign:
            raise DatasetError(f"The id {sample.id!r} occurs twice in the audit. Give each sample its own id.")
        self.n += 1
        benign = sample.expect is Expect.BENIGN
        broken = [] if benign else [rule.name for rule in self._rules if rule.breaks(sample, found)]
        if not broken and (found.image_problem or not self._has_sound_image(sample)):
            broken = [IMAGE_SOUND]
        self._failed.update(broken)
        self._first.update(broken[:1])
        if not benign:
            self._harmful[sample.id] = not broken
            if sample.twin_of is not None:
                self._halves.setdefault(sample.twin_of, []).append(sample.id)
        elif not broken:
            self._benign[sample.id] = sample.twin_of

    def _has_sound_image(self, sample: Sample) -> bool:
        try:
            for image, sha256 in zip(sample.images, sample.hashes, strict=True):
                self._pictures.check(image, sha256)
        except ImageProblem:
            return False
        return True

    @property
    def harmful(self) -> int:
        """Harmful records that pass."""
        return sum(self._harmful.values())

    def passed(self) -> set[str]:
        """The ids of all records that pass; called once, after all were looked at."""
        found = {name for name, passes in self._harmful.items() if passes}
        for benign, named in self._benign.items():
            halves = {*self._halves.get(benign, ()), *([named] if named in self._harmful else [])}
            if not halves or any(self._harmful[half] for half in halves):
                found.add(benign)
            else:
                self._failed[WITH_HALF] += 1
                self._first[WITH_HALF] += 1
        return found

    def removed(self) -> tuple[Removed, ...]:
        """What each rule took out, in the order in which they are applied."""
        sentences = {rule.name: rule.sentence for rule in self._rules} | _LAST_RULES
        return tuple(
            Removed(rule=name, sentence=sentence, first=self._first[name], failed=self._failed[name])
            for name, sentence in sentences.items()
        )


def _lines(samples: Path) -> Iterator[tuple[Sample, Audited]]:
    decode = msgspec.json.Decoder(Audited).decode
    with samples.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield records.to_sample(line), decode(line)
            except (ValueError, msgspec.DecodeError) as error:
                raise DatasetError(
                    f"{samples}, line {number} is no record of a sample ({error}). Run the audit again."
                ) from error


def _is_guarded(samples: Path, rules: Rules) -> bool:
    """Whether the audit has verdicts of a guard.

    Raises:
        UserError: It has neither verdicts that count nor overlaps: every record would pass.
    """
    known = False
    for _, found in _lines(samples):
        if rules.guard and found.is_guarded:
            return True
        known = known or found.signals.description_overlap is not None or found.signals.ocr_overlap is not None
    if not known:
        raise UserError(
            f"{samples.parent} has nothing to choose records by: no guard's verdicts, no descriptions, no text read "
            "from images. Audit again with --guard, or add descriptions."
        )
    return False


def _written(samples: Path, passed: set[str], pictures: ExportedImages) -> Iterator[bytes]:
    for sample, _ in _lines(samples):
        if sample.id in passed:
            placed = [pictures.place(image) for image in sample.images]
            yield journal.to_line(
                records.from_sample(
                    replace(sample, image=placed[0], more_images=tuple(placed[1:])) if placed else sample
                )
            )


def _sidecar(found: Exported, audit: Path) -> bytes:
    """Which rules made the file, and from what."""
    content = {
        "file": found.file.name,
        "read": found.read,
        "kept": found.kept,
        "harmful": found.harmful,
        "benign": found.benign,
        "rules": [asdict(row) for row in found.removed],
        "audit": str(audit.absolute()),
        "audit_sha256": {name: _sha256(audit / name) for name in ("audit.json", "samples.jsonl")},
        "file_sha256": _sha256(found.file),
        "vlsbench": __version__,
    }
    return json_file.to_bytes(content)


def _sha256(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except FileNotFoundError:
        return None
