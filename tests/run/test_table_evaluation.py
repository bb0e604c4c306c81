"""Tables and published sets all the way to their figures."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

import vlsbench
from builders import LabellingJudge, TalkingModel, lines, manifest, responses, tiny_png
from builders import vlsbench as command
from published import MAKERS
from vlsbench.core.errors import RunError
from vlsbench.datasets import load

KIND = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def make_table(file: Path, images: list[bytes | None], **columns: list[str]) -> Path:
    n = len(images)
    rows = {
        "prompt": [f"Question {number}: what is in the picture?" for number in range(n)],
        "other": [f"Question {number}: is it red?" for number in range(n)],
        "picture": pa.array([None if data is None else {"bytes": data, "path": None} for data in images], KIND),
        **columns,
    }
    parquet.write_table(pa.table(rows), file, row_group_size=3)
    return file


async def yes(prompt):
    return "Yes."


async def grade_by_text(sample, response):
    return "unsafe" if sample.expect == "harmful" else "refusal"


def evaluate(dataset, out, columns=None, **settings):
    return vlsbench.evaluate(
        model=TalkingModel(yes),
        dataset=dataset,
        columns=columns,
        judge=LabellingJudge(grade_by_text),
        out=out,
        **settings,
    )


@pytest.fixture
def table(tmp_path):
    return make_table(tmp_path / "set.parquet", [tiny_png(number % 4) for number in range(8)])


def test_embedded_images_are_kept_once_per_distinct_image(table, tmp_path):
    summary = evaluate(f"parquet:{table}", tmp_path / "run", "text=prompt,image=picture")
    assert summary.n == 8
    listed = lines(tmp_path / "run" / "samples.jsonl")
    digests = [hashlib.sha256(tiny_png(number % 4)).hexdigest() for number in range(8)]
    assert [sample["image_sha256"] for sample in listed] == digests
    assert {path.name for path in (tmp_path / "run" / "images").iterdir()} == {f"{digest}.png" for digest in digests}


def test_a_run_is_continued_with_the_same_columns_only(table, tmp_path):
    columns = "text=prompt,image=picture"
    evaluate(f"parquet:{table}", tmp_path / "run", columns, limit=8)
    evaluate(f"parquet:{table}", tmp_path / "run", {"image": "picture", "text": "prompt"}, limit=8)
    assert len(responses(tmp_path / "run")) == 8
    with pytest.raises(RunError, match="dataset"):
        evaluate(f"parquet:{table}", tmp_path / "run", "text=other,image=picture", limit=8)
    assert manifest(tmp_path / "run")["dataset"] == f"parquet:{table}?{columns}"


def test_a_run_that_was_cut_off_goes_on_where_its_list_ended(table, tmp_path):
    columns = "text=prompt,image=picture"
    whole = tmp_path / "whole"
    evaluate(f"parquet:{table}", whole, columns)
    evaluate(f"parquet:{table}", tmp_path / "run", columns)
    for name, kept in (("samples.jsonl", 4), ("responses.jsonl", 2)):
        file = tmp_path / "run" / name
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:kept]))
    evaluate(f"parquet:{table}", tmp_path / "run", columns)
    assert (tmp_path / "run" / "samples.jsonl").read_bytes() == (whole / "samples.jsonl").read_bytes()
    assert len({answer["sample_id"] for answer in responses(tmp_path / "run")}) == 8


def test_bytes_that_are_no_image_fail_their_sample_and_no_other(tmp_path):
    table = make_table(tmp_path / "set.parquet", [tiny_png(1), b"not an image", None])
    evaluate(f"parquet:{table}", tmp_path / "run", "text=prompt,image=picture")
    found = {answer["sample_id"]: answer for answer in responses(tmp_path / "run")}
    assert {name: answer["outcome"] for name, answer in found.items()} == {"0": "ok", "1": "error", "2": "ok"}
    assert "not a PNG, JPEG" in found["1"]["error"]


def test_twins_grades_and_sources_are_reported_by_the_summary(tmp_path, monkeypatch):
    for name in ("mssbench", "holisafe"):
        MAKERS[name](tmp_path / name)
    numbered = TalkingModel(yes)
    monkeypatch.setattr(sys.modules["builders"], "number_of", lambda text: 0)
    found = {
        name: vlsbench.evaluate(
            model=numbered,
            dataset=f"{name}:{tmp_path / name}",
            judge=LabellingJudge(grade_by_text),
            out=tmp_path / f"run-{name}",
        ).judges["labelling"]
        for name in ("mssbench", "holisafe")
    }
    twins = found["mssbench"].overall
    assert (twins.safety_rate.value, twins.over_refusal_rate.value) == (0.0, 1.0)
    assert (twins.paired_rate.k, twins.paired_rate.n) == (0, 4)
    assert set(found["holisafe"].by_sub_category) == {"SSS", "SSU", "SUU", "USU", "UUU"}


def test_the_command_line_takes_columns(table, tmp_path, capsys):
    assert command("data", "check", f"parquet:{table}", "--columns", "text=prompt,image=picture", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"]["contents"] == 4
    words = ["--dataset", f"parquet:{table}", "--columns", "text=prompt,image=picture", "--out", tmp_path / "run"]
    assert command("eval", "--model", "mini:base", "--judge", "refusal", *words, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 8


@pytest.mark.parametrize(
    ("columns", "problem"),
    [("text", "Write FIELD=COLUMN"), ("txt=prompt", "Did you mean 'text'"), ("text=promt", "Did you mean 'prompt'")],
)
def test_columns_that_cannot_be_used_end_with_exit_code_2(table, columns, problem, capsys):
    assert command("data", "check", f"parquet:{table}", "--columns", columns) == 2
    assert problem in " ".join(capsys.readouterr().err.split())


def test_a_run_of_a_table_has_a_readable_folder_name(table):
    from vlsbench.core.names import dataset_slug

    assert dataset_slug(load(f"parquet:{table}", "text=prompt").name) == "parquet-set.parquet"
    assert dataset_slug(f"hf-data:org/set@{'a' * 40}#test?text=q") == "hf-data-set-test"
    assert dataset_slug("mini:leakless:50:0") == "mini-leakless-50-0"
    assert dataset_slug("vlguard/unsafes:/data/vlguard/") == "vlguard-unsafes-vlguard"
    assert dataset_slug("my own set?") == "my-own-set"
