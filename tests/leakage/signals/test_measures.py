"""The signals as the audit takes them in: streamed past, added up, and written beside the verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builders import lines, vlsbench
from vlsbench.core.errors import MissingExtra
from vlsbench.core.types import Sample
from vlsbench.leakage.audit import audit
from vlsbench.leakage.baseline import partial_input
from vlsbench.leakage.signals import signals
from vlsbench.leakage.signals.overlap import Span


@dataclass
class Fake:
    """What the signals of one sample look like."""

    description_overlap: float | None
    spans: tuple[Any, ...]
    ocr_overlap: float | None = None


class SignalTotals:
    def __init__(self) -> None:
        self.n = 0

    def add(self, signals: Fake) -> None:
        self.n += 1

    def to_json(self) -> dict[str, Any]:
        return {"leaking": self.n, "description_overlap": {"n": self.n, "mean": 0.5}}


def measure(
    data: Any, limit: int | None, *, ocr: bool | None, embedder: str | None, embedders: Any, say: Any
) -> Iterator[Any]:
    say("OCR is skipped")
    return ((sample, _fake(sample)) for sample in data)


def _fake(sample: Sample) -> Fake:
    number = int(sample.id.rpartition("-")[2])
    return Fake(number / 10, (Span(start=0, end=4, source="description"),))


def baseline(data: Any, limit: int | None, *, reference: Any = None) -> Any:
    raise MissingExtra("scikit-learn", "audit")


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "measure", measure)
    monkeypatch.setattr(signals, "SignalTotals", SignalTotals)
    monkeypatch.setattr(partial_input, "baseline", baseline)


def test_signals_stand_beside_the_verdicts_and_their_totals_in_the_figures(tmp_path: Path) -> None:
    done = audit(dataset="mini:leaky:8", guard="guard:world", out=tmp_path / "a")
    listed = lines(tmp_path / "a" / "samples.jsonl")
    assert [one["signals"]["description_overlap"] for one in listed] == [number / 10 for number in range(8)]
    assert {one["guard"]["text"]["label"] for one in listed} == {"unsafe"}
    found = json.loads((tmp_path / "a" / "audit.json").read_text())
    assert found["signals"]["description_overlap"] == {"n": 8, "mean": 0.5}
    assert found["notes"][0] == "OCR is skipped"
    assert "[audit]'" in found["partial_input"]["skipped"]
    assert [example.sample_id for example in done.examples] == [f"leaky-{number}" for number in (7, 6, 5, 4, 3)]


def test_what_is_left_out_is_said_and_what_leaks_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vlsbench("audit", "--dataset", "mini:leaky:2", "--out", tmp_path / "a") == 0
    shown = capsys.readouterr()
    assert "OCR is skipped" in shown.err
    assert "leaky-1: >" in shown.out
    assert "mean 0.500 over 2" in shown.out
