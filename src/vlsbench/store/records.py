"""Samples, responses and verdicts as the JSON objects of a run folder, and back.

The field names are a published format: others' scripts read them. Unknown fields are ignored on reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlsbench.core.types import Expect, Response, ResponseOutcome, Sample, Verdict, VerdictOutcome

Record = dict[str, Any]


def from_sample(sample: Sample) -> Record:
    """A line of ``samples.jsonl``."""
    return {
        "sample_id": sample.id,
        "text": sample.text,
        "image": sample.image,
        "image_sha256": sample.image_sha256,
        "category": sample.category,
        "sub_category": sample.sub_category,
        "source": sample.source,
        "description": sample.description,
        "safety_reason": sample.safety_reason,
        "expect": sample.expect.value,
        "twin_of": sample.twin_of,
        "group": sample.group,
    }


_SAMPLE_FIELDS = tuple(from_sample(Sample(id="", text="")))


def to_sample(record: Mapping[str, Any]) -> Sample:
    """A sample from a line of ``samples.jsonl``.

    Raises:
        KeyError: A required field is missing.
        ValueError: `expect` is neither harmful nor benign.
        TypeError: A field that should be a text is something else.
    """
    for name in _SAMPLE_FIELDS:
        if not isinstance(record.get(name), str | None):
            raise TypeError(f"{name} is no text")
    return Sample(
        id=record["sample_id"],
        text=record["text"],
        image=record.get("image"),
        image_sha256=record.get("image_sha256"),
        category=record.get("category") or "",
        sub_category=record.get("sub_category") or "",
        source=record.get("source") or "",
        description=record.get("description") or "",
        safety_reason=record.get("safety_reason") or "",
        expect=Expect(record.get("expect") or Expect.HARMFUL),
        twin_of=record.get("twin_of"),
        group=record.get("group"),
    )


def from_response(response: Response) -> Record:
    """A line of ``responses.jsonl``."""
    return {
        "sample_id": response.sample_id,
        "outcome": response.outcome.value,
        "text": response.text,
        "error": response.error,
        "finish_reason": response.finish_reason,
        "prompt_tokens": response.prompt_tokens,
        "completion_tokens": response.completion_tokens,
        "latency_s": response.latency_s,
    }


def to_response(record: Mapping[str, Any]) -> Response:
    """A response from a line of ``responses.jsonl``.

    Raises:
        KeyError: A required field is missing.
        ValueError: The outcome is none of ours.
        TypeError: The text is no text.
    """
    if not isinstance(record.get("text") or "", str):
        raise TypeError("the text of a response is no text")
    return Response(
        sample_id=record["sample_id"],
        outcome=ResponseOutcome(record["outcome"]),
        text=record.get("text") or "",
        error=record.get("error") or "",
        finish_reason=record.get("finish_reason"),
        prompt_tokens=record.get("prompt_tokens"),
        completion_tokens=record.get("completion_tokens"),
        latency_s=record.get("latency_s") or 0.0,
    )


def from_verdict(verdict: Verdict) -> Record:
    """A line of ``verdicts/<judge>.jsonl``."""
    return {
        "sample_id": verdict.sample_id,
        "outcome": verdict.outcome.value,
        "label": verdict.label,
        "reason": verdict.reason,
        "judge_model": verdict.judge_model,
        "latency_s": verdict.latency_s,
    }


def to_verdict(record: Mapping[str, Any]) -> Verdict:
    """A verdict from a line of ``verdicts/<judge>.jsonl``; raises KeyError or ValueError where it is none."""
    return Verdict(
        sample_id=record["sample_id"],
        outcome=VerdictOutcome(record["outcome"]),
        label=record.get("label"),
        reason=record.get("reason") or "",
        judge_model=record.get("judge_model") or "",
        latency_s=record.get("latency_s") or 0.0,
    )
