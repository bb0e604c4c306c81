"""Labels that people gave, read whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vlsbench.calibration.form import OF_ANSWERS, UNCLEAR
from vlsbench.calibration.sheet import restored
from vlsbench.core.errors import UserError

WORDS = OF_ANSWERS.words
"""What the label of an answer may be written as; case does not matter."""

MOST_BYTES = 100_000_000

_MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """One rater's labels by sample id; `design` is the id of the sample they belong to, None where it is not said.

    `unclear` are the samples of which the rater could not tell, `blank` counts rows without any label.
    """

    source: str
    design: str | None
    labels: Mapping[str, str]
    lines: Mapping[str, int]
    unclear: frozenset[str]
    blank: int


def read(path: Path, words: Mapping[str, str] = WORDS) -> Labels:
    """Read one rater's file: the sheet, or what the page saved.

    Args:
        path: The file.
        words: What a label may be written as, and the label that it is.

    Raises:
        UserError: It cannot be read, lacks a column, or holds a label that is none or a sample twice. All
            problems are named with their lines.
    """
    design: set[str] = set()
    labels: dict[str, str] = {}
    lines: dict[str, int] = {}
    unclear: set[str] = set()
    problems: list[str] = []
    blank = 0
    for line, row in _rows(path):
        sample_id, said = row["sample_id"], row["label"].strip().lower()
        if not sample_id and not said:
            continue
        if not sample_id:
            problems.append(f"line {line}: a label without a sample_id")
        elif sample_id in lines:
            problems.append(f"line {line}: sample {sample_id!r} was already in line {lines[sample_id]}")
        elif said and said not in words:
            problems.append(f"line {line}: {row['label']!r} is no label")
        else:
            lines[sample_id] = line
            design.update([row["design"]] if row.get("design") else [])
            blank += not said
            if said and words[said] == UNCLEAR:
                unclear.add(sample_id)
            elif said:
                labels[sample_id] = words[said]
    if len(design) > 1:
        problems.append(f"rows of {len(design)} different samples ({', '.join(sorted(design))}) are mixed")
    if problems:
        hint = f" Labels are {', '.join(words)}." if any("is no label" in problem for problem in problems) else ""
        raise UserError(f"{path}: {_listed(problems)}.{hint} Nothing was read from it.")
    return Labels(
        source=str(path),
        design=design.pop() if design else None,
        labels=labels,
        lines=lines,
        unclear=frozenset(unclear),
        blank=blank,
    )


def require_known(labels: Labels, known: Collection[str]) -> None:
    """Nothing where every sample in a file was drawn.

    Raises:
        UserError: Some were not; they are named with their lines.
    """
    unknown = [
        f"line {line}: sample {sample_id!r} is not among those drawn"
        for sample_id, line in labels.lines.items()
        if sample_id not in known
    ]
    if unknown:
        raise UserError(f"{labels.source}: {_listed(unknown)}. Nothing was read from it.")


def _listed(problems: list[str]) -> str:
    more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
    return "; ".join(problems[:_MOST_PROBLEMS]) + more


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with the line it begins in."""
    text = _text(path)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    csv.field_size_limit(MOST_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in ("sample_id", "label") if columns.count(name) != 1]
        if missing:
            raise UserError(
                f"{path} has no single column named {' or '.join(missing)} in its first line. A file of labels has "
                "sample_id and label."
            )
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                # A spreadsheet program drops empty cells at the end of a row.
                filled = [*cells, *[""] * (len(columns) - len(cells))]
                yield line, {name: restored(cell) for name, cell in zip(columns, filled, strict=False)}
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}, line {line}: this is not CSV ({error}). Nothing was read from it.") from error


def _text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path} has more than {MOST_BYTES:,} bytes; it cannot be a file of labels.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f'{path} is not UTF-8. Save the sheet as "CSV UTF-8".') from error
