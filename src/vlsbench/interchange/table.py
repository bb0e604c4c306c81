"""Runs as one long table: a row for each sample, model and judge.

CSV is what people open in a spreadsheet program, so there a text that such a program would take for a formula gets an
apostrophe in front; JSON lines, Parquet and pandas hold every text as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import get_type_hints

from vlsbench.calibration.sheet import neutralised
from vlsbench.core.errors import MissingExtra
from vlsbench.core.names import dataset_name
from vlsbench.interchange import recorded
from vlsbench.interchange.files import whole
from vlsbench.interchange.recorded import Judged, RecordedSample
from vlsbench.results.outcomes import PENDING
from vlsbench.store import journal
from vlsbench.store.run_folder import Run

_BATCH = 2_000
"""Rows of a group in a Parquet file, and so how many are in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A sample, a model's answer to it, and one judge's verdict; `judge` is empty in a run that has none.

    `outcome` is the judge's label, or the reason why there is none; `label` and `good` (whether the label is what the
    sample asks for) are None then. `score` is the grade of a judge that gives grades, which has no `good`. Tokens are
    None where the server did not report them. `more_images` are those that follow the first, one to a line.
    """

    run: str
    model: str
    dataset: str
    condition: str
    sample_id: str
    text: str
    image: str
    image_sha256: str
    more_images: str
    right_answer: str
    category: str
    sub_category: str
    source: str
    expect: str
    twin_of: str
    group: str
    response: str
    answer: str
    error: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_s: float | None
    judge: str
    outcome: str
    label: str | None
    good: bool | None
    score: float | None
    reason: str
    judge_model: str


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(TableRow))
"""The names of the columns, in order."""


def rows(runs: Iterable[Run]) -> Iterator[TableRow]:
    """The rows of runs, one run after the other, each in the order of its dataset."""
    for run in runs:
        for found in recorded.read(run):
            for judged in found.judged or (None,):
                yield _row(run, found, judged)


def _row(run: Run, found: RecordedSample, judged: Judged | None) -> TableRow:
    sample, response = found.sample, found.response
    return TableRow(
        run=run.path.name,
        model=run.manifest.model,
        dataset=dataset_name(run.manifest.dataset),
        condition=run.condition or "",
        sample_id=sample.id,
        text=sample.text,
        image=sample.image or "",
        image_sha256=sample.image_sha256 or "",
        more_images="\n".join(sample.more_images),
        right_answer=sample.answer or "",
        category=sample.category,
        sub_category=sample.sub_category,
        source=sample.source,
        expect=sample.expect.value,
        twin_of=sample.twin_of or "",
        group=sample.group or "",
        response=response.outcome.value if response is not None else PENDING,
        answer=response.text if response is not None else "",
        error=response.error if response is not None else "",
        reasoning=response.reasoning if response is not None else "",
        finish_reason=(response.finish_reason or "") if response is not None else "",
        prompt_tokens=response.prompt_tokens if response is not None else None,
        completion_tokens=response.completion_tokens if response is not None else None,
        latency_s=response.latency_s if response is not None else None,
        judge=judged.judge if judged is not None else "",
        outcome=judged.outcome if judged is not None else PENDING,
        label=judged.label if judged is not None else None,
        good=judged.good if judged is not None else None,
        score=judged.score if judged is not None else None,
        reason=judged.reason if judged is not None else "",
        judge_model=judged.verdict.judge_model if judged is not None and judged.verdict is not None else "",
    )


def write_csv(found: Iterable[TableRow], out: Path) -> int:
    """Write rows as CSV in UTF-8; returns how many there were."""
    with whole(out) as part, part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        n = 0
        for row in found:
            values = (getattr(row, name) for name in COLUMNS)
            writer.writerow([neutralised(value) if isinstance(value, str) else value for value in values])
            n += 1
    return n


def write_jsonl(found: Iterable[TableRow], out: Path) -> int:
    """Write rows as JSON, one to a line; returns how many there were."""
    with whole(out) as part, part.open("wb") as file:
        n = 0
        for row in found:
            file.write(journal.to_line(row))
            n += 1
    return n


def write_parquet(found: Iterable[TableRow], out: Path) -> int:
    """Write rows as Parquet; returns how many there were.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("pyarrow", "tables") from error
    kinds = {str: pa.string(), str | None: pa.string(), int | None: pa.int64(), float | None: pa.float64()}
    hints = get_type_hints(TableRow)
    schema = pa.schema([(name, kinds.get(hints[name], pa.bool_())) for name in COLUMNS])
    n, rest = 0, iter(found)
    with whole(out) as part, parquet.ParquetWriter(part, schema) as writer:
        while batch := [asdict(row) for row in islice(rest, _BATCH)]:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            n += len(batch)
    return n


WRITERS: Mapping[str, Callable[[Iterable[TableRow], Path], int]] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "jsonl": write_jsonl,
}
"""The formats of a table, and who writes them."""


def columns(found: Sequence[TableRow]) -> dict[str, list[object]]:
    """The table by column, as data frames are made."""
    return {name: [getattr(row, name) for row in found] for name in COLUMNS}
