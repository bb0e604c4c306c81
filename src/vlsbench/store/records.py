"""Samples as the lines of a run folder, and back. Responses and verdicts are written and read as they are.

The field names are a published format: others' scripts read them. Unknown fields are ignored on reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import msgspec

from vlsbench.core.types import Response, Sample
from vlsbench.store import journal

_NAMES = {field.name: "sample_id" if field.name == "id" else field.name for field in fields(Sample)}


def _line() -> type[msgspec.Struct]:
    """A line as msgspec reads it: the fields of a sample, of which one has another name on disk."""
    hints = get_type_hints(Sample)
    required = [(name, hints[name]) for name in ("id", "text")]
    optional = [(field.name, hints[field.name], field.default) for field in fields(Sample) if field.name in _OPTIONAL]
    return msgspec.defstruct("SampleLine", [*required, *optional], rename=_NAMES, gc=False)


_OPTIONAL = _NAMES.keys() - {"id", "text"}
_LINE = _line()
_DECODER = msgspec.json.Decoder(_LINE)


def from_sample(sample: Sample) -> dict[str, object]:
    """A line of ``samples.jsonl``."""
    return {written: getattr(sample, name) for name, written in _NAMES.items()}


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


def from_response(response: Response) -> dict[str, object]:
    """A line of ``responses.jsonl``; what a model thought is there only where it is known."""
    found = {field.name: getattr(response, field.name) for field in fields(Response)}
    return found if response.reasoning else {name: value for name, value in found.items() if name != "reasoning"}
