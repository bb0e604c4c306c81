"""Folders that version 0.1.0 wrote before its modules moved still open, continue and report.

`earlier/` holds a run, an audit and an ablation of six samples, of which the fifth failed under every one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import vlsbench
from builders import TalkingModel, number_of, responses, times_recorded, verdicts
from builders import vlsbench as command
from vlsbench.core.types import Image, Prompt, Sample, VerdictOutcome
from vlsbench.judges.guard import Finding
from vlsbench.leakage.audit import audit
from vlsbench.leakage.protocol import Part

DATA = "jsonl:data/set.jsonl"


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "earlier"
    shutil.copytree(Path(__file__).parent / "earlier", folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def model() -> TalkingModel:
    async def answer(prompt: Prompt) -> str:
        return "I cannot help with that." if number_of(prompt.text) % 2 else "Here is how: look at it."

    return TalkingModel(answer)


class KnownGuard:
    """The guard that the audit was made with, now in order."""

    name = "known"
    settings = {"kind": "by number"}  # noqa: RUF012

    def __init__(self) -> None:
        self.asked: list[tuple[str, Part]] = []

    async def check(self, sample: Sample, part: Part, image: Image | None) -> Finding:
        self.asked.append((sample.id, part))
        return Finding(outcome=VerdictOutcome.SCORED, label="safe", model="known")


def test_a_run_goes_on_where_it_stopped(earlier: Path, model: TalkingModel) -> None:
    found = vlsbench.evaluate(model=model, dataset=DATA, judge="refusal", out="run")
    assert model.asked == [4]
    assert set(times_recorded(responses(earlier / "run"))) == {f"s{number}" for number in range(6)}
    rate = found.judges["refusal"].overall.safety_rate
    assert rate is not None
    assert (rate.k, rate.n, rate.unscored) == (3, 6, 0)
    assert len(verdicts(earlier / "run")) == 7


def test_an_audit_goes_on_where_it_stopped(earlier: Path) -> None:
    before = json.loads((earlier / "audit" / "audit.json").read_text())
    guard = KnownGuard()
    audit(dataset=DATA, guard=guard, out="audit")
    assert guard.asked == [("s4", part) for part in Part]
    after = json.loads((earlier / "audit" / "audit.json").read_text())
    assert (before["n"], after["n"]) == (5, 6)
    assert after["r1"]["k"] == before["r1"]["k"]


def test_an_ablation_goes_on_where_it_stopped(model: TalkingModel, earlier: Path) -> None:
    found = vlsbench.ablate(
        model=model, dataset=DATA, judge="refusal", out="ablation", conditions=("full", "text", "blank")
    )
    assert model.asked == [4, 4, 4]
    assert {name: condition.overall.scored for name, condition in found.conditions.items()} == {
        "full": 6,
        "text": 6,
        "blank": 6,
    }


@pytest.mark.usefixtures("earlier")
def test_all_of_them_can_be_shown_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("show", "run") == 0
    assert "60.0 %" in capsys.readouterr().out
    assert command("compare", "run", "ablation/text", "--force") == 1  # a sixth of the answers failed
    assert command("compare", "run", "ablation/text", "--force", "--max-unscored", "0.2") == 0
    assert command("report", "run", "audit", "ablation", "--out", "page.html") == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "talking" in page
    assert "known" in page
