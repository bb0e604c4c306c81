"""Answers that another tool recorded, as a run of ours: to be judged, compared and reported like any other.

A failure that the tool wrote where an answer stands becomes a failure, and so does a sample without any record: neither
is ever judged. The tool's own scores are kept in ``imported.jsonl`` and enter no figure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vlsbench import datasets
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Response, ResponseOutcome
from vlsbench.datasets import Columns
from vlsbench.datasets.base import without_images
from vlsbench.interchange import matching
from vlsbench.interchange.matching import AUTO, Matched
from vlsbench.interchange.tools import inspect_eval, lmms_eval, vlmevalkit
from vlsbench.interchange.tools.answers import Answer, Answers
from vlsbench.results import summary
from vlsbench.results.summary import Summary
from vlsbench.run import fingerprint
from vlsbench.run.course import MAX_ERROR
from vlsbench.run.engine import run_to_end
from vlsbench.run.plan import check_texts
from vlsbench.run.preparation import Preparation
from vlsbench.run.throttle import Halt
from vlsbench.store import journal, records
from vlsbench.store.identity import Identity
from vlsbench.store.journal import Journal
from vlsbench.store.run_folder import Run, open_or_create, timestamp

TOOLS: Mapping[str, Callable[[Path], Answers]] = {
    "lmms-eval": lmms_eval.read,
    "vlmevalkit": vlmevalkit.read,
    "inspect": inspect_eval.read,
}
"""The tools whose files are read, by the name of ``--from``."""

_ASKED_BY = {"inspect": "inspect-log"}
"""What begins the model's name in a run, where it is not the tool's: ``inspect:`` is a model that we ask ourselves."""

FILE = "imported.jsonl"
"""The tool's own records, each beside the id of its sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import made.

    `outcomes` counts the responses by outcome, and `missing` those of its errors that stand for samples without a
    record. `matched_by` says how answers found their samples, and `compared` how many questions were compared on the
    way. `damaged` names records that could not be read; `notes` are sentences for people.
    """

    run: Path
    model: str
    samples: int
    outcomes: Mapping[str, int]
    missing: int
    matched_by: str
    compared: int
    damaged: tuple[str, ...]
    notes: tuple[str, ...]
    summary: Summary


def import_run(
    file: str | Path,
    *,
    tool: str,
    dataset: str | Dataset,
    out: str | Path,
    columns: str | Mapping[str, str] | Columns | None = None,
    model: str | None = None,
    limit: int | None = None,
    match: str = AUTO,
) -> Imported:
    """Make a run of the answers that another tool recorded.

    Args:
        file: The tool's file: a log of samples of lmms-eval, a table of predictions of VLMEvalKit, a log of Inspect.
        tool: ``lmms-eval``, ``vlmevalkit`` or ``inspect``.
        dataset: The samples that were asked, with their pictures: a reference, or any `Dataset`.
        out: The run folder. The same call again changes nothing, and adds what a call that was stopped left out.
        columns: As for `evaluate`.
        model: The model's name, where the file does not say it, or says it wrongly.
        limit: Only the first so many samples, where the tool was given such a limit.
        match: How answers find their samples: ``auto`` for the first way by which all of them do and their questions
            agree; or ``id``, ``position`` or ``text``, also where questions differ.

    Raises:
        UnknownName: No such tool, dataset or way of matching.
        UserError: The file cannot be read, does not fit the dataset, or `out` holds another run.
        MissingExtra: A package that reads the file is not installed.
        Stopped: The disk is full or read-only.
    """
    if tool not in TOOLS:
        raise UnknownName("tool", tool, TOOLS)
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    data = datasets.opened(dataset, columns)
    answers = TOOLS[tool](path)
    if not answers.found:
        raise UserError(f"{path} holds no record of an answer that could be read.")
    name = model or answers.model
    if not name:
        raise UserError(f"{path} does not say which model answered. Name it with --model.")
    check_texts(name, answers.system, path.name, data.name)
    matched = matching.match(answers.found, list(islice(without_images(data), limit)), match)
    made = fingerprint.fingerprint(data, limit)
    identity = Identity(
        model=f"{_ASKED_BY.get(tool, tool)}:{name}",
        dataset=data.name,
        dataset_hash=made.sha256,
        max_tokens=answers.max_tokens,
        temperature=answers.temperature,
        system=answers.system,
        seed=answers.seed,
        limit=limit,
    )
    details = {
        "dataset_size": made.size,
        "dataset_revision": data.revision,
        "dataset_described": made.n_described,
        "parameters": {
            "imported_from": path.name,
            "imported_sha256": _sha256(path),
            "imported_by": tool,
            "matched_by": matched.by,
        },
    }
    run = open_or_create(Path(out).expanduser(), identity, details)
    try:
        run_to_end(_record(run, Preparation(run, data, limit), matched, path), Halt())
        run.update(finished=timestamp())
    finally:
        run.unlock()
    return _report(run, matched, answers)


def _report(run: Run, matched: Matched, answers: Answers) -> Imported:
    found = summary.write(run)
    notes = list(answers.notes)
    if matched.differing:
        notes.append(
            f"{matched.differing:,} answers are to another question than their sample's: taken, as --match insists."
        )
    if matched.compared < len(answers.found):
        without = len(answers.found) - matched.compared
        notes.append(f"{without:,} records hold no question, so nothing but their {matched.by} tells their sample.")
    return Imported(
        run=run.path,
        model=run.manifest.model,
        samples=run.size,
        outcomes={outcome: count for outcome, count in found.responses.items() if count},
        missing=run.size - len(matched.answers),
        matched_by=matched.by,
        compared=matched.compared,
        damaged=answers.damaged,
        notes=tuple(notes),
        summary=found,
    )


async def _record(run: Run, source: Preparation, matched: Matched, file: Path) -> None:
    """List the samples with their pictures checked, and write each answer, unless it is there already."""
    recorded = {sample_id: digest for _, sample_id, _, _, digest in journal.heads(run.responses)}
    source.start()
    try:
        with Journal(run.responses) as responses:
            async for _, sample_id, _ in source.lines():
                response = _response(sample_id, matched.answers.get(sample_id), file)
                if recorded.get(sample_id) != records.digest(response):
                    responses.append(records.from_response(response))
    finally:
        source.stop()
    journal.write_atomically(run.path / FILE, _originals(matched))


def _response(sample_id: str, answer: Answer | None, file: Path) -> Response:
    if answer is None:
        why = f"{file.name} holds no record of this sample"
        return Response(sample_id=sample_id, outcome=ResponseOutcome.ERROR, error=why, requests=0)
    reply = answer.reply
    return Response(
        sample_id=sample_id,
        outcome=reply.outcome,
        text=reply.text,
        error=reply.error[:MAX_ERROR],
        reasoning=reply.reasoning,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        cached_tokens=reply.cached_tokens,
        latency_s=answer.latency_s,
    )


def _originals(matched: Matched) -> Iterator[bytes]:
    for sample_id, answer in matched.answers.items():
        try:
            yield journal.to_line({"sample_id": sample_id, "record": answer.raw})
        except TypeError:  # half a character or a number without end, deep within: kept as the text of a document
            yield journal.to_line({"sample_id": sample_id, "record": json.dumps(answer.raw)})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
