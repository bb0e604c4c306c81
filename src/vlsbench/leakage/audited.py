"""What an audit's ``samples.jsonl`` says of a sample beside the sample itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from vlsbench.core.types import Sample, VerdictOutcome
from vlsbench.leakage.checking import GuardVerdict
from vlsbench.leakage.signals.signals import Signals
from vlsbench.store import journal, records


@dataclass(frozen=True, slots=True, kw_only=True)
class PartVerdict:
    """What a guard said of the pair, the text or the image; `outcome` may be why that part cannot be judged."""

    outcome: str
    label: str | None = None
    p_unsafe: float | None = None
    categories: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, verdict: GuardVerdict) -> PartVerdict:
        """From the guard's own record."""
        return cls(
            outcome=verdict.outcome.value,
            label=verdict.label,
            p_unsafe=verdict.p_unsafe,
            categories=verdict.categories,
            reason=verdict.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A line of ``samples.jsonl``: the guard's verdicts by part, None where no guard was asked, and the signals.

    `image_problem` says why the image may not be used, where it lies outside the dataset's folder.
    """

    sample_id: str
    image_problem: str = ""
    guard: Mapping[str, PartVerdict | None] | None = None
    signals: Signals = field(default_factory=Signals)

    def label(self, part: str) -> str | None:
        """What the guard said of a part (``"pair"``, ``"text"`` or ``"image"``); None without a scored verdict."""
        verdict = (self.guard or {}).get(part)
        return verdict.label if verdict is not None and verdict.outcome == VerdictOutcome.SCORED else None

    @property
    def is_guarded(self) -> bool:
        """Whether a guard was asked about this sample, whatever came of it."""
        return any(verdict is not None for verdict in (self.guard or {}).values())


_DECODER = msgspec.json.Decoder(Audited)


def read(path: Path) -> Iterator[tuple[Sample, Audited]]:
    """The samples of an audit with what was found of each; damaged lines are passed over."""
    for _, line in journal.lines(path):
        with contextlib.suppress(ValueError, msgspec.DecodeError):
            yield records.to_sample(line), _DECODER.decode(line)
