"""Draw a sample of a run's answers and write what people need to label it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vlsbench.calibration import cards, design, page, population, sampling, sheet
from vlsbench.calibration.design import Design
from vlsbench.core.errors import UserError, VLSBenchError
from vlsbench.results import judged_run
from vlsbench.store import journal
from vlsbench.store.folders import make_folder

PAGE = "label.html"
SHEET = "labels.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What was written: the page and the sheet for people, and the design, which they should not see."""

    design: Design
    page: Path
    sheet: Path
    kept: Path
    missing_images: int


def draw(run_path: str | Path, out: Path, *, n: int, seed: int = 0, judge: str | None = None) -> Drawn:
    """Draw a sample and write the page and the sheet.

    Args:
        run_path: The run folder.
        out: A folder that does not exist yet, or holds no more than what the same call left when it was killed.
        n: How many answers to draw.
        seed: The same seed draws the same answers.
        judge: Which judge to calibrate, where the run has several.

    Raises:
        UserError: `out` holds something else, or nothing can be drawn.
        MissingExtra: Jinja2 is not installed.
        Stopped: The disk is full or gone; nothing is left half-written.
    """
    page.require()
    there = _contents(out)
    if not there.keys() <= {SHEET, f".{SHEET}.part", f".{PAGE}.part"}:
        raise UserError(f"{out} exists already and may hold labels; choose another --out.")
    found = judged_run.read(run_path, judge)
    drawn = sampling.draw(population.read(found), n, seed)
    shown = cards.read(found.run, drawn)
    html, missing = page.write(drawn.id, shown)
    table = sheet.write(drawn.id, shown)
    if there.get(SHEET, table) != table:
        raise UserError(f"{out / SHEET} exists already and may hold labels; choose another --out.")
    kept = design.save(found.run, drawn)
    try:
        make_folder(out)
        journal.write_atomically(out / SHEET, table)
        journal.write_atomically(out / PAGE, html)
    except VLSBenchError:
        (out / SHEET).unlink(missing_ok=True)
        raise
    return Drawn(design=drawn, page=out / PAGE, sheet=out / SHEET, kept=kept, missing_images=missing)


def _contents(folder: Path) -> dict[str, bytes]:
    """What a folder holds, by name; a sheet with its content.

    Raises:
        UserError: There is a file instead of a folder.
    """
    if not folder.exists():
        return {}
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another --out.")
    return {path.name: path.read_bytes() if path.name == SHEET else b"" for path in folder.iterdir()}
