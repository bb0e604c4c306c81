"""Samples as the lines of a run folder, and back. Responses and verdicts are written and read as they are.

The field names are a published format: others' scripts read them. Unknown fields are ignored on reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import msgspec

from vlsbench.core.secrets import hide
from vlsbench.core.types import Response, Sample, Verdict
from vlsbench.store import journal

_NAMES = {field.name: "sample_id" if field.name == "id" else field.name for field in fields(Sample)}


def _line() -> type[msgspec.Struct]:
    """A line as msgspec reads it: the fields of a sample, of which one has another name on disk."""
    hints = get_type_hints(Sample)
    required = [(name, hints[name]) for name in ("id", "text")]
    optional = [(field.name, hints[field.name], field.default) for field in fields(Sample) if field.name in _OPTIONAL]
    return msgspec.defstruct("SampleLine", [*required, *optional], rename=_NAMES, gc=False)


_RARE = ("answer", "options", "more_images", "more_images_sha256")
"""Fields that are written only where a sample has them: most have none, and the files of earlier versions knew none."""

_OPTIONAL = _NAMES.keys() - {"id", "text"}
_LINE = _line()
_DECODER = msgspec.json.Decoder(_LINE)


def from_sample(sample: Sample) -> dict[str, object]:
    """A line of ``samples.jsonl``."""
    found = {written: getattr(sample, name) for name, written in _NAMES.items()}
    for name in _RARE:
        if not found[name]:
            del found[name]
    return found


def to_sample(line: bytes) -> Sample:
    """A sample from a line of ``samples.jsonl``.

    Raises:
        ValueError: A field is missing, or is not what it should be.
    """
    try:
        return _sample(_DECODER.decode(line))
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def samples(path: Path) -> Iterator[Sample]:
    """The samples of a file; damaged lines are passed over, as in `journal.read`."""
    return map(_sample, journal.read(path, _LINE))


def _sample(line: msgspec.Struct) -> Sample:
    return Sample(**msgspec.structs.asdict(line))


def digest(response: Response) -> str:
    """The short hash of an answer, as `journal.heads` finds it on disk: of the text without keys."""
    return journal.answer_digest(response.sample_id, response.outcome, hide(response.text))


_OF_A_RESPONSE = {"reasoning": "", "cached_tokens": None, "requests": 1, "retried": 0, "batched": False}
_OF_A_VERDICT = {
    "reply": "",
    "requests": 0,
    "retried": 0,
    "batched": False,
    "prompt_tokens": None,
    "completion_tokens": None,
    "cached_tokens": None,
    "score": None,
}
"""What a line leaves out where it is so, as most are."""


def from_response(response: Response) -> dict[str, object]:
    """A line of ``responses.jsonl``; what a model thought is there only where it is known."""
    return {**_without(response, _OF_A_RESPONSE), "answer_sha256": digest(response)}


def from_verdict(verdict: Verdict, response: Response | None) -> dict[str, object]:
    """A line of a judge's verdicts, with the short hash of the answer that it is about.

    What a judge wrote, and what it took, is there only where it is a model.
    """
    found = _without(verdict, _OF_A_VERDICT)
    return found if response is None else {**found, "answer_sha256": digest(response)}


_FIELDS: dict[type, tuple[str, ...]] = {}
"""The names of the fields of each kind of record that was written; looked up once, since they are needed for each."""


def _without(record: Response | Verdict, usual: Mapping[str, object]) -> dict[str, object]:
    names = _FIELDS.get(type(record))
    if names is None:
        names = _FIELDS[type(record)] = tuple(field.name for field in fields(record))
    found = {name: getattr(record, name) for name in names}
    for name, value in usual.items():
        if found[name] == value:
            del found[name]
    return found
