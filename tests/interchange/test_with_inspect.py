"""What the newest Inspect makes of our logs, and vlsbench inside Inspect. Runs where Inspect is: `make inspect`.

Inspect wants other versions of shared packages than this project's constraints, so it may have an interpreter of its
own, with vlsbench installed too: INSPECT_PYTHON names it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vlsbench
from builders import responses
from loopback import Answer, Asked, serve, verdict
from run_folders import HandMade

PYTHON = os.environ.get("INSPECT_PYTHON") or (sys.executable if importlib.util.find_spec("inspect_ai") else "")

pytestmark = pytest.mark.skipif(not PYTHON, reason="no Inspect here: make inspect")

READ = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries
log = read_eval_log(sys.argv[1], resolve_attachments=True)
assert read_eval_log(sys.argv[1], header_only=True).results == log.results
first = log.samples[0]
scores = [(s.id, next(iter(s.scores.values()))) for s in log.samples if s.scores]
print(json.dumps({
    "status": log.status,
    "model": log.eval.model,
    "picture": getattr(first.input[0].content[0], "image", "")[:22] if isinstance(first.input, list) else "",
    "answer": first.output.completion,
    "usage": {name: usage.total_tokens for name, usage in log.stats.model_usage.items()},
    "scores": {i: [None if s.value != s.value else s.value, s.answer, s.reason] for i, s in scores},
    "metrics": {name: m.value for score in log.results.scores for name, m in score.metrics.items()},
    "counts": [[score.scored_samples, score.unscored_samples] for score in log.results.scores],
    "errors": {s.id: s.error.message for s in log.samples if s.error},
    "summaries": len(read_eval_log_sample_summaries(sys.argv[1])),
}))
"""


def read(log: Path) -> dict[str, Any]:
    done = subprocess.run([PYTHON, "-c", READ, str(log)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_newest_inspect_reads_our_log(made: HandMade, tmp_path: Path) -> None:
    vlsbench.export_runs([made.run.path], tmp_path / "run.eval", format="inspect")
    found = read(tmp_path / "run.eval")
    assert (found["status"], found["model"], found["summaries"]) == ("success", "openai:target", 7)
    assert found["picture"] == "data:image/png;base64,"
    assert found["usage"] == {"openai:target": 175}
    assert found["counts"] == [[4, 3]]
    assert found["metrics"]["safety_rate"] == pytest.approx(2 / 3)
    assert found["scores"]["a"] == [1.0, "refusal", None]
    assert found["scores"]["c"] == [0.0, "unsafe", None]
    assert found["scores"]["d"] == [None, "judge_refused", "judge_refused"]
    assert found["errors"] == {"e": "the server fell over"}


def answer(asked: Asked) -> Answer:
    if asked.body["model"] == "JUDGE":
        return verdict("warning")
    return Answer(text="" if "moon" in json.dumps(asked.body["messages"])[-300:] else "I see a thing.")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of `inspect eval vlsbench/vlsbench` on eight samples."""
    folder = tmp_path_factory.mktemp("inspect")
    with serve(answer) as server:
        environment = {
            **os.environ,
            "LOCAL_API_KEY": "none",
            "LOCAL_BASE_URL": server.url,
            "INSPECT_LOG_DIR": str(folder),
        }
        words = "eval vlsbench/vlsbench -T dataset=mini:twins:8 --model openai-api/local/target --display none"
        done = subprocess.run(
            [PYTHON, "-m", "inspect_ai", *words.split(), "--model-role", "grader=openai-api/local/JUDGE"],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        judged = [asked for asked in server.asked if asked.body["model"] == "JUDGE"]
        assert judged
        assert all("data:image/png;base64," in json.dumps(asked.body["messages"]) for asked in server.asked)
    (log,) = folder.glob("*.eval")
    return log


def test_inspect_runs_our_task_with_its_own_providers(logged: Path) -> None:
    found = read(logged)
    assert found["status"] == "success"
    assert sum(map(sum, found["counts"])) == 8
    scored = [score for score in found["scores"].values() if score[0] is not None]
    assert scored
    assert all(score == [1.0, "warning", None] for score in scored)
    unscored = [score for score in found["scores"].values() if score[0] is None]
    assert all(score == [None, "no_response", "no_response"] for score in unscored)
    assert found["metrics"]["safety_rate"] == 1.0
    assert found["metrics"]["over_refusal_rate"] == 0.0
    assert 0 < found["metrics"]["safety_rate_low"] < 1


def test_inspects_own_log_becomes_a_run(logged: Path, tmp_path: Path) -> None:
    """Inspect packs with Zstandard."""
    found = vlsbench.import_run(logged, tool="inspect", dataset="mini:twins:8", out=tmp_path / "run")
    assert (found.matched_by, found.compared, found.damaged) == ("id", 8, ())
    assert {record["text"] for record in responses(tmp_path / "run") if record["outcome"] == "ok"} == {"I see a thing."}


def test_a_grading_judge_gives_its_mean_to_inspect(tmp_path: Path) -> None:
    grades = {"first": 0.25, "second": 0.75}

    def graded(asked: Asked) -> Answer:
        if asked.body["model"] != "JUDGE":
            return Answer(text="a lamp")
        said = json.dumps(asked.body["messages"])
        if "third" in said:
            return Answer(text="no grade")
        return Answer(text=json.dumps({"reason": "so", "score": grades["first" if "first" in said else "second"]}))

    lines = [{"sample_id": name, "text": f"What is the {name}?", "answer": "lamp"} for name in (*grades, "third")]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with serve(graded) as server:
        environment = {
            **os.environ,
            "LOCAL_API_KEY": "none",
            "LOCAL_BASE_URL": server.url,
            "INSPECT_LOG_DIR": str(tmp_path),
        }
        words = "eval vlsbench/vlsbench -T dataset=jsonl:set.jsonl -T judge=graded/2:grader --display none"
        models = "--model openai-api/local/target --model-role grader=openai-api/local/JUDGE"
        done = subprocess.run(
            [PYTHON, "-m", "inspect_ai", *words.split(), *models.split()],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert sum(asked.body["model"] == "JUDGE" for asked in server.asked) == 2 + 2 + 2 * 2
    (log,) = tmp_path.glob("*.eval")
    found = read(log)
    assert {name: score[0] for name, score in found["scores"].items()} == {"first": 0.25, "second": 0.75, "third": None}
    assert found["metrics"]["score"] == 0.5
    assert "safety_rate" not in found["metrics"]


def test_a_model_is_never_its_own_judge_unasked(tmp_path: Path) -> None:
    with serve(answer) as server:
        environment = {**os.environ, "LOCAL_API_KEY": "none", "LOCAL_BASE_URL": server.url}
        words = "eval vlsbench/vlsbench -T dataset=mini:twins:2 --model openai-api/local/target --display none"
        environment["INSPECT_LOG_DIR"] = str(tmp_path)
        subprocess.run([PYTHON, "-m", "inspect_ai", *words.split()], env=environment, cwd=tmp_path, check=False)
    (log,) = tmp_path.glob("*.eval")
    found = read(log)
    assert [score[2] for score in found["scores"].values()] == ["judge_error"] * 2
