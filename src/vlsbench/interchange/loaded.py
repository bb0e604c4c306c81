"""A run folder as an object: its figures, its samples, and a data frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.core.errors import MissingExtra
from vlsbench.interchange import recorded, table
from vlsbench.interchange.recorded import RecordedSample
from vlsbench.interchange.table import TableRow
from vlsbench.results import glance
from vlsbench.results.summary import Summary, summarise
from vlsbench.store.run_folder import Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRun:
    """A run folder, read anew by each method, so that a run in progress can be watched.

    `model` and `dataset` are the references that it was made with.
    """

    path: Path
    model: str
    dataset: str
    _run: Run = field(repr=False)

    def summary(self) -> Summary:
        """The figures, as ``summary.json`` holds them at the end of a run."""
        return summarise(self._run)

    def __iter__(self) -> Iterator[RecordedSample]:
        """The samples, each with its response and with what every judge said of it."""
        return recorded.read(self._run)

    def rows(self) -> Iterator[TableRow]:
        """The rows of the long table: one for each sample and judge."""
        return table.rows([self._run])

    def to_pandas(self) -> pd.DataFrame:
        """The long table as a data frame: one row for each sample and judge, with `TableRow`'s fields as columns.

        ``pd.concat`` of several is samples by models by judges. Columns of tokens and of `good` may hold missing values
        and have pandas' own types for that (``Int64``, ``boolean``), never a 0 or False in their place.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtra("pandas", "tables") from error
        frame = pd.DataFrame(table.columns(list(self.rows())), columns=list(table.COLUMNS))
        kinds = {
            "prompt_tokens": "Int64",
            "completion_tokens": "Int64",
            "latency_s": "Float64",
            "score": "Float64",
            "good": "boolean",
        }
        return frame.astype(kinds)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        found = self.summary()
        blocks = {name: judge.overall for name, judge in found.judges.items()}
        return glance.as_html(f"{self.model} on {self.dataset}: n = {found.n:,}", blocks)


def load_run(path: str | Path) -> LoadedRun:
    """Open a run folder for reading.

    Args:
        path: A folder that `evaluate`, the command ``eval`` or ``import`` made.

    Raises:
        RunError: There is no run, or its manifest is damaged or from a newer version.
    """
    run = Run(Path(path).expanduser())
    return LoadedRun(path=run.path, model=run.manifest.model, dataset=run.manifest.dataset, _run=run)
