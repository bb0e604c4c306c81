"""One session of a run: the way from what is on disk to the summary. The models stay open.

Evaluating makes one run; an ablation makes one per condition, with the same model, slots and judge.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from vlsbench.core.errors import Interrupted, Stopped
from vlsbench.core.names import without_address
from vlsbench.core.protocols import Baseline, Detailed, Judge
from vlsbench.results import served, summary
from vlsbench.results.summary import Summary
from vlsbench.run.flow import Answering, Flow, Judging
from vlsbench.run.loading import adaptations_of, addresses_of, meet, names_of, placed, roots_of
from vlsbench.run.preparation import Preparation
from vlsbench.run.progress import Progress
from vlsbench.run.throttle import Halt
from vlsbench.store.manifest import JudgeEntry, merged
from vlsbench.store.run_folder import Run, timestamp


async def conduct(
    run: Run,
    source: Preparation,
    answering: Answering | None,
    judging: Judging,
    halt: Halt,
    progress: Progress | None,
) -> Summary:
    """From what is on disk to the summary, or to the reason for stopping.

    Raises:
        Interrupted: The user stopped the run, politely through `halt` or by cancelling.
        VLSBenchError: What would go wrong with every sample.
    """
    stem = judging.stem_in(run)
    if answering is not None:
        await meet(answering.model)
        run.update(model_roots=merged(run.manifest.model_roots, roots_of(answering.model)))
    await meet(judging.judge)
    run.add_judge(stem, _judge_entry(judging.judge))
    flow = Flow(run, source, answering=answering, judging=judging, halt=halt, progress=progress)
    flow.counts.doubt = " ".join(served.doubts(run.manifest))
    finished = None
    try:
        await flow.follow()
        finished = timestamp()
    except (Stopped, Interrupted) as error:
        error.folder = run.path
        raise
    finally:
        _record_session(run, answering, judging, finished, flow.judge_models)
        figures = summary.write(run, stem)
    return figures


def _record_session(
    run: Run, answering: Answering | None, judging: Judging, finished: str | None, judge_models: Set[str]
) -> None:
    """Note in the manifest what the servers turned out to want and to be."""
    if answering is not None:
        model = answering.model
        run.update(
            model_served=sorted({*run.manifest.model_served, *answering.served}),
            model_roots=merged(run.manifest.model_roots, roots_of(model)),
            model_adaptations=adaptations_of(model),
            finished=finished,
            **placed(run, model),
        )
    names = names_of(judging.judge)  # where a server does not name the model, its reference stands in its place
    entry = _judge_entry(judging.judge)
    known = run.judges[judging.stem_in(run)]
    run.add_judge(
        judging.stem_in(run),
        replace(
            entry,
            adaptations=tuple(adaptations_of(judging.judge)) or known.adaptations,
            served=tuple(sorted(judge_models - names)),
        ),
    )


def _judge_entry(judge: Judge) -> JudgeEntry:
    return JudgeEntry(
        judge=without_address(judge.name),
        settings={**judge.settings, **(judge.details if isinstance(judge, Detailed) else {})},
        labels=tuple(str(label) for label in judge.labels),  # an enumeration's members are no keys of JSON
        baseline=isinstance(judge, Baseline) and judge.baseline,
        addresses=tuple(addresses_of(judge)),
        roots=tuple(roots_of(judge)),
    )
