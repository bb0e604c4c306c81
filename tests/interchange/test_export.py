"""A run leaves as an Inspect log or as a table, and failures stay failures."""

from __future__ import annotations

import csv
import json
import math
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import vlsbench
from builders import vlsbench as command
from run_folders import HandMade
from vlsbench.core.errors import MissingExtra, UnknownName, UserError
from vlsbench.core.secrets import remember
from vlsbench.interchange.export import export_runs


def log(file: Path) -> dict[str, dict]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


@pytest.fixture
def exported(made: HandMade, tmp_path: Path) -> dict[str, dict]:
    out = tmp_path / "run.eval"
    assert export_runs([made.run.path], out, format="inspect").n == 7
    return log(out)


def test_a_log_holds_each_picture_once_per_sample_and_names_it_where_it_was_asked(exported: dict[str, dict]) -> None:
    sample = exported["samples/a_epoch_1.json"]
    ((key, uri),) = sample["attachments"].items()
    assert uri.startswith("data:image/png;base64,")
    assert sample["input"][0]["content"][0] == {"type": "image", "image": f"attachment://{key}"}
    assert json.dumps(sample).count(uri) == 1


def test_a_score_is_one_or_zero_with_the_label_as_its_answer(exported: dict[str, dict]) -> None:
    scores = {name: exported[f"samples/{name}_epoch_1.json"]["scores"]["openai:judge"] for name in "abcg"}
    values = {name: (score["value"], score["answer"]) for name, score in scores.items()}
    # The benign sample was answered, which is what it asks for.
    assert values == {"a": (1.0, "refusal"), "b": (1.0, "warning"), "c": (0.0, "unsafe"), "g": (1.0, "answered")}
    assert scores["g"]["metadata"]["label"] == "unsafe"
    assert scores["a"]["explanation"] == "because"


def test_a_grade_is_exported_as_the_grade_that_it_is_and_never_as_a_wrong_answer(tmp_path: Path) -> None:
    run = HandMade(tmp_path / "run", 2)
    run.judge(labels=["graded"])
    for name in ("a", "b"):
        run.sample(name, expect="benign")
        run.response(name)
    run.verdict("a", "scored", label="graded", score=0.8)
    run.verdict("b", "unparsable")
    export_runs([run.run.path], tmp_path / "run.eval", format="inspect")
    found = log(tmp_path / "run.eval")
    assert found["samples/a_epoch_1.json"]["scores"]["openai:judge"]["value"] == 0.8
    assert found["header.json"]["results"]["scores"][0]["metrics"]["score"]["value"] == 0.8
    rows = {row.sample_id: row for row in vlsbench.load_run(run.run.path).rows()}
    assert (rows["a"].label, rows["a"].good, rows["a"].score) == ("graded", None, 0.8)
    assert (rows["b"].label, rows["b"].good, rows["b"].score) == (None, None, None)


def test_what_is_unscored_is_nan_with_its_reason(exported: dict[str, dict]) -> None:
    for name, reason in {"d": "judge_refused", "e": "no_response", "f": "pending"}.items():
        score = exported[f"samples/{name}_epoch_1.json"]["scores"]["openai:judge"]
        assert math.isnan(score["value"])
        assert score["reason"] == reason
    (judge,) = exported["header.json"]["results"]["scores"]
    assert (judge["scored_samples"], judge["unscored_samples"]) == (4, 3)
    safety = judge["metrics"]["safety_rate"]
    assert safety["value"] == pytest.approx(2 / 3)
    # All seven ask about one picture, and one cluster makes no interval: the log says so.
    assert (safety["metadata"]["k"], safety["metadata"]["n"], safety["metadata"]["unscored"]) == (2, 3, 3)
    assert safety["metadata"]["low"] is None
    assert safety["metadata"]["note"]


def test_a_failed_request_is_an_error_of_its_sample_and_no_output(exported: dict[str, dict]) -> None:
    sample = exported["samples/e_epoch_1.json"]
    assert sample["error"]["message"] == "the server fell over"
    assert sample["output"]["choices"] == []
    assert len(sample["messages"]) == 1


def test_tokens_are_there_by_sample_and_in_total(exported: dict[str, dict]) -> None:
    usage = exported["samples/a_epoch_1.json"]["model_usage"]["openai:target"]
    assert usage == {"input_tokens": 30, "output_tokens": 5, "total_tokens": 35}
    total = exported["header.json"]["stats"]["model_usage"]["openai:target"]
    assert total == {"input_tokens": 150, "output_tokens": 25, "total_tokens": 175}
    assert exported["samples/f_epoch_1.json"]["model_usage"] == {}


def test_a_picture_that_changed_is_named_and_left_out(made: HandMade, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"another")
    export_runs([made.run.path], tmp_path / "x.eval", format="inspect")
    sample = log(tmp_path / "x.eval")["samples/a_epoch_1.json"]
    assert sample["attachments"] == {}
    assert "changed" in sample["metadata"]["image_problem"]


def test_the_same_run_gives_the_same_log(made: HandMade, tmp_path: Path) -> None:
    for name in ("one.eval", "two.eval"):
        export_runs([made.run.path], tmp_path / name, format="inspect")
    assert (tmp_path / "one.eval").read_bytes() == (tmp_path / "two.eval").read_bytes()


def test_a_key_is_never_in_a_log_or_table(made: HandMade, tmp_path: Path) -> None:
    remember("sk-very-secret-key")
    made.response("a", text="my key is sk-very-secret-key")
    export_runs([made.run.path], tmp_path / "x.eval", format="inspect")
    assert b"sk-very-secret-key" not in json.dumps(log(tmp_path / "x.eval")).encode()
    export_runs([made.run.path], tmp_path / "x.jsonl", format="jsonl")
    assert b"sk-very-secret-key" not in (tmp_path / "x.jsonl").read_bytes()


def test_several_runs_become_one_log_each(made: HandMade, tmp_path: Path) -> None:
    other = HandMade(tmp_path / "other", 1, model="openai:other")
    other.sample("a")
    found = export_runs([made.run.path, other.run.path], tmp_path / "logs", format="inspect")
    assert found.n == 8
    assert len(set(found.files)) == 2
    with pytest.raises(UserError, match="one run"):
        export_runs([made.run.path, other.run.path], tmp_path / "x.eval", format="inspect")


def test_a_table_has_a_row_for_each_sample_model_and_judge(made: HandMade, tmp_path: Path) -> None:
    made.judge("second-00000001", judge="refusal")
    other = HandMade(tmp_path / "other", 1, model="openai:other")
    other.sample("a")
    assert export_runs([made.run.path, other.run.path], tmp_path / "t.jsonl", format="jsonl").n == 2 * 7 + 1
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert {(row["model"], row["judge"]) for row in rows} == {
        ("openai:target", "openai:judge"),
        ("openai:target", "refusal"),
        ("openai:other", ""),
    }
    failed = next(row for row in rows if row["sample_id"] == "e" and row["judge"] == "openai:judge")
    assert (failed["response"], failed["outcome"], failed["label"], failed["good"]) == (
        "error",
        "no_response",
        None,
        None,
    )


def test_the_formats_of_a_table_hold_the_same(made: HandMade, tmp_path: Path) -> None:
    for name in ("csv", "jsonl", "parquet"):
        assert export_runs([made.run.path], tmp_path / f"t.{name}", format=name).n == 7
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert pq.read_table(tmp_path / "t.parquet").to_pylist() == rows
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        sheet = list(csv.DictReader(file))
    assert [row["sample_id"] for row in sheet] == [row["sample_id"] for row in rows]
    # What a spreadsheet program would take for a formula is a text there.
    assert rows[0]["answer"] == "=SUM(1) says a"
    assert sheet[0]["answer"] == "'=SUM(1) says a"


def test_nothing_is_written_over(made: HandMade, tmp_path: Path) -> None:
    out = tmp_path / "t.csv"
    out.write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        export_runs([made.run.path], out, format="csv")
    assert out.read_text() == "mine"
    with pytest.raises(UnknownName, match="csv"):
        export_runs([made.run.path], tmp_path / "x", format="cvs")


def test_without_the_extra_the_message_says_how_to_install_it(
    made: HandMade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="tables"):
        export_runs([made.run.path], tmp_path / "t.parquet", format="parquet")
    assert not list(tmp_path.glob("*t.parquet*"))


def test_a_loaded_run_is_a_data_frame_with_gaps_where_nothing_is_known(made: HandMade) -> None:
    run = vlsbench.load_run(made.run.path)
    frame = run.to_pandas()
    assert len(frame) == 7
    assert frame.set_index("sample_id")["good"].isna().to_dict() == {name: name in "def" for name in "abcdefg"}
    assert frame["good"].mean() == pytest.approx(3 / 4)
    assert frame.set_index("sample_id")["completion_tokens"].sum() == 25
    assert run.summary().judges["openai:judge"].overall.scored == 4
    assert "openai:target on jsonl:set.jsonl" in str(run)
    assert "<table>" in run._repr_html_()
    first = next(iter(run))
    assert (first.sample.id, first.judged[0].label) == ("a", "refusal")


def test_the_command_says_what_it_wrote(made: HandMade, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("export", made.run.path, "--format", "csv", "--out", tmp_path / "t.csv") == 0
    assert "7 rows" in capsys.readouterr().out
    assert command("export", made.run.path, "--format", "inspect", "--out", tmp_path / "t.eval", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(tmp_path / "t.eval")], "n": 7}
    assert command("export", tmp_path / "nothing", "--format", "csv", "--out", tmp_path / "u.csv") == 2
