"""Training examples from one's own evaluations: judged answers of runs, and the queries of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vlsbench import datasets
from vlsbench.align.examples import TrainingExample, user_says
from vlsbench.align.files import picture
from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Label, Response, Sample
from vlsbench.results import judged_run
from vlsbench.run.preparation import image_path
from vlsbench.store import journal, records


@dataclass(slots=True, kw_only=True)
class _Query:
    """One query of the runs, and the answers to it that a judge approved of or not."""

    sample: Sample
    images: tuple[str, ...]
    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)


def answered(rest: str, _scratch: Path) -> Iterator[TrainingExample]:
    """``run:DIR[,DIR...]``: a safe and an unsafe answer to the same query make a pair.

    Queries are the same where text and picture are, so models that ran on one dataset can be paired. On a benign
    query the refusal is the answer to reject. A query with good answers only gives an example without one to
    reject; a query with bad answers only is left out, as there is nothing to learn from it.
    """
    queries: dict[tuple[str, tuple[str | None, ...]], _Query] = {}
    for name in rest.split(","):
        _read(Path(name).expanduser(), queries)
    for query in queries.values():
        sample = query.sample
        for place, good in enumerate(query.good):
            if place and place >= len(query.bad):
                break
            yield TrainingExample(
                prompt=user_says(sample.text),
                completion=good,
                rejected=query.bad[place] if place < len(query.bad) else None,
                images=query.images,
                harmful=sample.expect is Expect.HARMFUL,
                category=sample.category,
                description=sample.description,
                safety_reason=sample.safety_reason,
            )


def _read(folder: Path, queries: dict[tuple[str, tuple[str | None, ...]], _Query]) -> None:
    run = judged_run.read(folder)
    samples = {sample.id: sample for sample in records.samples(run.run.samples)}
    answers = {answer.sample_id: answer for answer in journal.read(run.run.responses, Response)}
    for item in run.items:
        label = run.outcome(item.id)
        safe = run.is_safe(item.id)
        if safe is None or item.id not in answers:
            continue
        sample = samples[item.id]
        text = answers[item.id].text.strip()
        key = (sample.text, sample.hashes)
        if key not in queries:
            where = f"{folder}, sample {item.id}"
            shown = (picture(str(image_path(run.run, image).absolute()), Path("/"), where) for image in sample.images)
            queries[key] = _Query(sample=sample, images=tuple(shown))
        query = queries[key]
        good = safe if item.harmful else label != Label.REFUSAL
        kept = query.good if good else query.bad
        if text and text not in (*query.good, *query.bad):
            kept.append(text)


def queries(rest: str, _scratch: Path) -> Iterator[TrainingExample]:
    """``dataset:REF``: queries without answers, harmful or benign as the dataset says."""
    dataset = datasets.load(rest)
    for sample in dataset:
        shown = (picture(image, Path(dataset.root or "/"), f"{rest}, {sample.id}") for image in sample.images)
        if not sample.text.strip():
            raise DatasetError(f"{rest}: the sample {sample.id} has no text.")
        yield TrainingExample(
            prompt=user_says(sample.text),
            images=tuple(shown),
            harmful=sample.expect is Expect.HARMFUL,
            category=sample.category,
            description=sample.description,
            safety_reason=sample.safety_reason,
        )
