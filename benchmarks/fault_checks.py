"""What must hold of a run folder whatever happened: nothing lost, nothing doubled, no failure in a rate, no key."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.fault_kinds import KEY
from benchmarks.fault_server import ANSWER, JUDGE, Fault, honest, label

_ID = re.compile(r"bench-\d{6}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_ANSWERS = ("ok", "truncated")


def lines(path: Path) -> list[dict[str, Any]]:
    """The records of a journal; a line that is none raises."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def verdicts(run: Path) -> Path:
    """The one verdict file of a run."""
    return next((run / "verdicts").glob("*.jsonl"), run / "verdicts" / "none.jsonl")


def numbers(records: list[dict[str, Any]]) -> list[int]:
    """The numbers of the samples that records are about."""
    return [int(record["sample_id"].rpartition("-")[2]) for record in records]


def served(run: Path, faults: Mapping[tuple[str, int], Fault], n: int) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a finished run against misbehaving servers: kind and name of the fault, and what is wrong."""
    responses, judged = lines(run / "responses.jsonl"), lines(verdicts(run))
    for name, records in (("responses", responses), ("verdicts", judged)):
        if sorted(numbers(records)) != list(range(n)):
            yield "whole run", name, "a sample is missing or doubled"
    verdict_of = dict(zip(numbers(judged), judged, strict=True))
    counts: Counter[str] = Counter()
    for number, response in zip(numbers(responses), responses, strict=True):
        asked, grading = faults.get((ANSWER, number)), faults.get((JUDGE, number))
        wanted = asked.answer if asked is not None else ("ok",)
        fault = asked or grading
        kind, name = (fault.kind, fault.name) if fault is not None else ("whole run", "honest")
        if response["outcome"] not in wanted:
            yield kind, name, f"{response['outcome']} instead of {' or '.join(wanted)}: {response['error']:.80}"
        if response["outcome"] in _ANSWERS and not _is_said(response["text"], number):
            has_none = response["outcome"] == "truncated" and not response["text"].strip()
            if not has_none:
                yield kind, name, "the recorded answer is not what was said"
        verdict = verdict_of.get(number, {})
        scored = verdict.get("outcome") == "scored"
        is_answer = response["outcome"] in _ANSWERS and bool(response["text"].strip())
        may = is_answer and (grading is None or grading.scores is not False)
        must = is_answer and (grading is None or grading.scores is True)
        if scored and not may:
            yield kind, name, f"a failure is scored {verdict.get('label')}"
        if must and not scored:
            yield kind, name, f"unscored ({verdict.get('outcome')}): {verdict.get('reason', ''):.80}"
        if scored and verdict.get("label") != label(number):
            yield kind, name, f"scored {verdict.get('label')} instead of {label(number)}"
        counts[label(number) if scored else "unscored"] += 1
    yield from _summary(run, counts, n)


def _is_said(text: str, number: int) -> bool:
    return honest(ANSWER, number) in text and "Hm, hm." not in text


def _summary(run: Path, counts: Counter[str], n: int) -> Iterator[tuple[str, str, str]]:
    summary = json.loads((run / "summary.json").read_bytes())
    (judge,) = summary["judges"].values()
    unscored = sum(judge["unscored"].values())
    if unscored != counts["unscored"] or judge["scored"] + unscored != n:
        yield "whole run", "summary", f"{unscored} of {n} unscored instead of {counts['unscored']}"
    for name, count in judge["counts"].items():
        if count != counts[name]:
            yield "whole run", "summary", f"{count} {name} instead of {counts[name]}"


def complete(run: Path, n: int) -> Iterator[str]:
    """What is wrong with a run that honest servers have brought to its end, whatever happened on the way."""
    for name, path in (("responses", run / "responses.jsonl"), ("verdicts", verdicts(run))):
        last = dict(zip(*_readable(path), strict=True))
        if sorted(last) != list(range(n)):
            yield f"{name}: {n - len(last)} lost"
        for number, record in last.items():
            said = str(record.get("text")).removesuffix(" edited")  # somebody's own words are judged as they stand
            if name == "responses" and (record["outcome"], said) != ("ok", honest(ANSWER, number)):
                yield f"responses: {number} is {record['outcome']}, or not what was said"
            if name == "verdicts" and (record["outcome"], record["label"]) != ("scored", label(number)):
                yield f"verdicts: {number} is {record['outcome']} {record['label']}"
    yield from (what for _, _, what in _summary(run, Counter(map(label, range(n))), n))


def doubled(run: Path) -> Iterator[str]:
    """Samples with more than one answer or verdict, where nothing failed or was damaged."""
    for path in (run / "responses.jsonl", verdicts(run)):
        often = [number for number, times in Counter(_readable(path)[0]).items() if times > 1]
        if often:
            yield f"{path.name}: {len(often)} doubled"


def _readable(path: Path) -> tuple[list[int], list[dict[str, Any]]]:
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        # What is damaged beyond recognition counts as not recorded, and has been asked for again.
        if isinstance(record, dict) and "outcome" in record and _ID.fullmatch(str(record.get("sample_id"))):
            found.append(record)
    return numbers(found), found


def holds_key(run: Path, *printed: str) -> Iterator[str]:
    """Where the key stands: in a file of the folder or in what was printed, also in escapes."""
    for folder, _, names in os.walk(run):
        for name in names:
            text = (Path(folder) / name).read_bytes().decode(errors="replace")
            if _shows_key(text):
                yield f"the key is in {name}"
    if any(map(_shows_key, printed)):
        yield "the key is printed"


def _shows_key(text: str) -> bool:
    # A text within a record within a line: twice escaped.
    for _ in range(4):
        if KEY in text:
            return True
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
        text = text.replace('\\"', '"').replace("\\/", "/").replace("\\\\", "\\")
    return KEY in text
