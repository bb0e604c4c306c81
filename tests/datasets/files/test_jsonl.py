import hashlib
import json
import os
from dataclasses import FrozenInstanceError, asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vlsbench
from builders import TalkingModel, responses
from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets import BadRecord, load
from vlsbench.datasets.base import BadField
from vlsbench.datasets.files.jsonl import to_sample, to_sample_slowly

FULL = {
    "sample_id": "a-1",
    "text": "What is this?",
    "image": "pictures/1.png",
    "image_sha256": "ab" * 32,
    "category": "Privacy",
    "sub_category": "Unauthorized Data Collection",
    "source": "mine",
    "description": "A garden.",
    "safety_reason": "None.",
    "expect": "benign",
    "twin_of": "a-0",
    "group": "question 1",
}
AS_SAMPLE = {("id" if name == "sample_id" else name): value for name, value in FULL.items()} | {"expect": Expect.BENIGN}


def test_every_field_arrives_in_its_place():
    sample = to_sample(FULL)
    assert sample == Sample(**AS_SAMPLE)
    assert asdict(sample) == asdict(Sample(**AS_SAMPLE))


def test_samples_made_the_fast_way_are_like_any_other():
    sample = to_sample(FULL)
    assert type(sample) is Sample
    assert hash(sample) == hash(Sample(**AS_SAMPLE))
    assert repr(sample) == repr(Sample(**AS_SAMPLE))
    with pytest.raises(FrozenInstanceError):
        sample.text = "another"


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.just("benign"), st.just([]))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FULL)), ANYTHING))
def test_the_fast_way_and_the_slow_way_agree_on_every_record(changes):
    def outcome(make):
        try:
            return make(FULL | changes)
        except BadField as error:
            return str(error)

    assert outcome(to_sample) == outcome(to_sample_slowly)


def test_only_an_id_and_a_text_are_needed():
    assert to_sample({"sample_id": "a", "text": ""}) == Sample(id="a", text="", expect=Expect.HARMFUL)


def test_null_means_not_given():
    nothing = {name: None for name in FULL if name not in ("sample_id", "text")}
    assert to_sample({"sample_id": "a", "text": "b", **nothing}) == Sample(id="a", text="b")


def test_a_number_serves_as_an_id():
    assert to_sample({"sample_id": 12, "text": "b"}).id == "12"


def test_a_number_serves_as_a_group():
    assert to_sample({"sample_id": "a", "text": "b", "group": 7}).group == "7"


def test_unknown_fields_are_ignored():
    assert to_sample({"sample_id": "a", "text": "b", "colour": {"r": 1}}) == Sample(id="a", text="b")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"text": "b"}, "the field 'sample_id' is missing"),
        ({"sample_id": "", "text": "b"}, "the field 'sample_id' is empty"),
        ({"sample_id": True, "text": "b"}, "'sample_id' should be a text, but is true or false"),
        ({"sample_id": "a"}, r"\(id a\): the field 'text' is missing"),
        ({"sample_id": "a", "text": None}, "'text' should be a text, but is null"),
        ({"sample_id": "a", "text": ["b"]}, "'text' should be a text, but is a list"),
        ({"sample_id": "a", "text": "b", "image": 3}, "'image' should be a text, but is a number"),
        ({"sample_id": "a", "text": "b", "image": ""}, "'image' is empty; leave it out"),
        ({"sample_id": "a", "text": "b", "image": []}, "'image' should be a text, but is a list"),
        ({"sample_id": "a", "text": "b", "category": 1}, "'category' should be a text"),
        ({"sample_id": "a", "text": "b", "image_sha256": 1}, "'image_sha256' should be a text"),
        ({"sample_id": "a", "text": "b", "twin_of": 1}, "'twin_of' should be a text"),
        ({"sample_id": "a", "text": "b", "expect": "bad"}, "'expect' should be 'harmful' or 'benign', but is 'bad'"),
        ({"sample_id": "a", "text": "b", "expect": ["harmful"]}, "'expect' should be 'harmful' or 'benign'"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(make_jsonl, row, problem):
    file = make_jsonl({"sample_id": "first", "text": "good"}, row)
    with pytest.raises(BadRecord, match=rf"set.jsonl, line 2.*{problem}"):
        list(load(f"jsonl:{file}"))


@pytest.mark.parametrize("line", ['{"sample_id": "a", ', "hello", b"\xff\xfe", '{"sample_id": "\\ud800", "text": ""}'])
def test_a_line_that_is_not_json_is_named(make_jsonl, line):
    with pytest.raises(BadRecord, match=r"set.jsonl, line 1: is not JSON"):
        list(load(f"jsonl:{make_jsonl(line)}"))


@pytest.mark.parametrize(("line", "kind"), [("[1]", "a list"), ("3", "a number"), ("null", "null"), ('"a"', "a text")])
def test_a_line_that_is_no_object_is_named(make_jsonl, line, kind):
    with pytest.raises(BadRecord, match=f"line 1: should be an object, but is {kind}"):
        list(load(f"jsonl:{make_jsonl(line)}"))


def test_blank_lines_are_skipped_but_counted(make_jsonl):
    file = make_jsonl("", {"sample_id": "a", "text": "b"}, "  \t", "\r", "oops")
    with pytest.raises(BadRecord, match="line 5"):
        list(load(f"jsonl:{file}"))


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(make_jsonl):
    file = make_jsonl('\ufeff{"sample_id": "a", "text": "b"}\r', '{"sample_id": "c", "text": "d"}\r')
    assert [sample.id for sample in load(f"jsonl:{file}")] == ["a", "c"]


def test_an_empty_file_holds_nothing(make_jsonl):
    assert list(load(f"jsonl:{make_jsonl()}")) == []


def test_images_are_relative_to_the_folder_of_the_file(make_jsonl):
    file = make_jsonl({"sample_id": "a", "text": "b"})
    assert load(f"jsonl:{file}").root == file.parent


def test_it_can_be_read_again_and_two_readers_do_not_disturb_each_other(make_jsonl):
    dataset = load(f"jsonl:{make_jsonl(*({'sample_id': str(n), 'text': 'x'} for n in range(5)))}")
    one, two = iter(dataset), iter(dataset)
    assert [next(one).id, next(one).id, next(two).id, next(one).id] == ["0", "1", "0", "2"]
    assert [sample.id for sample in dataset] == ["0", "1", "2", "3", "4"]


def test_it_streams(make_jsonl):
    file = make_jsonl(*({"sample_id": str(n), "text": "x" * 1000} for n in range(2000)), "broken")
    samples = iter(load(f"jsonl:{file}"))
    assert next(samples).id == "0"  # the broken last line has not been reached


def test_unusable_lines_can_be_noted_instead_of_raised(make_jsonl):
    dataset = load(f"jsonl:{make_jsonl('oops', {'sample_id': 'a', 'text': 'b'}, '[]', {'sample_id': 'c'})}")
    noted = []
    assert [sample.id for sample in dataset.scan(noted.append)] == ["a"]
    assert [(bad.where, bad.record) for bad in noted] == [
        ("set.jsonl, line 1", ""),
        ("set.jsonl, line 3", ""),
        ("set.jsonl, line 4", "c"),
    ]


def test_the_samples_of_a_run_load_as_they_were(make_jsonl):
    file = make_jsonl(json.dumps(FULL), json.dumps(FULL | {"sample_id": "a-2", "twin_of": None}), name="samples.jsonl")
    first, second = load(f"jsonl:{file}")
    assert first == Sample(**AS_SAMPLE)
    assert second.twin_of is None


def test_a_missing_file_a_folder_and_a_pipe_are_told_apart(tmp_path):
    with pytest.raises(DatasetError, match="There is no file"):
        load(f"jsonl:{tmp_path / 'nowhere.jsonl'}")
    with pytest.raises(DatasetError, match="is a folder; jsonl:FILE takes a file"):
        load(f"jsonl:{tmp_path}")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DatasetError, match="is not a regular file"):
        load(f"jsonl:{tmp_path / 'pipe'}")


def test_a_file_that_vanishes_is_an_error_of_the_dataset(make_jsonl):
    file = make_jsonl({"sample_id": "a", "text": "b"})
    dataset = load(f"jsonl:{file}")
    file.unlink()
    with pytest.raises(DatasetError, match="cannot be read"):
        list(dataset)


@pytest.mark.parametrize(
    ("manifest", "root"),
    [
        ('{"dataset_root": "/somewhere/set"}', "/somewhere/set"),
        ('{"dataset_root": null}', "here"),
        ('{"dataset_root": "/"}', "here"),
        ('{"dataset_root": "//"}', "here"),
        ('{"dataset_root": "../.."}', "here"),
        ("{}", "here"),
        ("[]", "here"),
        ("oops", "here"),
    ],
)
def test_the_images_of_a_run_are_where_the_run_found_them(make_jsonl, manifest, root):
    file = make_jsonl({"sample_id": "a", "text": "b"}, name="samples.jsonl")
    (file.parent / "manifest.json").write_text(manifest)
    found = load(f"jsonl:{file}").root
    assert (str(found) if found else None) == (str(file.parent) if root == "here" else root)


def test_a_foreign_run_sends_no_picture_that_its_author_did_not_know(make_jsonl, make_picture, tmp_path):
    private = tmp_path / "private"
    private.mkdir()
    (private / "known.png").write_bytes(make_picture(1))
    (private / "secret.png").write_bytes(make_picture(2))
    known = hashlib.sha256(make_picture(1)).hexdigest()
    rows = [
        {"sample_id": "known", "text": "Question 0?", "image": str(private / "known.png"), "image_sha256": known},
        {"sample_id": "guess", "text": "Question 1?", "image": str(private / "secret.png"), "image_sha256": known},
        {"sample_id": "bare", "text": "Question 2?", "image": str(private / "secret.png")},
    ]
    file = make_jsonl(*rows, name="samples.jsonl")
    (file.parent / "manifest.json").write_text(json.dumps({"dataset_root": str(private)}))
    seen = []

    async def answer(prompt):
        seen.append(prompt.image.sha256)
        return "Yes."

    vlsbench.evaluate(model=TalkingModel(answer), dataset=f"jsonl:{file}", judge="refusal", out=tmp_path / "run")
    assert seen == [known]
    assert {record["sample_id"]: record["outcome"] for record in responses(tmp_path / "run")} == {
        "known": "ok",
        "guess": "error",
        "bare": "error",
    }


def test_the_images_that_a_run_keeps_are_in_its_folder(make_jsonl):
    file = make_jsonl({"sample_id": "a", "text": "b"}, name="samples.jsonl")
    (file.parent / "manifest.json").write_text('{"dataset_root": "/somewhere/set"}')
    (file.parent / "images").mkdir()
    assert load(f"jsonl:{file}").root == file.parent


def test_a_manifest_beside_a_file_of_another_name_means_nothing(make_jsonl):
    file = make_jsonl({"sample_id": "a", "text": "b"})
    (file.parent / "manifest.json").write_text('{"dataset_root": "/"}')
    assert load(f"jsonl:{file}").root == file.parent


def test_the_folder_is_absolute_so_that_it_can_be_recorded(make_jsonl, monkeypatch):
    file = make_jsonl({"sample_id": "a", "text": "b"})
    monkeypatch.chdir(file.parent)
    dataset = load("jsonl:set.jsonl")
    assert dataset.root == file.parent
    assert dataset.name == "jsonl:set.jsonl"
