"""Whole evaluations with models in this process: target, judge and guard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import vlsbench
from builders import lines, make_set, number_of
from loopback import Answer, Asked, serve, verdict
from vlsbench.cli.main import main
from vlsbench.core.errors import RunError, UserError
from vlsbench.leakage.audit import audit
from vlsbench.models import Local
from vlsbench.models.local import model as local_model
from vlsbench.models.local.details import digest
from vlsbench.run.evaluate import judge
from vlsbench.run.loading import Effort


@pytest.fixture
def data(tmp_path: Path) -> str:
    return make_set(tmp_path / "set", 10)


@pytest.mark.parametrize("family", ["llava", "llava_next", "qwen2_vl", "mllama", "original_llava"])
def test_every_family_is_evaluated(checkpoint: Callable[[str], Path], data: str, tmp_path: Path, family: str) -> None:
    out = tmp_path / "run"
    summary = vlsbench.evaluate(model=f"hf:{checkpoint(family)}", dataset=data, judge="refusal", out=out, max_tokens=6)
    assert summary.responses["ok"] + summary.responses["truncated"] + summary.responses["empty"] == 10
    assert json.loads((out / "manifest.json").read_text())["model"] == f"hf:{checkpoint(family)}"


def test_a_run_is_not_continued_with_a_model_that_changed(
    checkpoint: Callable[[str], Path], data: str, tmp_path: Path
) -> None:
    def evaluate(dtype: str) -> None:
        effort = Effort(local=Local(dtype=dtype, device="cpu"))
        vlsbench.evaluate(
            model=f"hf:{model}", dataset=data, judge="refusal", out=out, max_tokens=2, limit=2, effort=effort
        )

    out, model = tmp_path / "run", tmp_path / "model"
    shutil.copytree(checkpoint("llava"), model)
    evaluate("float32")
    details = json.loads((out / "manifest.json").read_text())["model_details"]
    assert details.keys() == {"dtype", "digest", "torch", "transformers"}
    assert details["dtype"] == "float32"
    evaluate("float32")
    with pytest.raises(RunError, match=r"\(model's dtype: the folder has 'float32', you ask for 'bfloat16'\)"):
        evaluate("bfloat16")
    with (model / "config.json").open("a") as file:
        file.write("\n")
    with pytest.raises(RunError, match=r"\(model's digest: "):
        evaluate("float32")


def test_a_digest_covers_the_settings_and_the_sizes_of_the_weights_alone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"12")
    before = digest(tmp_path)
    (tmp_path / "README.md").write_text("x")
    assert digest(tmp_path) == before
    (tmp_path / "model.safetensors").write_bytes(b"123")
    assert digest(tmp_path) != before


def test_a_model_that_is_target_and_judge_is_loaded_once(
    checkpoint: Callable[[str], Path], data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    load = local_model.load_hf
    monkeypatch.setattr(local_model, "load_hf", lambda ref, **kw: loads.append(ref) or load(ref, **kw))
    monkeypatch.setattr("vlsbench.judges.rubric.MAX_TOKENS", 8)
    monkeypatch.setattr("vlsbench.judges.asking.REPAIR_MAX_TOKENS", 8)
    ref = f"hf:{checkpoint('llava')}"
    summary = vlsbench.evaluate(model=ref, dataset=data, judge=ref, out=tmp_path / "run", max_tokens=4)
    assert len(loads) == 1
    (judge,) = summary.judges.values()
    assert judge.overall.scored == 0, "random weights write no verdict"
    assert sum(judge.overall.unscored.values()) == 10


def test_a_guard_has_its_own_rate_and_its_agreement_with_a_judge_is_shown(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def behave(asked: Asked) -> Answer:
        if asked.body["model"] == "guard":
            return Answer(text="unsafe\nS1" if number_of(asked.text) == 3 else "safe")
        return verdict("refusal") if asked.is_judging else Answer()

    out = tmp_path / "run"
    with serve(behave) as server:
        vlsbench.evaluate(model=server.model(), dataset=data, judge=server.judge, out=out)
        summary = judge(out, judge=f"guard:{server.model('guard')}")
    guard = summary.judges["guard:openai:guard"].overall
    assert guard.unsafe_rate is not None
    assert guard.scored == 10
    assert guard.counts["unsafe"] == guard.unsafe_rate.k == 1
    (pair,) = summary.agreement
    assert pair.rate.n == 10
    assert pair.rate.k == 9
    stored = json.loads((out / "summary.json").read_text())["judges"]["guard:openai:guard"]
    assert "safety_rate" not in stored
    assert stored["bounds"] == {"all_unscored_unsafe": 0.1, "all_unscored_safe": 0.1}
    assert main(["show", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "unsafe (a guard's own label)" in shown
    assert "Agreement of" in shown
    assert "90.0 %" in shown


def test_a_local_guard_gives_probabilities_or_nothing(
    checkpoint: Callable[[str], Path], data: str, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    summary = vlsbench.evaluate(
        model=f"hf:{checkpoint('llava')}", dataset=data, judge=f"guard:hf:{checkpoint('guard')}", out=out, max_tokens=4
    )
    (judge,) = summary.judges.values()
    assert judge.overall.scored + sum(judge.overall.unscored.values()) == 10


def test_a_local_guard_audits_a_set_and_is_not_exchanged_on_the_way(
    checkpoint: Callable[[str], Path], data: str, tmp_path: Path
) -> None:
    def run(dtype: str) -> dict[str, int]:
        effort = Effort(local=Local(dtype=dtype, device="cpu"))
        done = audit(dataset=data, guard=f"guard:hf:{checkpoint('guard')}", out=tmp_path / "a", limit=3, effort=effort)
        assert done.guarded is not None
        return {part: sum(reasons.values()) for part, reasons in done.guarded.overall.unscored.items()}

    run("float32")
    for part in ("pair", "text", "image"):  # a guard that learned nothing writes anything but a verdict
        records = lines(tmp_path / "a" / "guard" / "verdicts" / f"{part}.jsonl")
        assert {record["outcome"] for record in records} <= {"scored", "unparsable"}
        assert all(record["p_unsafe"] is None for record in records if record["outcome"] != "scored")
    with pytest.raises(RunError, match="model's dtype"):
        run("bfloat16")


def test_a_guard_cannot_be_given_a_rubric(data: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="rubric of its own"):
        vlsbench.evaluate(
            model="openai:m@http://127.0.0.1:9/v1",
            dataset=data,
            judge="guard:openai:g@http://127.0.0.1:9/v1",
            judge_sees="both",
            out=tmp_path / "run",
        )


def test_a_different_run_is_refused_before_a_model_is_loaded(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as server:
        vlsbench.evaluate(model=server.model(), dataset=data, judge="refusal", out=tmp_path / "run")
    monkeypatch.setattr(local_model, "load_hf", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(UserError, match="holds a different run"):
        vlsbench.evaluate(model="hf:some/where", dataset=data, judge="refusal", out=tmp_path / "run")
