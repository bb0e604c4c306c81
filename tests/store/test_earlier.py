"""Folders that version 0.1.0 wrote before its modules moved still open, continue and report.

`earlier/` holds a run, an audit and an ablation of six samples, of which the fifth failed under every one. In
`earlier/addressed/` are a run, an audit and an ablation whose model, judge and guard were behind a server, as 0.1.0
wrote them by default: with the server's address in names, and in what folders and verdict files are called.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import vlsbench
from builders import TalkingModel, number_of, responses, times_recorded, verdicts
from builders import vlsbench as command
from loopback import Answer, Asked, Loopback, error, serve, verdict
from vlsbench.core.types import Image, Prompt, Sample, VerdictOutcome
from vlsbench.judges.guard import Finding
from vlsbench.leakage.audit import audit
from vlsbench.leakage.protocol import Part
from vlsbench.run.estimate import estimate
from vlsbench.run.plan import Evaluation

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


THERE = "http://127.0.0.1:35613/v1"
"""Where the server of the addressed folders was; nobody is there now."""


@pytest.fixture
def server() -> Iterator[Loopback]:
    def behave(asked: Asked) -> Answer:
        return verdict("unsafe") if asked.is_judging else Answer(text="safe")

    with serve(behave) as running:
        yield running


@pytest.fixture
def addressed(earlier: Path) -> Path:
    (earlier / "addressed").rename(earlier / "runs")
    return earlier / "runs"


def test_a_run_whose_server_moved_goes_on_where_it_stopped(addressed: Path, server: Loopback) -> None:
    (run,) = addressed.glob("target-*")
    found = vlsbench.evaluate(model=server.model(), dataset=DATA, judge=server.judge, out=run)
    assert [asked.text for asked in server.answers] == ["Question 5: what is in the picture?"]
    assert len(server.verdicts) == 1
    assert found.judges.keys() == {"openai:judge"}
    assert found.judges["openai:judge"].overall.scored == 6
    manifest = json.loads((run / "manifest.json").read_text())
    assert (manifest["model"], manifest["parameters"]["addresses"]) == ("openai:target", [server.url])
    (judge,) = manifest["judges"].values()
    assert (judge["judge"], judge["addresses"]) == ("openai:judge", [THERE, server.url])


def test_its_judge_may_move_twice(addressed: Path) -> None:
    (run,) = addressed.glob("target-*")
    for _ in range(2):
        with serve(lambda asked: verdict("unsafe") if asked.is_judging else error(400)) as server:
            vlsbench.judge(run, judge=server.judge)
            assert not server.asked  # five are judged, the sixth has no answer
    assert len(list((run / "verdicts").iterdir())) == 1


@pytest.mark.usefixtures("addressed")
def test_what_was_made_without_naming_a_folder_is_found_again(addressed: Path) -> None:
    target, judge = f"openai:target@{THERE}", f"openai:judge@{THERE}"
    before = sorted(addressed.iterdir())
    found = vlsbench.ablate(model=target, dataset=DATA, judge=judge, conditions=("full", "text"), limit=3)
    assert {condition.overall.scored for condition in found.conditions.values()} == {3}
    done = audit(dataset=DATA, guard=f"guard:openai:guard@{THERE}", limit=3)
    assert done.guarded is not None
    assert done.guarded.guard == "guard:openai:guard"
    sized = estimate(Evaluation(model=target, dataset=DATA, judge=judge))
    assert (sized.answer_requests, sized.judge_requests) == (1, 1)
    assert sorted(addressed.iterdir()) == before


def test_runs_from_before_and_after_compare_without_force(
    addressed: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    (before,) = addressed.glob("target-*")
    vlsbench.evaluate(model=server.model("other"), dataset=DATA, judge=server.judge, out="after")
    assert command("compare", str(before), "after", "--max-unscored", "0.2") == 0
    assert "reported different models" not in capsys.readouterr().out
    assert command("table", str(before), "after", "--judge", f"openai:judge@{THERE}", "--max-unscored", "0.2") == 0
    (ablation,) = addressed.glob("ablation-*")
    assert command("report", str(before), "after", str(ablation), "--out", "page.html") == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert f"--model openai:target@{THERE}" in page
    assert f"--judge openai:judge@{server.url}" in page
