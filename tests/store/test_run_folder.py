from __future__ import annotations

import dataclasses
import json
import os

import pytest

from vlsbench.core.errors import RunError, Stopped
from vlsbench.core.names import slug
from vlsbench.store.identity import IDENTITY, Identity, judge_slug
from vlsbench.store.manifest import JudgeEntry
from vlsbench.store.run_folder import Run, open_or_create

IDENTITY_OF_A_RUN = Identity(
    model="openai:m@http://localhost:1/v1",
    dataset="jsonl:/data/set.jsonl",
    dataset_hash="0" * 64,
    max_tokens=128,
    temperature=0.0,
    system=None,
    seed=None,
    limit=None,
)
DETAILS = {"dataset_size": 3, "parameters": {"concurrency": 4}}
ANOTHER = {
    "model": "openai:other@http://localhost:1/v1",
    "dataset_hash": "1" * 64,
    "max_tokens": 64,
    "temperature": 0.5,
    "system": "Be brief.",
    "seed": 7,
    "limit": 2,
}


def make(path, identity=IDENTITY_OF_A_RUN, details=DETAILS, **options):
    run = open_or_create(path, identity, details, **options)
    run.unlock()
    return run


def test_a_new_run_records_what_it_is(tmp_path):
    make(tmp_path / "runs" / "run")
    manifest = json.loads((tmp_path / "runs" / "run" / "manifest.json").read_text())
    assert manifest["version"] == 1
    assert manifest["dataset"] == "jsonl:/data/set.jsonl"
    assert {name: manifest[name] for name in IDENTITY} == IDENTITY_OF_A_RUN.fields()
    assert manifest["dataset_size"] == 3
    assert manifest["parameters"] == {"concurrency": 4}
    assert manifest["started"].endswith("Z")
    assert manifest["finished"] is None
    assert {"vlsbench", "python", "system"} == manifest["platform"].keys()


def test_the_same_identity_continues_the_run(tmp_path):
    judge = JudgeEntry(judge="j", settings={"sees": "both"}, labels=("safe", "unsafe"), baseline=True)
    make(tmp_path / "run").add_judge("j-00000000", judge)
    assert make(tmp_path / "run").judges == {"j-00000000": judge}


def test_what_other_versions_wrote_into_the_manifest_stays(tmp_path):
    make(tmp_path / "run")
    file = tmp_path / "run" / "manifest.json"
    found = {**json.loads(file.read_text()), "mood": ["new"], "judges": {"j-00000000": {"judge": "j", "strict": 3}}}
    file.write_text(json.dumps(found))
    run = make(tmp_path / "run")
    run.add_judge("j-00000000", JudgeEntry(judge="j", adaptations=("no seed",)))
    after = json.loads(file.read_text())
    assert after["mood"] == ["new"]
    assert after["judges"]["j-00000000"]["strict"] == 3
    assert Run(tmp_path / "run").judges["j-00000000"].settings == {"strict": 3}


def test_a_judge_of_an_earlier_version_gives_the_three_labels(tmp_path):
    make(tmp_path / "run").update(judges={"j-00000000": {"judge": "j"}})
    assert Run(tmp_path / "run").judges["j-00000000"] == JudgeEntry(judge="j", labels=("refusal", "warning", "unsafe"))


def test_another_place_of_the_dataset_is_the_same_run(tmp_path):
    begun = make(tmp_path / "run").manifest
    moved = make(tmp_path / "run", dataclasses.replace(IDENTITY_OF_A_RUN, dataset="jsonl:/elsewhere/set.jsonl"))
    assert moved.manifest == begun


@pytest.mark.parametrize("name", IDENTITY)
def test_another_identity_refuses_and_names_the_field(tmp_path, name):
    make(tmp_path / "run")
    (tmp_path / "run" / "responses.jsonl").write_text('{"sample_id":"1","outcome":"ok"}\n')
    before = (tmp_path / "run" / "manifest.json").read_bytes()
    with pytest.raises(RunError, match=rf"\({name}: the folder has .*--fresh") as refused:
        make(tmp_path / "run", dataclasses.replace(IDENTITY_OF_A_RUN, **{name: ANOTHER[name]}))
    assert not [other for other in IDENTITY if other != name and f"{other}:" in str(refused.value)]
    assert (tmp_path / "run" / "manifest.json").read_bytes() == before
    make(tmp_path / "run")


MODEL_DETAILS = {"dtype": "float32", "digest": "0" * 64, "torch": "2.13.0", "transformers": "5.23.0"}


def of_model(**changes):
    return {**DETAILS, "model_details": {**MODEL_DETAILS, **changes}}


@pytest.mark.parametrize(
    ("name", "value"), [("dtype", "bfloat16"), ("digest", "1" * 64), ("commit", "a" * 40), ("adapter_digest", "2" * 64)]
)
def test_a_model_that_changed_behind_its_name_refuses_and_is_named(tmp_path, name, value):
    make(tmp_path / "run", details=of_model())
    (tmp_path / "run" / "responses.jsonl").write_text('{"sample_id":"1","outcome":"ok"}\n')
    with pytest.raises(RunError, match=rf"\(model's {name}: the folder has .*{value[:20]}.*--fresh"):
        make(tmp_path / "run", details=of_model(**{name: value}))
    assert Run(tmp_path / "run").manifest.model_details == MODEL_DETAILS
    make(tmp_path / "run", details=of_model())


def test_other_versions_alone_continue_a_run_and_are_recorded(tmp_path):
    make(tmp_path / "run", details=of_model())
    (tmp_path / "run" / "responses.jsonl").write_text('{"sample_id":"1","outcome":"ok"}\n')
    make(tmp_path / "run", details=of_model(torch="9.0"))
    assert Run(tmp_path / "run").manifest.model_details["torch"] == "9.0"


def test_a_run_without_answers_or_without_details_takes_any_model(tmp_path):
    make(tmp_path / "run", details=of_model())
    make(tmp_path / "run", details=of_model(dtype="bfloat16"))
    make(tmp_path / "older")
    (tmp_path / "older" / "responses.jsonl").write_text('{"sample_id":"1","outcome":"ok"}\n')
    make(tmp_path / "older", details=of_model())
    assert Run(tmp_path / "older").manifest.model_details == MODEL_DETAILS


def test_a_folder_without_an_answer_is_free_for_another_run(tmp_path):
    make(tmp_path / "run")
    make(tmp_path / "run", dataclasses.replace(IDENTITY_OF_A_RUN, **ANOTHER))
    assert Run(tmp_path / "run").manifest.model == "openai:other"


def test_a_damaged_manifest_can_be_started_over(tmp_path):
    make(tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text("{")
    with pytest.raises(RunError, match="--fresh to start over"):
        make(tmp_path / "run")
    make(tmp_path / "run", fresh=True)
    assert len(list(tmp_path.glob("run.old-*"))) == 1


def test_all_fields_that_differ_are_named(tmp_path):
    make(tmp_path / "run")
    (tmp_path / "run" / "responses.jsonl").write_text('{"sample_id":"1","outcome":"ok"}\n')
    with pytest.raises(RunError) as refused:
        make(tmp_path / "run", dataclasses.replace(IDENTITY_OF_A_RUN, **ANOTHER))
    assert all(f"{name}:" in str(refused.value) for name in IDENTITY)


def test_starting_afresh_keeps_the_old_folders_aside(tmp_path):
    for number in range(3):
        make(tmp_path / "run", fresh=True)
        (tmp_path / "run" / "responses.jsonl").write_text(str(number))
    kept = sorted(path for path in tmp_path.iterdir() if path.name.startswith("run.old-"))
    assert sorted((path / "responses.jsonl").read_text() for path in kept) == ["0", "1"]
    assert (tmp_path / "run" / "responses.jsonl").read_text() == "2"


def test_starting_afresh_may_change_the_identity(tmp_path):
    make(tmp_path / "run")
    make(tmp_path / "run", dataclasses.replace(IDENTITY_OF_A_RUN, seed=1), fresh=True)
    assert Run(tmp_path / "run").manifest.seed == 1


def test_a_second_writer_is_turned_away_with_the_first_ones_number(tmp_path):
    run = open_or_create(tmp_path / "run", IDENTITY_OF_A_RUN, DETAILS)
    for options in ({}, {"fresh": True}):
        with pytest.raises(RunError, match=rf"Another process \(pid {os.getpid()}\)"):
            open_or_create(tmp_path / "run", IDENTITY_OF_A_RUN, DETAILS, **options)
    with pytest.raises(RunError, match="Another process"):
        Run(tmp_path / "run").lock()
    run.unlock()
    make(tmp_path / "run")


def test_reading_needs_no_lock(tmp_path):
    run = open_or_create(tmp_path / "run", IDENTITY_OF_A_RUN, DETAILS)
    assert Run(tmp_path / "run").size == 3
    run.unlock()


def test_a_run_killed_before_its_manifest_was_written_starts_again(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").write_text("1")
    (tmp_path / "run" / ".manifest.json.part").write_text("{")
    make(tmp_path / "run")
    assert Run(tmp_path / "run").size == 3


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for options in ({}, {"fresh": True}):
        with pytest.raises(RunError, match=r"not a run folder \(it has no manifest\.json\)"):
            make(tmp_path, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_place_of_the_folder_is_left_alone(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(RunError, match="is a file; choose another --out"):
        make(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is damaged"),
        ('{"version"', "is damaged"),
        ("[]", "holds no JSON object"),
        ("{}", "is not a manifest of vlsbench"),
        (
            '{"version": 1, "dataset_size": "3", "judges": [], "model": 5}',
            r"manifest\.json is damaged: Expected `object`, got `array`",
        ),
        (
            '{"version": 1, "dataset_size": 3, "judges": {"../x": {"judge": "x"}}, "model": "m", "dataset": "d"}',
            "judges",
        ),
        (
            '{"version": 1, "dataset_size": "3", "judges": {}, "model": "m", "dataset": "d"}',
            r"Expected `int`, got `str` - at `\$.dataset_size`",
        ),
        ('{"version": 1, "dataset_size": 3, "judges": {}, "model": 5, "dataset": "d"}', r"`\$.model`"),
        ('{"version": 1, "dataset_size": -3, "judges": {}, "model": "m", "dataset": "d"}', "dataset_size"),
        ('{"version": 99, "dataset_size": 1, "judges": {}}', "has format 99; this version of vlsbench reads format 1"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named(tmp_path, text, complaint):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=complaint):
        Run(tmp_path)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(RunError, match="none does not exist"):
        Run(tmp_path / "none")


def test_a_folder_that_cannot_be_made_stops_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Stopped, match="Cannot make the folder"):
        make(tmp_path / "file" / "run")


def test_a_folder_that_cannot_be_written_to_stops_the_run(tmp_path, monkeypatch):
    make(tmp_path / "run")

    def read_only(path, *flags, **more):
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(Stopped, match="Read-only file system"):
        make(tmp_path / "run")


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("openai:gpt-4o", "gpt-4o"),
        ("openai:org/Qwen-VL@http://localhost:8000/v1", "qwen-vl"),
        ("jsonl:/data/My Set.jsonl", "jsonl-my-set.jsonl"),
        ("vlsbench:/data/release/", "vlsbench-release"),
        ("figstep", "figstep"),
        ("refusal", "refusal"),
        ("openai:../../etc@http://h/v1", "etc"),
        ("\x1b[31m日本", "31m"),
        ("..", "run"),
        ("", "run"),
    ],
)
def test_folder_names_are_short_and_safe(ref, name):
    assert slug(ref) == name


def test_the_folder_name_differs_with_every_identity_field():
    names = {IDENTITY_OF_A_RUN.folder_name()}
    for field, value in ANOTHER.items():
        names.add(dataclasses.replace(IDENTITY_OF_A_RUN, **{field: value}).folder_name())
    assert len(names) == 1 + len(IDENTITY)
    assert all(name.rpartition("-")[2].isalnum() and len(name.rpartition("-")[2]) == 8 for name in names)


def test_verdict_files_differ_with_the_judge_and_its_settings():
    stems = {
        judge_slug("openai:a", {"sees": "image"}),
        judge_slug("openai:b", {"sees": "image"}),
        judge_slug("openai:a", {"sees": "both"}),
        judge_slug("openai:a", {"sees": "image", "rubric_sha256": "0"}),
    }
    assert len(stems) == 4
    assert judge_slug("openai:a", {"x": "1", "y": "2"}) == judge_slug("openai:a", {"y": "2", "x": "1"})


def test_an_ordinary_run_keeps_the_identity_it_had_before_there_were_conditions(tmp_path):
    assert IDENTITY_OF_A_RUN.folder_name() == "m-jsonl-set.jsonl-5550b82b"
    assert "condition" not in IDENTITY_OF_A_RUN.fields()
    make(tmp_path / "run")
    assert "condition" not in json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert Run(tmp_path / "run").condition is None


def test_runs_of_two_conditions_are_never_taken_for_one_another(tmp_path):
    views = [None, {"name": "text"}, {"name": "caption", "wording": "1"}, {"name": "caption", "wording": "2"}]
    identities = [dataclasses.replace(IDENTITY_OF_A_RUN, condition=view) for view in views]
    assert len({identity.folder_name() for identity in identities}) == 4
    for number, identity in enumerate(identities):
        (made := make(tmp_path / str(number), identity)).responses.write_text("{}\n")
        assert made.condition == (identity.condition or {}).get("name")
        for other in identities:
            if other == identity:
                make(tmp_path / str(number), other)
            else:
                with pytest.raises(RunError, match="condition: the folder has"):
                    make(tmp_path / str(number), other)


@pytest.mark.parametrize("condition", ["text", [], {}, {"name": 3}])
def test_a_damaged_condition_is_named(tmp_path, condition):
    make(tmp_path / "run")
    file = tmp_path / "run" / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "condition": condition}))
    with pytest.raises(RunError, match=r"is damaged: .*condition"):
        Run(tmp_path / "run")
