"""Draw pairs of a build for people to look at, and write the page, the sheet and Label Studio's tasks."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from vlsbench.calibration import page, sheet
from vlsbench.calibration.cards import Card, readable, thumbnail
from vlsbench.construct import lines
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.lines import Record
from vlsbench.construct.review.form import OF_PAIRS
from vlsbench.core.errors import ImageProblem, RunError, UserError
from vlsbench.store import journal
from vlsbench.store.folders import make_folder

PAGE, SHEET, TASKS = "label.html", "labels.csv", "label-studio.json"
FOLDER, DESIGNS = "review", "designs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDesign:
    """What was drawn: for each pair a hash of what people are shown, in the order in which they see it.

    `population` is how many pairs there were to draw from.
    """

    id: str
    seed: int
    population: int
    items: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnReview:
    """What was written for reviewers."""

    design: ReviewDesign
    page: Path
    missing_images: int


def kept_pairs(folder: BuildFolder) -> list[Record]:
    """The pairs that the gate kept.

    Raises:
        UserError: There are none.
    """
    found = [row for row in lines.read(folder.kept) if row["twin_of"] is None]
    if not found:
        raise UserError(f"{folder.path} has no kept pairs to look at; run its `vlsbench build` command to the end.")
    return found


def shown(record: Record) -> str:
    """A hash of what reviewers are shown of a pair: labels of an earlier state of it do not count."""
    parts = [record[name] for name in ("text", "image_sha256", "description", "category", "sub_category")]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]


def draw(path: Path, out: Path, *, n: int | None, seed: int = 0) -> DrawnReview:
    """Draw pairs and write what people need to review them.

    Args:
        path: The build's folder.
        out: A folder that does not exist yet, or is empty.
        n: How many pairs; None for all.
        seed: The same seed draws the same pairs.

    Raises:
        UserError: `out` is not empty, or there is nothing to draw.
        MissingExtra: Jinja2 is not installed.
        Stopped: The disk is full or gone.
    """
    page.require()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists already and may hold labels; choose another --out.")
    folder = BuildFolder(path)
    pairs = kept_pairs(folder)
    # Reproducible, and nothing here is a secret.
    rng = random.Random(seed)  # noqa: S311
    chosen = rng.sample(pairs, min(n if n is not None else len(pairs), len(pairs)))
    items = {str(row["sample_id"]): shown(row) for row in chosen}
    identity = hashlib.sha256(orjson.dumps([folder.manifest.canary, list(items.items())])).hexdigest()[:12]
    design = ReviewDesign(id=identity, seed=seed, population=len(pairs), items=items)
    cards = [_card(folder, row) for row in chosen]
    html, missing = page.write(design.id, cards, OF_PAIRS)
    make_folder(path / FOLDER / DESIGNS)
    record = orjson.dumps(asdict(design), option=orjson.OPT_INDENT_2)
    journal.write_atomically(path / FOLDER / DESIGNS / f"{design.id}.json", record)
    make_folder(out)
    journal.write_atomically(out / SHEET, sheet.write(design.id, cards))
    journal.write_atomically(out / TASKS, orjson.dumps(_tasks(design, cards), option=orjson.OPT_INDENT_2))
    journal.write_atomically(out / PAGE, html)
    return DrawnReview(design=design, page=out / PAGE, missing_images=missing)


def _card(folder: BuildFolder, record: Record) -> Card:
    text = (
        f"{record['description']}\n\n{record['safety_reason']}\n\nFiled under: {record['category']} / "
        f"{record['sub_category']}"
    )
    return Card(
        sample_id=record["sample_id"],
        query=readable(record["text"]),
        answer=readable(text),
        image=(folder.path / record["image"]).absolute(),
    )


def _tasks(design: ReviewDesign, cards: Sequence[Card]) -> list[dict[str, Any]]:
    """Label Studio's import format: one task per pair, the picture inside it."""
    return [
        {
            "data": {
                "sample_id": card.sample_id,
                "design": design.id,
                "query": card.query,
                "about": card.answer,
                "image": _inline(card.image),
                "labels": [{"value": label.name} for label in OF_PAIRS.labels],
            }
        }
        for card in cards
    ]


def _inline(image: Path | None) -> str:
    try:
        return thumbnail(image) if image is not None else ""
    except ImageProblem:
        return ""


def find(folder: BuildFolder, named: str | None, source: str) -> ReviewDesign:
    """The design that a file of labels belongs to.

    Raises:
        UserError: The labels belong to another build, or do not say to which of several drawings.
        RunError: The design is damaged.
    """
    there = sorted(path.stem for path in (folder.path / FOLDER / DESIGNS).glob("*.json"))
    if not there:
        raise UserError(f"Nothing was drawn from {folder.path} yet; `vlsbench build review` does so.")
    if named is None and len(there) > 1:
        raise UserError(f"{source} does not say which drawing it labels: keep the column `design` of the sheet.")
    chosen = named if named is not None else there[0]
    if chosen not in there:
        raise UserError(f"{source} labels the drawing {chosen!r:.40}, which is not of {folder.path}: another build's?")
    file = folder.path / FOLDER / DESIGNS / f"{chosen}.json"
    try:
        return ReviewDesign(**orjson.loads(file.read_bytes()))
    except (OSError, orjson.JSONDecodeError, TypeError) as error:
        raise RunError(f"{file} is damaged ({error}); draw again.") from error
