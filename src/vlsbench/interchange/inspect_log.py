"""A run as an Inspect log (``.eval``), to be read with ``inspect view`` and Inspect's Python interface.

The file is a zip of JSON documents: ``_journal/start.json``, ``samples/ID_epoch_1.json``, ``summaries.json`` and
``header.json`` (version 2 of the format; https://inspect.aisi.org.uk/eval-logs.html). It is written with the standard
library, one sample in memory at a time, without importing Inspect, whose own writer holds every picture until the end.
The same run gives the same bytes.

A score is 1.0 where a sample was handled well and 0.0 where not, with the label as its answer. An unscored sample is
NaN with the reason: Inspect leaves it out of every mean, as we do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

from vlsbench.core.errors import ImageProblem
from vlsbench.core.images import ImageFile
from vlsbench.core.names import dataset_name, dataset_slug, slug
from vlsbench.core.secrets import hide_in_json
from vlsbench.core.types import Rate, Response, ResponseOutcome
from vlsbench.core.version import __version__
from vlsbench.interchange import recorded
from vlsbench.interchange.files import whole
from vlsbench.interchange.recorded import Judged, RecordedSample
from vlsbench.results import rates
from vlsbench.results.rates import Block
from vlsbench.results.summary import Summary, summarise
from vlsbench.store.run_folder import Run

Json = dict[str, object]

_VERSION = 2
_EPOCH = "1970-01-01T00:00:00Z"
_STAMP = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that equal runs are equal files."""

_SHOWN_INPUT = 400
"""Characters of a query in the list of samples."""

_STOP_REASONS: Mapping[ResponseOutcome, str] = {
    ResponseOutcome.OK: "stop",
    ResponseOutcome.TRUNCATED: "max_tokens",
    ResponseOutcome.EMPTY: "stop",
    ResponseOutcome.BLOCKED: "content_filter",
    ResponseOutcome.ERROR: "unknown",
}


def file_name(run: Run) -> str:
    """A name for the log of a run that other runs do not have."""
    manifest = run.manifest
    return f"{slug(manifest.model)}-{dataset_slug(manifest.dataset)}-{_ident(run)[:8]}.eval"


def write(run: Run, out: Path) -> int:
    """Write a run's log; returns how many samples it holds.

    Raises:
        UserError: `out` exists already.
        Stopped: The disk is full or read-only.
    """
    found = summarise(run)
    start = _start(run, found)
    summaries: list[Json] = []
    usage = _Usage()
    with whole(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        _put(archive, "_journal/start.json", start)
        for each in recorded.read(run):
            sample = _sample(run, each)
            usage.add(each.response)
            _put(archive, f"samples/{each.sample.id}_epoch_1.json", sample)
            summaries.append(_summary(each, sample))
        _put(archive, "summaries.json", summaries)
        _put(archive, "header.json", {**start, **_end(run, found, len(summaries), usage)})
    return len(summaries)


def _put(archive: zipfile.ZipFile, name: str, value: object) -> None:
    member = zipfile.ZipInfo(name, _STAMP)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    # The standard library's encoder, because it writes NaN as such.
    archive.writestr(member, hide_in_json(json.dumps(value).encode()))


def _ident(run: Run) -> str:
    manifest = run.manifest
    parts = [manifest.model, manifest.dataset_hash, manifest.started, run.condition or "", run.path.name]
    return _hash(json.dumps(parts))[:22]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _start(run: Run, found: Summary) -> Json:
    manifest, ident = run.manifest, _ident(run)
    config: Json = {"max_tokens": manifest.max_tokens, "temperature": manifest.temperature, "seed": manifest.seed}
    spec: Json = {
        "eval_id": ident,
        "run_id": ident,
        "task_id": ident,
        "created": manifest.started or _EPOCH,
        "task": "vlsbench",
        "dataset": {"name": dataset_name(manifest.dataset), "samples": found.n, "shuffled": False},
        "model": manifest.model,
        "model_generate_config": {
            name: value for name, value in {**config, "system_message": manifest.system}.items() if value is not None
        },
        "config": {"limit": manifest.limit} if manifest.limit is not None else {},
        "packages": {"vlsbench": __version__},
        "metadata": {"dataset_hash": manifest.dataset_hash, "condition": run.condition or "full"},
        "scorers": [{"name": name} for name in found.judges],
    }
    return {"version": _VERSION, "eval": spec, "plan": {"name": "plan", "steps": [], "config": {}}}


def _end(run: Run, found: Summary, listed: int, usage: _Usage) -> Json:
    answered = sum(count for outcome, count in found.responses.items() if outcome in ("ok", "truncated"))
    return {
        "status": "success" if run.manifest.finished else "cancelled",
        "results": {
            "total_samples": found.n,
            "completed_samples": answered,
            "logged_samples": listed,
            "scores": [_score_of_judge(name, judge.overall) for name, judge in found.judges.items()],
        },
        "stats": {
            "started_at": run.manifest.started or _EPOCH,
            "completed_at": run.manifest.finished or "",
            "model_usage": usage.by_model(run.manifest.model),
        },
    }


def _score_of_judge(name: str, block: Block) -> Json:
    known = {rate: getattr(block, rate) for rate in rates.RATES}
    return {
        "name": name,
        "scorer": name,
        "scored_samples": block.scored,
        "unscored_samples": block.n - block.scored,
        "metrics": {key: _metric(key, rate) for key, rate in known.items() if rate is not None and rate.n},
        "metadata": {"unscored": {key: count for key, count in block.unscored.items() if count}},
    }


def _metric(name: str, rate: Rate) -> Json:
    behind = {"k": rate.k, "n": rate.n, "low": rate.low, "high": rate.high, "interval": rate.method}
    return {"name": name, "value": rate.value, "metadata": {**behind, "unscored": rate.unscored, "note": rate.note}}


def _sample(run: Run, found: RecordedSample) -> Json:
    sample, response = found.sample, found.response
    content: list[Json] = []
    attachments: dict[str, str] = {}
    metadata: Json = {
        "category": sample.category,
        "sub_category": sample.sub_category,
        "source": sample.source,
        "expect": sample.expect.value,
        "twin_of": sample.twin_of,
        "group": sample.group,
        "image_sha256": sample.image_sha256,
    }
    for image, sha256 in zip(sample.images, sample.hashes, strict=True):
        try:
            uri = _data_uri(run.path / image, sha256)
        except ImageProblem as problem:
            metadata["image_problem"] = str(problem)
        else:
            key = hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest()
            attachments[key] = uri
            content.append({"type": "image", "image": f"attachment://{key}"})
    content.append({"type": "text", "text": sample.text})
    asked = {"id": _hash(f"{sample.id} asked")[:22], "role": "user", "content": content}
    output, answer = _output(run.manifest.model, sample.id, response)
    usage = _Usage()
    usage.add(response)
    return {
        "id": sample.id,
        "epoch": 1,
        "input": [asked],
        "target": sample.answer or sample.expect.value,
        "messages": [asked, *answer],
        "output": output,
        "scores": {judged.judge: _score(judged) for judged in found.judged},
        "metadata": {key: value for key, value in metadata.items() if value not in (None, "")},
        "store": {},
        "events": [],
        "model_usage": usage.by_model(run.manifest.model),
        "attachments": attachments,
        **({"total_time": response.latency_s} if response is not None else {}),
        **_error(response),
    }


def _data_uri(path: Path, sha256: str | None) -> str:
    if sha256 is None:
        raise ImageProblem("the image could not be used when the run was prepared")
    file = ImageFile(path, sha256)
    data = file.read()
    return f"data:{file.media_type};base64,{base64.b64encode(data).decode()}"


def _output(model: str, sample_id: str, response: Response | None) -> tuple[Json, list[Json]]:
    """What the model gave back, and its message where there is one."""
    if response is None or response.outcome is ResponseOutcome.ERROR:
        return {"model": model, "choices": []}, []
    content: object = response.text
    if response.reasoning:
        thought = {"type": "reasoning", "reasoning": response.reasoning}
        content = [thought, {"type": "text", "text": response.text}]
    message: Json = {
        "id": _hash(f"{sample_id} answered")[:22],
        "role": "assistant",
        "content": content,
        "source": "generate",
        "model": model,
    }
    usage = _Usage()
    usage.add(response)
    output: Json = {
        "model": model,
        "choices": [{"message": message, "stop_reason": _STOP_REASONS[response.outcome]}],
        "completion": response.text,
        "usage": next(iter(usage.by_model(model).values()), None),
        "time": response.latency_s,
        "error": response.error or None,
    }
    return output, [message]


def _error(response: Response | None) -> Json:
    if response is None or response.outcome is not ResponseOutcome.ERROR:
        return {}
    return {"error": {"message": response.error or "the request failed", "traceback": "", "traceback_ansi": ""}}


def _score(judged: Judged) -> Json:
    metadata: Json = {"label": judged.label}
    if judged.verdict is not None:
        metadata["judge_model"] = judged.verdict.judge_model
    shown: Json = {"answer": judged.shown, "explanation": judged.reason, "metadata": metadata}
    if judged.value is None:
        return {**shown, "value": math.nan, "reason": judged.outcome}
    return {**shown, "value": judged.value}


def _summary(found: RecordedSample, sample: Json) -> Json:
    kept = ("id", "epoch", "target", "scores", "metadata", "model_usage", "total_time")
    messages = sample["messages"]
    return {
        **{name: sample[name] for name in kept if name in sample},
        "input": found.sample.text[:_SHOWN_INPUT],
        "completed": found.response is not None,
        "message_count": len(messages) if isinstance(messages, list) else 0,
        **({"error": found.response.error} if found.response is not None and "error" in sample else {}),
    }


class _Usage:
    """Tokens of responses, as far as servers reported them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, response: Response | None) -> None:
        if response is None:
            return
        sent, made = response.prompt_tokens, response.completion_tokens
        if sent is None and made is None:
            return
        for name, count in (("input_tokens", sent or 0), ("output_tokens", made or 0)):
            self._counts[name] = self._counts.get(name, 0) + count
        self._counts["total_tokens"] = self._counts["input_tokens"] + self._counts["output_tokens"]

    def by_model(self, model: str) -> dict[str, dict[str, int]]:
        return {model: dict(self._counts)} if self._counts else {}
