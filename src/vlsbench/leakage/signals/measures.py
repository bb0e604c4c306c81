"""The signals that need no model, as the audit takes them in: measured and added up, or left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vlsbench.core.errors import UserError
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Sample
from vlsbench.leakage.baseline import partial_input
from vlsbench.leakage.signals import signals
from vlsbench.leakage.signals.signals import Signals
from vlsbench.models.workers.settings import Workers


class Measures:
    """Measures the signals of a dataset.

    Args:
        embedder: As for `vlsbench.leakage.audit.audit`.
        workers: Processes that hold the embedder; None for this one.
        ocr: Likewise.
        say: Told, in one line each, what is left out.
    """

    def __init__(
        self,
        *,
        embedder: str | None = None,
        workers: Workers | None = None,
        ocr: bool | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.notes: list[str] = []
        """What was left out, in one line each."""
        self._embedder = embedder
        self._workers = workers
        self._ocr = ocr
        self._say = say
        self._counts = signals.SignalTotals()

    def of(self, data: Dataset, limit: int | None) -> Iterator[tuple[Sample, Signals]]:
        """Each sample with its signals."""
        measured = signals.measure(
            data, limit, ocr=self._ocr, embedder=self._embedder, embedders=self._workers, say=self._note
        )
        for sample, found in measured:
            self._counts.add(found)
            yield sample, found

    @property
    def totals(self) -> Mapping[str, object]:
        """The signals of the whole set, once all samples have gone by."""
        return self._counts.to_json()

    def partial_input(self, data: Dataset, limit: int | None, reference: Dataset | None = None) -> Mapping[str, object]:
        """The partial-input baseline, or why there is none; with a reference, against its benign records."""
        try:
            found: Mapping[str, object] = partial_input.baseline(data, limit, reference=reference).to_json()
        except UserError as error:
            self._note(str(error))
            return {"skipped": str(error)}
        return found

    def _note(self, line: str) -> None:
        self.notes.append(line)
        if self._say is not None:
            self._say(line)
