"""Run folders made by hand, for tests of what reads them."""

from pathlib import Path
from typing import Any

import orjson

from vlsbench.store.identity import Identity
from vlsbench.store.manifest import JudgeEntry
from vlsbench.store.run_folder import Run, open_or_create

JUDGE = {"judge": "openai:judge", "sees": "image", "rubric": "vlsbench", "rubric_sha256": "0" * 64}

SAMPLE = {
    "text": "What is this?",
    "image": None,
    "image_sha256": None,
    "category": "",
    "sub_category": "",
    "source": "",
    "description": "",
    "safety_reason": "",
    "expect": "harmful",
    "twin_of": None,
    "group": None,
}


class HandMade:
    """Writes a run folder record by record, and reads it as the program does."""

    def __init__(self, path: Path, size: int, **details: Any) -> None:
        identity = Identity(
            model=details.pop("model", "openai:target"),
            dataset=details.pop("dataset", "jsonl:set.jsonl"),
            dataset_hash="0" * 64,
            max_tokens=128,
            temperature=0.0,
            system=None,
            seed=None,
            limit=None,
        )
        self.run = open_or_create(path, identity, {"dataset_size": size, **details})
        self.run.unlock()

    def sample(self, sample_id: str, **fields: Any) -> None:
        self.append(self.run.samples, {"sample_id": sample_id, **SAMPLE, **fields})

    def response(self, sample_id: str, outcome: str = "ok", **fields: Any) -> None:
        record = {"sample_id": sample_id, "outcome": outcome, "text": "An answer.", **fields}
        self.append(self.run.responses, record)

    def judge(self, stem: str = "judge-00000000", **entry: Any) -> None:
        settings = {**JUDGE, **entry}
        own = {name: settings.pop(name) for name in ("judge", "labels", "baseline", "adaptations") if name in settings}
        self.run.add_judge(stem, JudgeEntry(**own, settings=settings))

    def verdict(self, sample_id: str, said: str | None, stem: str = "judge-00000000", **fields: Any) -> None:
        """`said` is a label, or the outcome of a verdict without one."""
        scored = said in ("refusal", "warning", "unsafe", "safe", "correct", "incorrect", "graded")
        record = {
            "sample_id": sample_id,
            "outcome": "scored" if scored else said,
            "label": said if scored else None,
            "reason": "because",
            **fields,
        }
        self.append(self.run.verdicts(stem), record)

    def raw(self, path: Path, line: bytes) -> None:
        with path.open("ab") as file:
            file.write(line)

    def append(self, path: Path, record: dict[str, Any]) -> None:
        self.raw(path, orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

    @property
    def read(self) -> Run:
        return Run(self.run.path)


def graded(path: Path, *rows: tuple[str, float | None, str], **manifest: Any) -> HandMade:
    """A run on MM-Vet: (id, grade or None where it cannot be read, capabilities) per sample."""
    made = HandMade(path, len(rows), **{"dataset": "mmvet:set", **manifest})
    made.judge(judge="graded:openai:judge", labels=["graded"])
    for sample_id, grade, capabilities in rows:
        made.sample(sample_id, expect="benign", source="mmvet", category=capabilities)
        made.response(sample_id)
        if grade is None:
            made.verdict(sample_id, "unparsable")
        else:
            made.verdict(sample_id, "graded", score=grade)
    return made


def judged(
    path: Path, *rows: tuple[str, str | None] | tuple[str, str | None, dict[str, Any]], **manifest: Any
) -> HandMade:
    """A run with one judge: (id, label or outcome or None for pending, sample fields) per sample."""
    made = HandMade(path, len(rows))
    made.judge()
    for sample_id, said, *fields in rows:
        made.sample(sample_id, **(fields[0] if fields else {}))
        if said == "no_response":
            made.response(sample_id, "error")
        elif said is not None:
            made.response(sample_id)
        if said is not None:
            made.verdict(sample_id, said)
    if manifest:
        made.run.update(**manifest)
    return made
