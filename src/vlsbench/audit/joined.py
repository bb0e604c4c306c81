"""The signals that need no model, as the audit takes them in: measured and added up, or left out."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vlsbench import preparation
from vlsbench.errors import UserError
from vlsbench.types import Dataset, Sample


class Measures:
    """Measures the signals of a dataset.

    Args:
        embedder: As for `vlsbench.audit.audit.audit`.
        ocr: Likewise.
        say: Told, in one line each, what is left out.
    """

    def __init__(
        self, *, embedder: str | None = None, ocr: bool | None = None, say: Callable[[str], None] | None = None
    ) -> None:
        self.notes: list[str] = []
        """What was left out, in one line each."""
        self._embedder = embedder
        self._ocr = ocr
        self._say = say
        self._tally: Any = None

    def of(self, data: Dataset, limit: int | None) -> Iterator[tuple[Sample, Any]]:
        """Each sample with its signals, or with None where they cannot be measured here."""
        signals = _module("signals")
        if signals is None:
            return ((sample, None) for sample in preparation.selection(data, limit))
        measured = signals.measure(data, limit, ocr=self._ocr, embedder=self._embedder, say=self._note)
        self._tally = signals.Tally()
        return self._counted(measured)

    def _counted(self, measured: Iterator[tuple[Sample, Any]]) -> Iterator[tuple[Sample, Any]]:
        for sample, signals in measured:
            self._tally.add(signals)
            yield sample, signals

    @property
    def totals(self) -> Mapping[str, Any] | None:
        """The signals of the whole set, once all samples have gone by."""
        return self._tally.to_json() if self._tally is not None else None

    def partial_input(self, data: Dataset, limit: int | None) -> Mapping[str, Any] | None:
        """The partial-input baseline, or why there is none."""
        module = _module("partial_input")
        if module is None:
            return None
        try:
            found: Mapping[str, Any] = module.baseline(data, limit).to_json()
        except UserError as error:
            self._note(str(error))
            return {"skipped": str(error)}
        return found

    def _note(self, line: str) -> None:
        self.notes.append(line)
        if self._say is not None:
            self._say(line)


def _module(name: str) -> Any:
    full = f"{__package__}.{name}"
    return importlib.import_module(full) if importlib.util.find_spec(full) is not None else None
