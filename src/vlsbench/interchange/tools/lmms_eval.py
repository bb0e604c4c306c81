"""lmms-eval's logs of samples: ``DATE_samples_TASK.jsonl``, written with ``--log_samples`` (read: version 0.7.3).

Each line has ``doc_id`` (the number of the document in the task's split), ``input`` (the text that was sent),
``filtered_resps`` (the answer after the task's filters) and, where it differs, ``resps`` (the answer itself). All are
texts, or lists of texts where a document was asked several times. ``DATE_results.json`` beside it names the model.
"""

from __future__ import annotations

import re
from pathlib import Path

from vlsbench.core.errors import UserError
from vlsbench.core.words import counted
from vlsbench.interchange.tools.answers import (
    Answer,
    Answers,
    Record,
    count_of,
    failed,
    json_lines,
    number_of,
    object_of,
    parse,
    said,
    text_of,
)

_FAILED = ("[LMMS_EVAL_REQUEST_FAILED", "[LMMS_EVAL_BUDGET_EXCEEDED")
"""How lmms-eval begins what it writes in place of an answer."""

_NO_CONTENT = "None"
"""What becomes of a reply without content: the tool makes a text of every value."""

_NAME = re.compile(r"(?P<date>.+)_samples_(?P<task>.+)\.jsonl")
_LOG_LIKELIHOOD = re.compile(r"-?(\d+(\.\d+)?(e-?\d+)?|inf)")


def read(file: Path) -> Answers:
    """Read a log of samples, and what the results beside it say of the model.

    Raises:
        UserError: The file cannot be read, or holds log-likelihoods in place of answers.
    """
    damaged: list[str] = []
    found: list[Answer] = []
    repeated = 0
    for record in json_lines(file, damaged):
        texts = _texts(record.get("resps", record.get("filtered_resps")))
        if not texts:
            damaged.append(f"doc_id {record.get('doc_id')!r}")
            continue
        if len(texts) > 1 and _LOG_LIKELIHOOD.fullmatch(texts[0]) and texts[1] in ("True", "False"):
            raise UserError(f"{file} holds log-likelihoods of given choices, and no answers that could be judged.")
        repeated += len(texts) > 1
        found.append(_answer(record, texts[0]))
    results, task = _results(file)
    options = object_of(object_of(object_of(results, "configs"), task), "generation_kwargs")
    notes = [f"{counted(repeated, 'document')} with several answers: the first of each was taken."] if repeated else []
    return Answers(
        model=text_of(results, "model_name"),
        found=tuple(found),
        max_tokens=count_of(options, "max_new_tokens"),
        temperature=number_of(options, "temperature"),
        system=text_of(results, "system_instruction") or None,
        damaged=tuple(damaged),
        notes=tuple(notes),
    )


def _texts(value: object) -> list[str]:
    """The texts of a value, however it is nested; two floors are what the tool writes."""
    floors = [value]
    for _ in range(4):
        floors = [inner for each in floors for inner in (each if isinstance(each, list) else [each])]
    return [each for each in floors if isinstance(each, str)]


def _answer(record: Record, text: str) -> Answer:
    number = count_of(record, "doc_id")
    key = text_of(record, "doc_id") or (str(number) if number is not None else "")
    asked = record.get("input")
    tokens = record.get("token_counts")
    counts: Record = next((each for each in tokens if isinstance(each, dict)), {}) if isinstance(tokens, list) else {}
    if text.startswith(_FAILED):
        reply = failed(text)
    else:
        reply = said(
            "" if text == _NO_CONTENT else text,
            prompt_tokens=count_of(counts, "input_tokens"),
            completion_tokens=count_of(counts, "output_tokens"),
        )
    return Answer(
        keys=(key,) if key else (),
        position=number,
        asked=asked if isinstance(asked, str) else "",
        reply=reply,
        raw=record,
    )


def _results(file: Path) -> tuple[Record, str]:
    """What ``DATE_results.json`` beside the log holds, if it is there and sound; and the task's name."""
    named = _NAME.fullmatch(file.name)
    if named is None:
        return {}, ""
    try:
        found = parse((file.parent / f"{named['date']}_results.json").read_bytes())
    except (OSError, ValueError):
        return {}, named["task"]
    return found if isinstance(found, dict) else {}, named["task"]
