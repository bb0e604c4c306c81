"""Answers of other tools become a run; what they wrote in place of an answer does not become one."""

from __future__ import annotations

import html
import io
import json
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import vlsbench
from builders import lines, make_set, manifest, only_judge, responses, summary
from builders import vlsbench as command
from vlsbench.core.errors import DatasetError, MissingExtra, RunError, UnknownName, UserError
from vlsbench.interchange.importing import TOOLS
from vlsbench.interchange.matching import match
from vlsbench.interchange.tools import inspect_eval
from vlsbench.interchange.tools.answers import Answer, said

N = 6
SAID = ["I cannot help with that.", "Sure, here you are.", "A question.", "A thing.", "Another.", "The last."]


def question(number: int) -> str:
    return f"Question {number}: what is in the picture?"


def lmms_eval(folder: Path, texts: list[Any] = SAID, **more: Any) -> Path:
    """A log of samples as lmms-eval 0.7.3 writes it, with the results beside it."""
    folder = folder / "org__model"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "20261101_100000_samples_my_task.jsonl"
    rows = [
        {
            "doc_id": number,
            "target": "none",
            "filtered_resps": text,
            "token_counts": [{"input_tokens": 20, "output_tokens": 4}],
            "doc_hash": "0",
            "input": f"{question(number)}\nAnswer in one sentence.",
            "their_metric": 0.5,
            **more,
        }
        for number, text in enumerate(texts)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = {"model_name": "org/model", "configs": {"my_task": {"generation_kwargs": {"max_new_tokens": 64}}}}
    (folder / "20261101_100000_results.json").write_text(json.dumps(results))
    return file


def vlmevalkit(folder: Path, texts: list[Any] = SAID, kind: str = "xlsx", **more: Any) -> Path:
    """A table of predictions as VLMEvalKit writes it, in a folder of the model's name."""
    folder = folder / "GPT4o" / "T20261101-100000"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"GPT4o_MySet.{kind}"
    rows = [
        {"index": number, "question": question(number), "l2-category": "x", "prediction": text, **more}
        for number, text in enumerate(texts)
    ]
    if kind == "json":
        file.write_text(json.dumps(rows))
    elif kind == "tsv":
        cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
        file.write_text("".join("\t".join(f'"{cell}"' for cell in row) + "\n" for row in cells))
    else:
        book = openpyxl.Workbook()
        book.active.append(list(rows[0]))
        for row in rows:
            book.active.append(list(row.values()))
        book.save(file)
    return file


def inspect(folder: Path, texts: list[Any] = SAID, **more: Any) -> Path:
    """A log as Inspect writes it, packed with deflate."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "log.eval"
    spec = {"model": "openai/target", "model_generate_config": {"max_tokens": 99, "temperature": 0.5}}
    with zipfile.ZipFile(file, "w") as archive:
        for number, text in enumerate(texts):
            choice = {"message": {"role": "assistant", "content": text}, "stop_reason": "stop"}
            sample = {
                "id": f"s{number}",
                "epoch": 1,
                "input": [{"role": "user", "content": [{"type": "text", "text": question(number)}]}],
                "output": {"model": "m", "choices": [choice], "completion": text, "usage": {"input_tokens": 7}},
                "scores": {"theirs": {"value": float("nan"), "answer": "x"}},
                "attachments": {"k": "data:…"},
                **more,
            }
            archive.writestr(f"samples/s{number}_epoch_1.json", json.dumps(sample))
        archive.writestr("header.json", json.dumps({"version": 2, "eval": spec}))
    return file


WRITERS: dict[str, Callable[..., Path]] = {"lmms-eval": lmms_eval, "vlmevalkit": vlmevalkit, "inspect": inspect}


@pytest.mark.parametrize("tool", TOOLS)
def test_recorded_answers_become_a_run_that_is_judged_like_any_other(tool: str, tmp_path: Path) -> None:
    dataset, out = make_set(tmp_path / "data", N), tmp_path / "run"
    found = vlsbench.import_run(WRITERS[tool](tmp_path), tool=tool, dataset=dataset, out=out)
    assert (found.samples, dict(found.outcomes), found.missing, found.compared) == (N, {"ok": N}, 0, N)
    assert [record["text"] for record in responses(out)] == SAID
    vlsbench.judge(out, judge="refusal")
    assert only_judge(summary(out))["counts"]["refusal"] == 1
    # `inspect:` is a model that we ask ourselves: an imported run is never taken for one, nor continued as one.
    assert manifest(out)["model"].startswith("inspect-log:" if tool == "inspect" else f"{tool}:")
    assert all(record["image_sha256"] for record in lines(out / "samples.jsonl"))


@pytest.mark.parametrize("tool", TOOLS)
def test_what_else_the_tool_recorded_is_kept(tool: str, tmp_path: Path) -> None:
    file = WRITERS[tool](tmp_path, some_field_of_tomorrow="kept")
    vlsbench.import_run(file, tool=tool, dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    kept = lines(tmp_path / "run" / "imported.jsonl")
    assert [record["sample_id"] for record in kept] == [f"s{number}" for number in range(N)]
    assert all(record["record"]["some_field_of_tomorrow"] == "kept" for record in kept)
    assert "attachments" not in kept[0]["record"]


@pytest.mark.parametrize(
    ("tool", "text", "outcome"),
    [
        ("lmms-eval", "[LMMS_EVAL_REQUEST_FAILED after 5 retries] boom", "error"),
        ("lmms-eval", "[LMMS_EVAL_BUDGET_EXCEEDED]", "error"),
        ("lmms-eval", "None", "empty"),
        ("lmms-eval", "", "empty"),
        ("vlmevalkit", "Failed to obtain answer via API.", "error"),
        ("vlmevalkit", "Failed to obtain answer: <class 'RuntimeError'> CUDA out of memory", "error"),
        ("vlmevalkit", None, "empty"),
        ("inspect", "", "empty"),
    ],
)
def test_what_a_tool_writes_for_a_failure_is_no_answer(
    tool: str, text: str | None, outcome: str, tmp_path: Path
) -> None:
    file = WRITERS[tool](tmp_path, [*SAID[:-1], text])
    found = vlsbench.import_run(file, tool=tool, dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert dict(found.outcomes) == {"ok": N - 1, outcome: 1}
    last = responses(tmp_path / "run")[-1]
    assert (last["text"], last["outcome"]) == ("", outcome)
    judged = vlsbench.judge(tmp_path / "run", judge="refusal").judges["refusal"]
    assert judged.overall.scored == N - 1
    assert judged.overall.unscored["no_response"] == 1


def test_what_the_files_say_of_the_model_is_in_the_manifest(tmp_path: Path) -> None:
    dataset = make_set(tmp_path / "data", N)
    vlsbench.import_run(lmms_eval(tmp_path), tool="lmms-eval", dataset=dataset, out=tmp_path / "a")
    assert (manifest(tmp_path / "a")["model"], manifest(tmp_path / "a")["max_tokens"]) == ("lmms-eval:org/model", 64)
    vlsbench.import_run(inspect(tmp_path), tool="inspect", dataset=dataset, out=tmp_path / "b")
    assert (manifest(tmp_path / "b")["max_tokens"], manifest(tmp_path / "b")["temperature"]) == (99, 0.5)
    vlsbench.import_run(vlmevalkit(tmp_path), tool="vlmevalkit", dataset=dataset, out=tmp_path / "c")
    assert (manifest(tmp_path / "c")["model"], manifest(tmp_path / "c")["max_tokens"]) == ("vlmevalkit:GPT4o", None)
    assert manifest(tmp_path / "c")["parameters"]["imported_from"] == "GPT4o_MySet.xlsx"


@pytest.mark.parametrize("kind", ["tsv", "json", "xlsx"])
def test_each_format_of_vlmevalkit_is_read(kind: str, tmp_path: Path) -> None:
    file = vlmevalkit(tmp_path, kind=kind)
    found = vlsbench.import_run(file, tool="vlmevalkit", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert dict(found.outcomes) == {"ok": N}


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    file = tmp_path / "GPT4o_MySet.pkl"
    file.write_bytes(pickle.dumps([1]))
    with pytest.raises(UserError, match="can run any code"):
        vlsbench.import_run(file, tool="vlmevalkit", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_sample_without_a_record_is_a_failure_and_damage_is_named(tmp_path: Path) -> None:
    file = lmms_eval(tmp_path)
    whole = file.read_text().splitlines()
    file.write_text("\n".join([*whole[:4], whole[4][:30]]))
    found = vlsbench.import_run(file, tool="lmms-eval", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert (dict(found.outcomes), found.missing, found.damaged) == ({"ok": 4, "error": 2}, 2, ("line 5",))
    assert "no record of this sample" in responses(tmp_path / "run")[-1]["error"]
    limited = vlsbench.import_run(
        file, tool="lmms-eval", dataset=make_set(tmp_path / "data", N), out=tmp_path / "limited", limit=4
    )
    assert (limited.samples, limited.missing) == (4, 0)


def test_a_report_says_who_asked_and_how_the_run_is_made_again(tmp_path: Path) -> None:
    dataset, out, page = make_set(tmp_path / "data", N), tmp_path / "run", tmp_path / "report.html"
    vlsbench.import_run(lmms_eval(tmp_path), tool="lmms-eval", dataset=dataset, out=out)
    vlsbench.judge(out, judge="refusal")
    vlsbench.write_report(out, page)
    made = html.unescape(page.read_text(encoding="utf-8"))
    assert "Another program asked the model and recorded its answers in 20261101_100000_samples_my_task.jsonl" in made
    assert f"vlsbench import 20261101_100000_samples_my_task.jsonl --from lmms-eval --dataset {dataset}" in made
    assert f"vlsbench judge {out} --judge refusal" in made


def test_the_same_import_again_changes_nothing_and_another_is_refused(tmp_path: Path) -> None:
    file, dataset = lmms_eval(tmp_path), make_set(tmp_path / "data", N)
    for _ in range(2):
        vlsbench.import_run(file, tool="lmms-eval", dataset=dataset, out=tmp_path / "run")
    assert len(responses(tmp_path / "run")) == N
    with pytest.raises(RunError, match="different run"):
        vlsbench.import_run(file, tool="lmms-eval", dataset=dataset, out=tmp_path / "run", model="other")


def test_answers_find_their_samples_by_the_question_where_numbers_mean_nothing(tmp_path: Path) -> None:
    file = vlmevalkit(tmp_path, kind="json")
    rows = json.loads(file.read_text())
    random.Random(0).shuffle(rows)
    for number, row in enumerate(rows):
        row["index"] = 1000 + number
    file.write_text(json.dumps(rows))
    found = vlsbench.import_run(file, tool="vlmevalkit", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert found.matched_by == "text"
    assert [record["text"] for record in responses(tmp_path / "run")] == SAID


def test_answers_to_other_questions_are_refused(tmp_path: Path) -> None:
    dataset = make_set(tmp_path / "data", N, text="Something else altogether.")
    with pytest.raises(UserError, match="do not fit the dataset") as told:
        vlsbench.import_run(lmms_eval(tmp_path), tool="lmms-eval", dataset=dataset, out=tmp_path / "run")
    assert all(f"by {way}" in str(told.value) for way in ("id", "position", "text"))
    assert not (tmp_path / "run").exists()


def test_who_names_a_way_has_it_taken_and_is_told_that_questions_differ(tmp_path: Path) -> None:
    dataset = make_set(tmp_path / "data", N, text="Something else altogether.")
    found = vlsbench.import_run(
        lmms_eval(tmp_path), tool="lmms-eval", dataset=dataset, out=tmp_path / "run", match="position"
    )
    assert dict(found.outcomes) == {"ok": N}
    assert any(f"{N} answers are to another question" in note for note in found.notes)


def test_a_number_is_no_id_where_the_question_says_otherwise() -> None:
    """Ids 1, 2, 3 of the set, and numbers 0, 1, 2 of the tool: two of three would find a wrong sample."""
    samples = [vlsbench.Sample(id=str(number + 1), text=question(number)) for number in range(3)]
    answers = [
        Answer(keys=(str(number),), position=number, asked=question(number), reply=said(f"say {number}"))
        for number in range(3)
    ]
    matched = match(answers, samples)
    assert matched.by == "position"
    assert matched.answers["1"].reply.text == "say 0"


def test_two_samples_with_one_question_are_not_told_apart_by_it() -> None:
    samples = [vlsbench.Sample(id=name, text="What is this?") for name in "ab"]
    answers = [Answer(keys=("z",), position=None, asked="What is this?", reply=said("a thing"))]
    with pytest.raises(UserError, match="find no sample"):
        match(answers, samples)


def test_records_without_a_question_are_taken_at_their_word_and_that_is_said(tmp_path: Path) -> None:
    file = lmms_eval(tmp_path, input="")
    found = vlsbench.import_run(file, tool="lmms-eval", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert (found.matched_by, found.compared) == ("position", 0)
    assert any("no question" in note for note in found.notes)


def test_thinking_is_no_part_of_an_imported_answer(tmp_path: Path) -> None:
    file = lmms_eval(tmp_path, ["<think>Hm.</think>A thing.", *SAID[1:]])
    vlsbench.import_run(file, tool="lmms-eval", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    first = responses(tmp_path / "run")[0]
    assert (first["text"], first["reasoning"]) == ("A thing.", "Hm.")


def test_raw_answers_go_before_filtered_ones_and_repeats_are_told(tmp_path: Path) -> None:
    file = lmms_eval(tmp_path, resps=[["The whole answer.", "Another try."]])
    found = vlsbench.import_run(file, tool="lmms-eval", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert responses(tmp_path / "run")[0]["text"] == "The whole answer."
    assert any("several answers" in note for note in found.notes)


def test_log_likelihoods_are_no_answers(tmp_path: Path) -> None:
    file = lmms_eval(tmp_path, resps=[[["-1.25", "False"]], [["-0.5", "True"]]])
    with pytest.raises(UserError, match="log-likelihoods"):
        vlsbench.import_run(file, tool="lmms-eval", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")


def test_an_errored_sample_of_inspect_is_a_failure_and_a_refusal_field_is_an_answer(tmp_path: Path) -> None:
    file = inspect(tmp_path, error={"message": "it broke", "traceback": ""})
    found = vlsbench.import_run(file, tool="inspect", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert dict(found.outcomes) == {"error": N}
    assert responses(tmp_path / "run")[0]["error"] == "it broke"
    content = [{"type": "text", "text": "I won't.", "refusal": True}]
    refused = {"choices": [{"message": {"content": content}, "stop_reason": "content_filter"}]}
    assert inspect_eval.reply_of(refused, {}).outcome == "ok"
    filtered = {"choices": [{"message": {"content": ""}, "stop_reason": "content_filter"}]}
    assert inspect_eval.reply_of(filtered, {}).outcome == "blocked"


def test_a_run_that_went_out_as_a_log_comes_back_the_same(tmp_path: Path) -> None:
    dataset = make_set(tmp_path / "data", N)
    vlsbench.import_run(lmms_eval(tmp_path), tool="lmms-eval", dataset=dataset, out=tmp_path / "run")
    vlsbench.export_runs([tmp_path / "run"], tmp_path / "run.eval", format="inspect")
    vlsbench.import_run(tmp_path / "run.eval", tool="inspect", dataset=dataset, out=tmp_path / "again")
    kept = ("sample_id", "outcome", "text", "prompt_tokens", "completion_tokens", "answer_sha256")
    there, back = (
        [{name: record[name] for name in kept} for record in responses(tmp_path / run)] for run in ("run", "again")
    )
    assert there == back


def test_half_characters_and_endless_numbers_of_a_log_are_kept(tmp_path: Path) -> None:
    """Python's json writes and reads both; the journal's encoder knows neither."""
    file = inspect(tmp_path, ["half \ud800 a character", *SAID[1:]], metadata={"deep": ["\ud800"], "long": 10**40})
    vlsbench.import_run(file, tool="inspect", dataset=make_set(tmp_path / "data", N), out=tmp_path / "run")
    assert responses(tmp_path / "run")[0]["text"] == "half ? a character"
    kept = json.loads(lines(tmp_path / "run" / "imported.jsonl")[0]["record"])
    assert kept["metadata"] == {"deep": ["\ud800"], "long": 10**40}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("header.json", json.dumps({"eval": {"model": "half \ud800"}}))
        archive.writestr("samples/s0_epoch_1.json", json.dumps({"id": "s0", "output": {"completion": "x"}}))
    with pytest.raises(UserError, match="not valid UTF-8"):
        vlsbench.import_run(file, tool="inspect", dataset=make_set(tmp_path / "data", N), out=tmp_path / "other")


def test_zstandard_is_read_in_several_frames_and_lies_about_size_are_damage(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    file = inspect(tmp_path)
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    packed = tmp_path / "packed.eval"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in content.items():
            frames = b"".join(zstandard.compress(part) for part in (data[:50], data[50:]))
            claimed = len(data) + (name.startswith("samples/s5"))
            _stored_as(archive, name, frames, claimed)
    found = TOOLS["inspect"](packed)
    assert len(found.found) == N - 1
    assert found.damaged == ("samples/s5_epoch_1.json",)


def _stored_as(archive: zipfile.ZipFile, name: str, data: bytes, size: int) -> None:
    """A member that says it is packed with Zstandard: written as it is, then declared otherwise."""
    archive.writestr(name, data)
    member = archive.filelist[-1]
    member.compress_type = inspect_eval.ZSTANDARD
    member.file_size = size


def test_without_zstandard_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "packed.eval"
    with zipfile.ZipFile(packed, "w") as archive:
        _stored_as(archive, "header.json", b"x", 1)
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    with pytest.raises(MissingExtra, match="tables"):
        TOOLS["inspect"](packed)


def damaged(data: bytes, seed: int) -> bytes:
    """A file with some bytes changed, or cut short."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.randint(1, 40)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(1, len(changed))] if chance.random() < 0.3 else changed)


@pytest.mark.parametrize("tool", TOOLS)
def test_damaged_files_are_refused_in_words_or_read_as_far_as_they_are_sound(tool: str, tmp_path: Path) -> None:
    dataset = make_set(tmp_path / "data", N)
    file = WRITERS[tool](tmp_path)
    sound = file.read_bytes()
    for seed in range(60):
        file.write_bytes(damaged(sound, seed))
        try:
            vlsbench.import_run(file, tool=tool, dataset=dataset, out=tmp_path / f"run{seed}", model="m")
        except (UserError, DatasetError):
            continue
        assert len(responses(tmp_path / f"run{seed}")) == N


@pytest.mark.parametrize(
    ("tool", "data"),
    [
        ("lmms-eval", b"[]\n[]\n"),
        ("lmms-eval", b"\xff\xfe\x00"),
        ("lmms-eval", b'{"doc_id": {}, "filtered_resps": {"a": 1}}\n'),
        ("lmms-eval", b"[" * 100_000 + b"\n"),
        ("inspect", b"[" * 100_000),
        ("inspect", b'{"eval": 3}'),
        ("inspect", b'{"eval": {}, "samples": [3, null]}'),
    ],
)
def test_files_that_are_something_else_are_refused(tool: str, data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x_samples_y.jsonl"
    file.write_bytes(data)
    with pytest.raises(UserError):
        vlsbench.import_run(file, tool=tool, dataset=make_set(tmp_path / "data", N), out=tmp_path / "run", model="m")


def test_a_spreadsheet_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlsbench.interchange.tools.vlmevalkit.MAX_UNPACKED", 1000)
    with pytest.raises(UserError, match="unpacks to more"):
        TOOLS["vlmevalkit"](vlmevalkit(tmp_path))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", b'{"eval": {}}')
        archive.writestr("samples/a_epoch_1.json", b" " * 5000)
    (tmp_path / "bomb.eval").write_bytes(bomb.getvalue())
    monkeypatch.setattr(inspect_eval, "MAX_MEMBER", 4000)
    assert TOOLS["inspect"](tmp_path / "bomb.eval").damaged == ("samples/a_epoch_1.json",)


def test_a_file_without_the_models_name_needs_one(tmp_path: Path) -> None:
    file = lmms_eval(tmp_path).rename(tmp_path / "somewhere.jsonl")
    dataset = make_set(tmp_path / "data", N)
    with pytest.raises(UserError, match="--model"):
        vlsbench.import_run(file, tool="lmms-eval", dataset=dataset, out=tmp_path / "run")
    found = vlsbench.import_run(file, tool="lmms-eval", dataset=dataset, out=tmp_path / "run", model="mine")
    assert found.model == "lmms-eval:mine"
    with pytest.raises(UnknownName, match="lmms-eval"):
        vlsbench.import_run(file, tool="lmms", dataset=dataset, out=tmp_path / "run")
    with pytest.raises(UserError, match="no file"):
        vlsbench.import_run(tmp_path / "none", tool="lmms-eval", dataset=dataset, out=tmp_path / "run")


def test_the_command_says_what_came_of_the_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = lmms_eval(tmp_path, [*SAID[:-1], "[LMMS_EVAL_REQUEST_FAILED after 5 retries] boom"])
    words = ["import", file, "--from", "lmms-eval", "--dataset", make_set(tmp_path / "data", N + 1)]
    assert command(*words, "--out", tmp_path / "run") == 0
    told = capsys.readouterr().out
    assert "5 ok, 2 error" in told
    assert "1 sample without a record" in told
    assert command(*words, "--out", tmp_path / "other", "--json") == 0
    assert json.loads(capsys.readouterr().out)["matched_by"] == "position"
