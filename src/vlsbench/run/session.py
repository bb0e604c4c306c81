"""One session of a run: the way from what is on disk to the summary. The models stay open.

Evaluating makes one run; an ablation makes one per condition, with the same model, slots and judge.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from vlsbench.core.errors import Interrupted, Stopped
from vlsbench.core.names import without_address
from vlsbench.core.protocols import Baseline, Detailed
from vlsbench.results import served, summary
from vlsbench.results.summary import Summary
from vlsbench.run.batches.rounds import Batches
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
    batches: Batches | None = None,
) -> Summary:
    """From what is on disk to the summary, or to the reason for stopping.

    Args:
        run: The locked run folder.
        source: Lists the samples.
        answering: How to answer; None to judge only what is answered.
        judging: How to judge.
        halt: The user's wish to stop.
        progress: Told after every record.
        batches: Those of the model and the judge, where there are any.

    Raises:
        Interrupted: The user stopped the run, politely through `halt` or by cancelling.
        VLSBenchError: What would go wrong with every sample.
    """
    stem = judging.stem_in(run)
    judging.served.clear()
    await _meet(run, answering, judging)
    run.add_judge(stem, _judge_entry(judging))
    # What an earlier session was told holds on, for the progress as for the summary.
    judging = replace(judging, price=judging.price or run.judges[stem].price)
    if answering is not None and answering.price is not None:
        run.update(price=asdict(answering.price))
    elif answering is not None:
        answering = replace(answering, price=run.manifest.price)
    finished, through = None, set[str]()
    try:
        if batches is not None:
            await batches.open(run.path)
        while True:
            flow = Flow(
                run, source, answering=answering, judging=judging, halt=halt, progress=progress, through=through
            )
            flow.counts.round_of = batches
            flow.counts.doubt = " ".join(served.doubts(run.manifest))
            await flow.follow()
            if batches is None or not await batches.next_round(flow.counts, progress):
                break
            source = Preparation(run, None)
        finished = timestamp()
    except (Stopped, Interrupted) as error:
        error.folder = run.path
        raise
    finally:
        _record_session(run, answering, judging, finished)
        figures = summary.write(run, stem)
        if batches is not None:
            await batches.close()
    return figures


async def _meet(run: Run, answering: Answering | None, judging: Judging) -> None:
    """Ask the servers what they serve; what they say stands in the manifest before the first answer.

    Raises:
        UserError: Several servers of one model serve different ones.
    """
    if answering is not None:
        await meet(answering.model)
        run.update(model_roots=merged(run.manifest.model_roots, roots_of(answering.model)))
    await meet(judging.judge)


def _record_session(run: Run, answering: Answering | None, judging: Judging, finished: str | None) -> None:
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
    stem = judging.stem_in(run)
    adaptations = tuple(adaptations_of(judging.judge)) or run.judges[stem].adaptations
    run.add_judge(stem, replace(_judge_entry(judging), adaptations=adaptations))


def _judge_entry(judging: Judging) -> JudgeEntry:
    judge = judging.judge
    return JudgeEntry(
        judge=without_address(judge.name),
        settings={**judge.settings, **(judge.details if isinstance(judge, Detailed) else {})},
        labels=tuple(str(label) for label in judge.labels),  # an enumeration's members are no keys of JSON
        baseline=isinstance(judge, Baseline) and judge.baseline,
        addresses=tuple(addresses_of(judge)),
        roots=tuple(roots_of(judge)),
        # Where a server does not name the model, its reference stands in the name's place.
        served=tuple(sorted(judging.served - names_of(judge))),
        price=judging.price,
    )
