"""Answers side by side (Figures 15 to 17): one query, its picture, and what every model said to it."""

from __future__ import annotations

from collections.abc import Iterator

from vlsbench.core.types import Response
from vlsbench.report.charts.kinds import Example, ExampleAnswer
from vlsbench.report.inputs import RunPart
from vlsbench.report.page.pictures import Picture, thumbnail
from vlsbench.report.paper.found import PaperRuns
from vlsbench.results import outcomes
from vlsbench.results.outcomes import PENDING
from vlsbench.run.preparation import image_path
from vlsbench.store import journal, records

_FIGURES = (15, 16, 17)


def examples(found: PaperRuns) -> Iterator[Example]:
    """One sample of each kind of danger, the first ones of the set on which models part."""
    runs = found.runs(found.recipe.main)
    if not runs:
        return
    answers = [_answers(run) for run in runs]
    chosen: set[str] = set()
    numbers = iter(_FIGURES)
    for sample in records.samples(runs[0].run.samples):
        kind = (sample.sub_category if found.recipe.by_item else sample.category) or sample.id
        said = [each.get(sample.id) for each in answers]
        if kind in chosen or len({one.verdict for one in said if one is not None}) < min(2, len(runs)):
            continue
        number = next(numbers, None)
        if number is None:
            return
        chosen.add(kind)
        picture = None
        if sample.image is not None and sample.image_sha256 is not None:
            path = image_path(runs[0].run, sample.image)
            picture = thumbnail(Picture(path=path, sha256=sample.image_sha256)).webp
        yield Example(
            title=f"Figure {number}: {kind}",
            query=sample.text,
            about=sample.safety_reason,
            webp=picture or "",
            answers=tuple(
                ExampleAnswer(model=run.model, text=one.text, verdict=one.verdict)
                for run, one in zip(runs, said, strict=True)
                if one is not None
            ),
        )


def _answers(run: RunPart) -> dict[str, ExampleAnswer]:
    """What a model said to each sample, and what its primary judge calls that."""
    stem = next(iter(run.stems), None)
    verdicts = outcomes.read(run.run, stem, outcomes.answers(run.run)) if stem is not None else {}
    return {
        answer.sample_id: ExampleAnswer(
            model=run.model, text=answer.text, verdict=verdicts.get(answer.sample_id, PENDING)
        )
        for answer in journal.read(run.run.responses, Response)
    }
