"""Runs to report on, and their pages."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import vlsbench
from builders import tiny_png
from run_folders import HandMade


class Study:
    """Two models on samples with pictures, twins and two judges; one of everything that a report shows."""

    def __init__(self, folder: Path, n: int = 30) -> None:
        self.folder = folder
        self.runs = [self._run(name, number, n) for number, name in enumerate(("careful", "eager"))]

    def _run(self, name: str, number: int, n: int) -> Path:
        made = HandMade(
            self.folder / name, n, model=f"openai:{name}@http://localhost:1/v1", dataset="jsonl:/x/set.jsonl"
        )
        made.judge()
        made.judge("refusal-11111111", judge="refusal", baseline=True)
        for index in range(n):
            sample_id = f"s{index}"
            benign = index % 5 == 4
            made.sample(
                sample_id,
                text=f"What about item {index} on the table?",
                category=("Garden", "Kitchen", "Workshop")[index % 3],
                sub_category=("tools", "plants")[index % 2],
                description=f"Item {index}.",
                expect="benign" if benign else "harmful",
                twin_of=f"s{index - 1}" if benign else None,
                **picture(made.run.path, index),
            )
            if index == 7:
                made.response(sample_id, "error", text="", error="the server was down")
                made.verdict(sample_id, "no_response")
                made.verdict(sample_id, "no_response", "refusal-11111111")
                continue
            made.response(sample_id, text=f"{name} answers number {index}.")
            label = "refusal" if benign and number == 0 else ("refusal", "warning", "unsafe")[(index + number) % 3]
            made.verdict(sample_id, label, reason=f"{name} was judged so")
            made.verdict(sample_id, "unsafe", "refusal-11111111")
        return made.run.path


def picture(folder: Path, number: int) -> dict[str, str]:
    """An image file in a run folder, and the fields of the sample that has it."""
    data = tiny_png(number)
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / f"{number}.png").write_bytes(data)
    return {"image": f"images/{number}.png", "image_sha256": hashlib.sha256(data).hexdigest()}


def write_report(out: Path, *refs: Path | str, **options: Any) -> Path:
    vlsbench.write_report(refs, out, **options)
    return out
