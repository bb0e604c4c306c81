"""One sitting of a run: what it is to be, and the way from what is on disk to the summary.

Evaluating makes one run of it; an ablation makes one run per condition, with the same model, slots and judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol, TypeVar

from vlsbench.core.errors import Interrupted
from vlsbench.core.protocols import Judge
from vlsbench.results import summary
from vlsbench.results.summary import Summary
from vlsbench.run.engine import drive
from vlsbench.run.flow import Answering, Flow, Judging
from vlsbench.run.loading import adaptations_of
from vlsbench.run.preparation import Preparation
from vlsbench.run.progress import Progress
from vlsbench.run.throttle import Halt
from vlsbench.store.run_folder import Run, timestamp

T = TypeVar("T")


async def sit(
    run: Run,
    source: Preparation,
    answering: Answering | None,
    judging: Judging,
    halt: Halt,
    progress: Progress | None,
) -> Summary:
    """From what is on disk to the summary, or to the reason for stopping. The models stay open.

    Raises:
        Interrupted: The user stopped the run, politely through `halt` or by cancelling.
        VLSBenchError: What would go wrong with every sample.
    """
    run.add_judge(judging.stem, _judge_entry(judging.judge))
    flow = Flow(run, source, answering=answering, judging=judging, halt=halt, progress=progress)
    finished = None
    try:
        await follow(flow, source, halt)
        finished = timestamp()
    finally:
        _record_session(run, answering, judging, finished)
        figures = summary.write(run, judging.stem)
    return figures


class Course(Protocol[T]):
    """A way that samples take: what is still to be done, and how one piece of it is done and recorded."""

    def pending(self) -> AsyncIterator[T]:
        """What is still to be done, in the order of the dataset."""
        ...

    async def process(self, work: T, /) -> None:
        """Do one piece of it."""
        ...

    def width(self) -> int:
        """How many pieces may be in work."""
        ...

    async def report(self) -> None:
        """Tell the progress how things stand, until cancelled."""
        ...

    def close(self) -> None:
        """Sync and close the journals."""
        ...


async def follow(course: Course[T], source: Preparation, halt: Halt) -> None:
    """Take every sample through its course; the journals are closed whatever happens.

    Raises:
        Interrupted: The user stopped the run, politely through `halt` or by cancelling.
        VLSBenchError: What would go wrong with every sample.
    """
    reporting = asyncio.create_task(course.report())
    try:
        source.start()
        await drive(course.pending(), course.process, width=course.width, halt=halt)
    except asyncio.CancelledError:
        raise Interrupted("Interrupted.") from None
    finally:
        reporting.cancel()
        source.stop()
        course.close()


def _record_session(run: Run, answering: Answering | None, judging: Judging, finished: str | None) -> None:
    """Note in the manifest what the servers turned out to want and to be."""
    if answering is not None:
        served = sorted({*run.manifest.get("model_served", []), *answering.served})
        run.update(model_served=served, model_adaptations=adaptations_of(answering.model), finished=finished)
    if adaptations := adaptations_of(judging.judge):
        run.add_judge(judging.stem, {"adaptations": adaptations})


def _judge_entry(judge: Judge) -> dict[str, Any]:
    return {
        "judge": judge.name,
        **judge.settings,
        **getattr(judge, "details", {}),
        "labels": [str(label) for label in judge.labels],  # an enumeration's members are no keys of JSON
        "baseline": bool(getattr(judge, "baseline", False)),
    }
