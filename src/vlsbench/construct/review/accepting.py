"""Take people's labels in: what they take out of a build, how far they agree, and what a sample proves of the rest."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson

from vlsbench import stats
from vlsbench.calibration import labels as sheets
from vlsbench.calibration.labels import Labels
from vlsbench.construct import lines, summary
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.review import drawing
from vlsbench.construct.review.drawing import FOLDER, ReviewDesign
from vlsbench.construct.review.form import KEEP, OF_PAIRS
from vlsbench.core.errors import UserError
from vlsbench.store import journal
from vlsbench.store.folders import acquire_lock

DECISIONS = "decisions.jsonl"
UNCLEAR = "unclear"
DISAGREE = "reviewers disagree"


def accept(path: Path, files: Sequence[Path]) -> Mapping[str, Any]:
    """Take the labels of one or more people in; one file each.

    A pair stays where everybody who looked at it says keep. Pairs that were not drawn stay, and the bound says what a
    reader may think of them.

    Args:
        path: The build's folder.
        files: Sheets, what the page saved, or Label Studio's exports (``.json``).

    Returns:
        What ``summary.json`` says of the review.

    Raises:
        UserError: A file cannot be read, is of another build, or two are of different drawings.
        RunError: Another process works on the build.
    """
    folder = BuildFolder(path)
    raters = [_read(file) for file in files]
    designs = [drawing.find(folder, rater.design, rater.source) for rater in raters]
    if any(design.id != designs[0].id for design in designs):
        raise UserError("These files label different drawings; accept each drawing by itself.")
    for rater in raters:
        sheets.require_known(rater, designs[0].items)
    lock = acquire_lock(path)
    try:
        now = {str(row["sample_id"]): drawing.shown(row) for row in drawing.kept_pairs(folder)}
        decisions = _decide(designs[0], raters, now)
        lines = (
            journal.to_line({"sample_id": name, "decision": said, "shown": designs[0].items[name]})
            for name, said in decisions.items()
        )
        journal.write_atomically(path / FOLDER / DECISIONS, lines)
        for number, file in enumerate(files, 1):
            journal.write_atomically(path / FOLDER / f"labels-{number}{file.suffix}", file.read_bytes())
        found = _summary(designs[0], raters, decisions, len(now))
        journal.write_atomically(path / FOLDER / "review.json", orjson.dumps(found, option=orjson.OPT_INDENT_2))
        summary.write(replace(summary.read(path), review=found))
    finally:
        os.close(lock)
    return found


def _read(file: Path) -> Labels:
    return _of_label_studio(file) if file.suffix == ".json" else sheets.read(file, OF_PAIRS.words)


def _of_label_studio(file: Path) -> Labels:
    """One rater's labels from Label Studio's JSON: the last annotation of each task, its first choice."""
    try:
        tasks = orjson.loads(file.read_bytes())
        found = {
            str(task["data"]["sample_id"]): [
                choice for result in task["annotations"][-1]["result"] for choice in result["value"].get("choices", ())
            ]
            for task in tasks
            if task.get("annotations")
        }
        designs = {str(task["data"]["design"]) for task in tasks}
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from error
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is no export of Label Studio's JSON ({error!r}).") from error
    words = OF_PAIRS.words
    wrong = next((said for said in found.values() if len(said) != 1 or said[0] not in words), None)
    if wrong is not None or len(designs) != 1:
        what = f"the choice {wrong!r:.60}" if wrong is not None else f"tasks of {len(designs)} drawings"
        raise UserError(f"{file} holds {what}; each task needs one of {', '.join(words)}.")
    labels = {name: words[said[0]] for name, said in found.items()}
    return Labels(
        source=str(file),
        design=designs.pop(),
        labels={name: said for name, said in labels.items() if said != UNCLEAR},
        lines=dict.fromkeys(labels, 0),
        unclear=frozenset(name for name, said in labels.items() if said == UNCLEAR),
        blank=0,
    )


def _decide(design: ReviewDesign, raters: Sequence[Labels], now: Mapping[str, str]) -> dict[str, str]:
    """What is said of each drawn pair that is still as it was shown, and that anybody looked at."""
    found = {}
    for name, seen in design.items.items():
        said = [
            UNCLEAR if name in rater.unclear else rater.labels[name]
            for rater in raters
            if name in rater.unclear or name in rater.labels
        ]
        if said and now.get(name) == seen:
            found[name] = said[0] if len(set(said)) == 1 else DISAGREE
    return found


def _summary(
    design: ReviewDesign, raters: Sequence[Labels], decisions: Mapping[str, str], population: int
) -> dict[str, Any]:
    units = [[rater.labels[name] for rater in raters if name in rater.labels] for name in design.items]
    agreement = asdict(stats.alpha(units)) if len(raters) > 1 else None
    counts = Counter(decisions.values())
    rate = stats.rate([said != KEEP for said in decisions.values()])
    return {
        "design": design.id,
        "population": population,
        "drawn": len(design.items),
        "reviewed": len(decisions),
        "kept": counts[KEEP],
        "taken_out": {name: count for name, count in sorted(counts.items()) if name != KEEP},
        "raters": len(raters),
        "agreement": agreement,
        "faulty": asdict(rate),
        # All were looked at, so nothing is left to bound.
        "at_most": 0.0 if len(decisions) >= population else (rate.high if rate.high is not None else 1.0),
    }


def recorded(folder: BuildFolder) -> Mapping[str, Any] | None:
    """What ``accept`` last found; None where nobody reviewed."""
    try:
        found: Mapping[str, Any] = orjson.loads((folder.path / FOLDER / "review.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return found


def taken_out(folder: BuildFolder) -> dict[str, str]:
    """The pairs that reviewers took out, and why; a pair that changed since is none of them."""
    rows = [row for row in lines.read(folder.path / FOLDER / DECISIONS) if row.get("decision") != KEEP]
    if not rows:
        return {}
    now = {str(row["sample_id"]): drawing.shown(row) for row in drawing.kept_pairs(folder)}
    return {row["sample_id"]: row["decision"] for row in rows if now.get(row["sample_id"]) == row["shown"]}
