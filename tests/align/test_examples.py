"""Training data from the formats that people have; a bad record is named."""

import json
from pathlib import Path

import pytest

from vlsbench.align import data
from vlsbench.core.errors import DatasetError, UnknownName
from vlsbench.core.images import from_data_uri
from vlsbench.miniworld import splits


def load(sources, **more):
    return data.load(sources, Path("never made"), **more)


@pytest.fixture
def picture():
    return from_data_uri(next(splits.samples("naming", 1)).image)


def lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def chat(query="What is it?", answer="A ball.", **more):
    return {"messages": [{"role": "user", "content": query}, {"role": "assistant", "content": answer}], **more}


def test_the_miniature_world_gives_text_and_pictures():
    examples = load(["mini:textual:3", "mini:multimodal:2:1"])
    assert [len(example.images) for example in examples] == [0, 0, 0, 1, 1]
    assert load(["mini:textual:3:1"]) != load(["mini:textual:3"])


@pytest.mark.parametrize("rest", ["textual:x", "textual:1:2:3", "textual:-1"])
def test_a_bad_number_of_the_miniature_world_is_a_clear_error(rest):
    with pytest.raises(DatasetError, match=r"SEED"):
        load([f"mini:{rest}"])


def test_saferlhf_takes_the_safer_response(tmp_path):
    record = {"prompt": "q", "response_0": "zero", "response_1": "one", "safer_response_id": 1, "better_response_id": 0}
    file = lines(tmp_path / "train.jsonl", record, {**record, "safer_response_id": 0})
    assert [example.completion for example in load([f"saferlhf:{file}"])] == ["one", "zero"]
    assert [example.completion for example in load([f"saferlhf:{tmp_path}"])] == ["one", "zero"]


def test_saferlhf_names_the_line_that_lacks_a_field(tmp_path):
    good = {"prompt": "q", "response_0": "zero", "response_1": "one", "safer_response_id": 1}
    file = lines(tmp_path / "train.jsonl", good, {**good, "response_1": " "})
    with pytest.raises(DatasetError, match=r"line 2: needs 'response_1'"):
        load([f"saferlhf:{file}"])
    with pytest.raises(DatasetError, match="not 0 or 1"):
        load([f"saferlhf:{lines(file, {**good, 'safer_response_id': 2})}"])


def test_vlguard_gives_one_example_for_an_unsafe_picture_and_two_for_a_safe_one(tmp_path, picture):
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "1.png").write_bytes(picture)
    unsafe = {"id": "1", "image": "a/1.png", "safe": False, "instr-resp": [{"instruction": "i", "response": "r"}]}
    pairs = [{"safe_instruction": "s", "response": "yes"}, {"unsafe_instruction": "u", "response": "no"}]
    (tmp_path / "train.json").write_text(json.dumps([unsafe, {**unsafe, "safe": True, "instr-resp": pairs}]))
    examples = load([f"vlguard:{tmp_path}"])
    assert [(one.prompt[0].text, one.completion) for one in examples] == [("i", "r"), ("s", "yes"), ("u", "no")]
    assert all(one.images == (str(tmp_path / "train" / "a" / "1.png"),) for one in examples)


def test_vlguard_names_the_record_whose_picture_is_missing(tmp_path):
    record = {"image": "a/1.png", "instr-resp": [{"instruction": "i", "response": "r"}]}
    (tmp_path / "train.json").write_text(json.dumps([record]))
    with pytest.raises(DatasetError, match=r"record 0: no image file at .*1\.png"):
        load([f"vlguard:{tmp_path}"])


def test_jsonl_takes_conversations_with_pictures_beside_the_file_or_inside_it(tmp_path, picture):
    (tmp_path / "p.png").write_bytes(picture)
    uri = next(splits.samples("naming", 1)).image
    turns = [{"role": "system", "content": "s"}, *chat()["messages"], *chat("And now?")["messages"]]
    file = lines(tmp_path / "x.jsonl", chat(), chat(images=["p.png"]), chat(images=[uri]), {"messages": turns})
    examples = load([f"jsonl:{file}"])
    assert [len(example.images) for example in examples] == [0, 1, 1, 0]
    assert [turn.role for turn in examples[3].prompt] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "needs 'messages'"),
        ({"messages": [{"role": "user", "content": "q"}]}, "the last the assistant's"),
        ({"messages": [{"role": "user"}]}, "needs 'content' as text"),
        ({"messages": [{"role": "tool", "content": "q"}, {"role": "assistant", "content": "a"}]}, "roles"),
        (chat(images="p.png"), "'images' is not a list"),
        (chat(images=["gone.png"]), "no image file"),
        (chat(images=["../out.png"]), "leaves the dataset folder"),
        (chat(answer=""), "needs 'content'"),
        ([1], "not a JSON object"),
    ],
)
def test_a_bad_record_is_named_with_its_line(tmp_path, record, message):
    file = lines(tmp_path / "x.jsonl", chat(), record)
    with pytest.raises(DatasetError, match="line 2.*" + message):
        load([f"jsonl:{file}"])


def test_missing_empty_and_broken_files_are_clear_errors(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        load([f"jsonl:{tmp_path / 'no.jsonl'}"])
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DatasetError, match="no training examples"):
        load([f"jsonl:{tmp_path / 'empty.jsonl'}"])
    (tmp_path / "train.json").write_text("{")
    with pytest.raises(DatasetError, match="not JSON"):
        load([f"vlguard:{tmp_path}"])
    with pytest.raises(DatasetError, match=r"no train\*\.jsonl"):
        load([f"saferlhf:{tmp_path}"])


def test_an_unknown_kind_of_data_gets_a_suggestion():
    with pytest.raises(UnknownName, match="Did you mean 'jsonl'"):
        load(["json:x"])
