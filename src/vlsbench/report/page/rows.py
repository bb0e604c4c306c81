"""The samples of a report: one row per sample, with what every model answered and every judge said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlsbench.core.errors import ImageProblem
from vlsbench.core.images import locate
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Expect, Response, Sample, Verdict
from vlsbench.leakage import audited
from vlsbench.leakage.audited import Audited
from vlsbench.leakage.signals.signals import Span
from vlsbench.report.charts.of_data import Census
from vlsbench.report.inputs import AuditPart, DatasetPart, Inputs, RunPart
from vlsbench.report.page import asked
from vlsbench.report.page.asked import AskedJudge
from vlsbench.report.page.pictures import Gallery, Picture
from vlsbench.results import outcomes
from vlsbench.store import journal, records

MOST_OF_A_DATASET = 20_000
"""Samples shown of a dataset; its figures cover all of them."""

MOST_OF_THINKING = 6_000
"""Characters shown of what a model thought before it answered."""

Row = dict[str, Any]


class Rows:
    """Gathers rows: a sample that several runs asked is one row, known by id, text and picture.

    The conditions of an ablation change text or picture; their row is the one of the first condition.

    `runs`, `judges` and `rubrics` are what answers and verdicts point to by number.
    """

    def __init__(self, inputs: Inputs, gallery: Gallery | None) -> None:
        self._gallery = gallery
        self._rows: list[Row] = []
        self._known: dict[tuple[str, str], list[tuple[str | None, Row]]] = {}
        self._anchors: set[str] = set()
        self.runs: list[Row] = []
        self.judges: list[Row] = []
        self.rubrics: list[dict[str, object]] = []
        self.left_out = 0
        self.census = Census()
        for part in inputs.runs:
            self._add_run(part, {})
        for ablation in inputs.ablations:
            by_id: dict[str, Row] = {}
            for part in ablation.runs.values():
                self._add_run(part, by_id)
        for audit in inputs.audits:
            self._add_audit(audit)
        for data in inputs.datasets:
            self._add_dataset(data)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def _add_run(self, part: RunPart, by_id: dict[str, Row]) -> None:
        number = len(self.runs)
        self.runs.append({"name": part.name, "model": part.model, "dataset": part.dataset})
        judges = [self._looked_at(part, stem, name) for stem, name in part.stems.items()]
        self.runs[number]["notes"] = {str(judge.number): judge.note for judge in judges if judge.note}
        answers = {answer.sample_id: answer for answer in journal.read(part.run.responses, Response)}
        listed: set[str] = set()
        for sample in records.samples(part.run.samples):
            if sample.id in listed or len(listed) == part.run.size:
                continue
            listed.add(sample.id)
            answer = answers.get(sample.id)
            if sample.id not in by_id:
                by_id[sample.id] = self._row(sample, _recorded(sample, part.run.path))
            row = by_id[sample.id]
            row["answers"].append(
                {
                    "run": number,
                    "outcome": answer.outcome if answer is not None else outcomes.PENDING,
                    "text": answer.text if answer is not None else "",
                    "error": answer.error if answer is not None else "",
                    "verdicts": [judge.verdict(sample, answer, row) for judge in judges],
                    **_thinking(answer),
                }
            )

    def _looked_at(self, part: RunPart, stem: str, name: str) -> _Judged:
        entry = part.run.judges[stem]
        known = asked.asked(entry, self.rubrics)
        return _Judged(
            number=self._judge(name),
            labels=entry.labels,
            outcome=outcomes.read(part.run, stem, outcomes.answers(part.run)),
            last={each.sample_id: each for each in journal.read(part.run.verdicts(stem), Verdict)},
            asked=known,
            note=asked.note(entry) if known is None else "",
        )

    def _judge(self, name: str) -> int:
        names = [judge["name"] for judge in self.judges]
        if name not in names:
            self.judges.append({"name": name})
            return len(names)
        return names.index(name)

    def _add_audit(self, part: AuditPart) -> None:
        for sample, found in audited.read(part.path / "samples.jsonl"):
            row = self._row(sample, _audited(sample, part))
            row["guard"] = _guard(found)
            row["spans"] = list(spans(found.signals.spans))

    def _add_dataset(self, part: DatasetPart) -> None:
        for number, sample in enumerate(part.dataset):
            if number >= MOST_OF_A_DATASET:
                self.left_out += 1
                continue
            self._row(sample, _of_dataset(sample, part.dataset))

    def _row(self, sample: Sample, pictures: Sequence[Picture]) -> Row:
        same = self._known.setdefault((sample.id, sample.text), [])
        for digest, row in same:
            if digest is None or sample.image_sha256 is None or digest == sample.image_sha256:
                return row
        numbers = [self._gallery.add(picture) for picture in pictures] if self._gallery is not None else []
        made: Row = {
            "id": sample.id,
            "anchor": self._anchor(sample.id),
            "text": sample.text,
            "category": sample.category,
            "sub": sample.sub_category,
            "source": sample.source,
            "expect": sample.expect.value,
            "description": sample.description,
            "risk": sample.safety_reason,
            "twin": sample.twin_of,
            "image": numbers[0] if numbers else None,
            "pictured": sample.image is not None,
            "answers": [],
        }
        if numbers[1:]:
            made["more_images"] = numbers[1:]
        if sample.answer is not None:
            made["answer"] = sample.answer
        same.append((sample.image_sha256, made))
        self._rows.append(made)
        self.census.add(sample)
        return made

    def _anchor(self, sample_id: str) -> str:
        """What follows ``#`` in a link: the id; with a number where two different samples share it."""
        anchor, number = sample_id, 1
        while anchor in self._anchors:
            number += 1
            anchor = f"{sample_id}~{number}"
        self._anchors.add(anchor)
        return anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What a judge of a run made of its answers: where each sample stands, and its last verdict on each."""

    number: int
    labels: tuple[str, ...]
    outcome: Mapping[str, str]
    last: Mapping[str, Verdict]
    asked: AskedJudge | None
    note: str

    def verdict(self, sample: Sample, answer: Response | None, row: Row) -> list[object]:
        """Judge, label and reason; where a model judged, what it was sent and what it wrote."""
        found = self.last.get(sample.id)
        said = self.outcome.get(sample.id, outcomes.PENDING)
        label = outcomes.shown(said, harmful=sample.expect is not Expect.BENIGN, labels=self.labels)
        shown: list[object] = [self.number, label, found.reason if found is not None else ""]
        # A verdict on an earlier answer says nothing of this one.
        if answer is None or found is None or said == outcomes.PENDING or not asked.was_asked(answer, found):
            return shown
        behind: dict[str, object] = {"reply": found.reply} if found.reply else {}
        behind |= {"sent": self.asked.filled(sample, answer, row)} if self.asked is not None else {}
        return [*shown, behind] if behind or self.note else shown


def _thinking(answer: Response | None) -> dict[str, str]:
    """What a reasoning model thought, as far as the page shows it."""
    thought = answer.reasoning if answer is not None else ""
    if len(thought) > MOST_OF_THINKING:
        left = len(thought) - MOST_OF_THINKING
        thought = f"{thought[:MOST_OF_THINKING]}… ({left:,} further characters are in responses.jsonl)"
    return {"thinking": thought} if thought else {}


def _recorded(sample: Sample, folder: Path) -> list[Picture]:
    """The pictures of a recorded sample that could be used."""
    pairs = zip(sample.images, sample.hashes, strict=True)
    return [Picture(path=folder / image, sha256=sha256) for image, sha256 in pairs if image and sha256 is not None]


def _audited(sample: Sample, part: AuditPart) -> list[Picture]:
    """The pictures of an audited sample: inside its record, in the folder of the guard's run, or in the dataset's."""
    if sample.image and sample.image.startswith("data:"):
        return [Picture(uri=image) for image in sample.images]
    copied = part.path / "guard"
    return _recorded(sample, copied if sample.image and (copied / sample.image).is_file() else part.path)


def _of_dataset(sample: Sample, dataset: Dataset) -> list[Picture]:
    return [_of_reference(image, dataset) for image in sample.images]


def _of_reference(image: str, dataset: Dataset) -> Picture:
    if image.startswith("data:"):
        return Picture(uri=image)
    try:
        path = locate(image, dataset.root)
    except ImageProblem:
        return Picture()
    return Picture(path=path)


def _guard(found: Audited) -> list[list[str]]:
    """What a guard said of the pair, of the text alone and of the image alone, as words."""
    return [
        [part, verdict.label or verdict.outcome, f"{verdict.p_unsafe:.3f}" if verdict.p_unsafe is not None else ""]
        for part, verdict in (found.guard or {}).items()
        if verdict is not None
    ]


def spans(found: Iterable[Span]) -> Iterator[tuple[int, int, str]]:
    """The marked stretches of a query (by code point), in order and without overlap."""
    end = 0
    for span in sorted((span.start, span.end, span.source) for span in found if 0 <= span.start < span.end):
        if span[0] >= end:
            yield span
            end = span[1]
