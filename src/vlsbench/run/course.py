"""What every way of samples past models has in common: journals, slots, counts, and what becomes of errors.

A course says what is still to be done (`Course.pending`) and how one piece of it is done (`Course.process`). Whatever
goes wrong with one sample becomes its record. Only what would go wrong with every sample (no access, no disk, no
network, the user's wish) leaves as an exception.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from vlsbench.core.errors import ImageProblem, Interrupted, RequestFailed, VLSBenchError
from vlsbench.core.protocols import Judge
from vlsbench.core.types import Response, Verdict, VerdictOutcome
from vlsbench.core.usage import Usage
from vlsbench.results.outcomes import Answered
from vlsbench.run.engine import drive
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Gate, Halt
from vlsbench.store import journal, records
from vlsbench.store.journal import Journal

MAX_ERROR = 1000
"""Characters of an error message that are recorded."""

_AHEAD = 4
"""Pieces of work beyond the slots, so that a free slot need not wait for the next to be read."""

_REPORT_EVERY_S = 0.5

Work = TypeVar("Work")
T = TypeVar("T")


class Feed(Protocol):
    """What brings a course its samples, from before the first to after the last."""

    def start(self) -> None:
        """Begin, in the background where it takes long."""
        ...

    def stop(self) -> None:
        """End, wherever it is."""
        ...


class Course(ABC, Generic[Work]):
    """Takes the samples of a run through what they still need, and records each result before its slot is free.

    Args:
        source: Started before the first sample, and stopped after the last.
        counts: What earlier sessions left; counted on here.
        halt: The user's wish to stop.
        progress: Told after every record.
        asking: The slots of requests for answers.
        judging: The slots of requests for verdicts.
    """

    def __init__(
        self,
        source: Feed,
        counts: RunCounts,
        halt: Halt,
        progress: Progress | None,
        *,
        asking: tuple[Gate, ...] = (),
        judging: tuple[Gate, ...] = (),
    ) -> None:
        self._source = source
        self.counts = counts
        self.halt = halt
        self._progress = progress
        self._gates = (asking, judging)
        self._journals = ExitStack()

    @abstractmethod
    def pending(self) -> AsyncIterator[Work]:
        """What is still to be done, in the order of the dataset."""

    @abstractmethod
    async def process(self, work: Work) -> None:
        """Do one piece of it."""

    async def follow(self) -> None:
        """Take every sample through; the journals are closed whatever happens.

        Raises:
            Interrupted: The user stopped the run, politely through `halt` or by cancelling.
            VLSBenchError: What would go wrong with every sample.
        """
        reporting = asyncio.create_task(self._report())
        try:
            self._source.start()
            await drive(self.pending(), self.process, width=self._width, halt=self.halt)
        except asyncio.CancelledError:
            raise Interrupted("Interrupted.") from None
        finally:
            reporting.cancel()
            self._source.stop()
            self.counts.ended = time.monotonic()
            self._journals.close()

    def open_journal(self, path: Path) -> Journal:
        """A journal that is synced and closed when the course ends."""
        return self._journals.enter_context(Journal(path))

    def tell(self) -> None:
        """Tell the progress how things stand."""
        if self._progress is not None:
            self._progress(self.counts)

    def record_verdict(self, verdicts: Journal, verdict: Verdict, response: Response | None = None) -> None:
        """Write a verdict down, with the short hash of the answer that it is about, and count it."""
        verdicts.append(records.from_verdict(verdict, response))
        self.counts.count_verdict(verdict)
        self.tell()

    def _width(self) -> int:
        """How many pieces may be in work: those the slots can hold, and a few to come."""
        return sum(gate.limit for gates in self._gates for gate in gates) + _AHEAD

    async def _report(self) -> None:
        """Tell the progress twice a second how things stand, also while nothing is recorded."""
        asking, judging = self._gates
        gates = (*asking, *judging)
        known = self.counts.doubt
        while self._progress is not None:
            self.counts.asking = sum(gate.in_use for gate in asking)
            self.counts.judging = sum(gate.in_use for gate in judging)
            self.counts.paused_s = max(gate.paused_s for gate in gates)
            self.counts.stopping = self.halt.asked
            self.counts.notice = "; ".join(dict.fromkeys(filter(None, (gate.notice for gate in gates))))
            self.counts.doubt = " ".join(dict.fromkeys(filter(None, (known, *(gate.doubt for gate in gates)))))
            self._progress(self.counts)
            await asyncio.sleep(_REPORT_EVERY_S)


def elapsed(started: float) -> float:
    """Seconds since a moment of `time.monotonic`, to a tenth of a millisecond."""
    return round(time.monotonic() - started, 4)


async def or_failure(asked: Awaitable[T], failure: Callable[[str], T]) -> T:
    """What was asked for, or the failure that an error amounts to.

    Args:
        asked: The request.
        failure: Makes the failure from what went wrong, in at most `MAX_ERROR` characters.

    Raises:
        VLSBenchError: What would go wrong with every sample.
    """
    try:
        return await asked
    except ImageProblem as error:
        why = f"image: {error}"
    except RequestFailed as error:
        why = str(error)
    except VLSBenchError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug in a user's object costs a sample, not the run
        why = f"{type(error).__name__}: {error}"
    return failure(why[:MAX_ERROR])


def sound_label(outcome: VerdictOutcome, label: str | None, labels: Container[str], who: str) -> None:
    """Nothing where a label goes with its outcome, so that the summary can count it.

    Raises:
        RequestFailed: It is none of `labels`, or stands beside an outcome that has none, or is missing.
    """
    if not (label in labels if outcome is VerdictOutcome.SCORED else label is None):
        raise RequestFailed(f"the {who}'s label {label!r} does not go with outcome {outcome} and its labels")


Final = tuple[str, str | None]
"""The label of a verdict that is not asked for again, and the short hash of the answer that it is about."""


def final_verdicts(path: Path, usage: Usage | None = None) -> dict[str, Final]:
    """The samples whose last verdict in a file is final; failures are tried again.

    An answer that is no language stays so: asking until it gets a label would only make one up. Such a sample is there
    too, with its outcome in place of a label. Where given, `usage` grows by what all of them took.
    """
    found: dict[str, Final] = {}
    for _, sample_id, outcome, label, judged in journal.heads(path, usage):
        final = label if outcome == VerdictOutcome.SCORED else None
        if outcome == VerdictOutcome.UNINTELLIGIBLE:
            final = outcome
        if final is not None:
            found[sample_id] = final, judged
        else:
            found.pop(sample_id, None)
    return found


def countable(judge: Judge) -> frozenset[str]:
    """The labels that count of a judge, and the outcome that is final without one."""
    return frozenset({*map(str, judge.labels), VerdictOutcome.UNINTELLIGIBLE.value})


def standing(
    verdicts: Mapping[str, Final], labels: Container[str], answers: Mapping[str, Answered] | None = None
) -> dict[str, str]:
    """The labels of final verdicts that count.

    Args:
        verdicts: What `final_verdicts` found.
        labels: What `countable` gives, or the labels alone.
        answers: Where given, a verdict on another answer than the last, or on none, does not count.
    """
    return {
        sample_id: label
        for sample_id, (label, judged) in verdicts.items()
        if label in labels
        and (answers is None or ((answer := answers.get(sample_id)) is not None and answer.is_what(judged)))
    }
