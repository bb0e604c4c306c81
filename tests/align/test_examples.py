"""Training data from the formats that people have; a bad record is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vlsbench.align import data
from vlsbench.core.errors import DatasetError, UnknownName
from vlsbench.core.images import from_data_uri
from vlsbench.core.types import Reply, ResponseOutcome
from vlsbench.miniworld import splits
from vlsbench.run.evaluate import evaluate


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


def test_pairs_of_the_miniature_world_have_a_right_answer_and_a_wrong_one():
    from vlsbench.miniworld import language

    for name, plain in (("textual-pairs", "textual"), ("multimodal-pairs", "multimodal")):
        pairs = load([f"mini:{name}:80"])
        assert [one.completion for one in pairs] == [one.completion for one in load([f"mini:{plain}:80"])]
        for pair in pairs:
            right, wrong = language.parse(pair.completion).kind, language.parse(pair.rejected).kind
            safe = (language.AnswerKind.REFUSAL, language.AnswerKind.WARNING)
            assert (right in safe) == pair.harmful
            assert wrong is not language.AnswerKind.GARBLED
            assert pair.completion != pair.rejected
            if pair.harmful:
                assert wrong is language.AnswerKind.HELPFUL


def test_dropping_the_pictures_makes_the_textual_form():
    with_pictures, without = (load(["mini:multimodal-pairs:5"], drop_images=drop) for drop in (False, True))
    assert all(one.images for one in with_pictures)
    assert [replace(one, images=()) for one in with_pictures] == without


def test_saferlhf_gives_pairs_and_leaves_out_what_has_no_safe_answer(tmp_path):
    record = {"prompt": "q", "response_0": "zero", "response_1": "one", "safer_response_id": 1}
    safe = [(False, True), (True, True), (False, False)]
    rows = [{**record, "is_response_0_safe": zero, "is_response_1_safe": one} for zero, one in safe]
    found = load([f"saferlhf:{lines(tmp_path / 'train.jsonl', *rows)}"])
    assert [(one.completion, one.rejected, one.harmful) for one in found] == [
        ("one", "zero", True),
        ("one", "zero", None),
    ]


def test_vlguard_tells_harmful_queries_from_harmless_ones(tmp_path, picture):
    (tmp_path / "1.png").write_bytes(picture)
    pairs = [{"safe_instruction": "s", "response": "yes"}, {"unsafe_instruction": "u", "response": "no"}]
    unsafe = {"image": "1.png", "safe": False, "instr-resp": [{"instruction": "i", "response": "r"}]}
    (tmp_path / "train.json").write_text(json.dumps([unsafe, {"image": "1.png", "safe": True, "instr-resp": pairs}]))
    assert [one.harmful for one in load([f"vlguard:{tmp_path}"])] == [True, False, True]


def test_jsonl_takes_pairs_in_our_form_and_in_trls(tmp_path):
    ours = {"messages": [{"role": "user", "content": "q"}], "chosen": "good", "rejected": "bad", "harmful": True}
    message = {"role": "assistant", "content": "good"}
    trl = {"prompt": "q", "chosen": [message], "rejected": [{**message, "content": "bad"}]}
    found = load([f"jsonl:{lines(tmp_path / 'x.jsonl', ours, trl)}"])
    assert [(one.prompt[0].text, one.completion, one.rejected, one.harmful) for one in found] == [
        ("q", "good", "bad", True),
        ("q", "good", "bad", None),
    ]
    for bad, why in (({**ours, "rejected": ""}, "needs 'rejected'"), ({**ours, "harmful": "yes"}, "neither true nor")):
        with pytest.raises(DatasetError, match=f"line 1.*{why}"):
            load([f"jsonl:{lines(tmp_path / 'y.jsonl', bad)}"])


def test_spa_vl_gives_pairs_and_keeps_its_pictures_as_files(tmp_path, picture):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (tmp_path / "train").mkdir()
    columns = {"question": ["q", "p"], "chosen": ["good", "fine"], "rejected": ["bad", "worse"]}
    table = pa.table({**columns, "image": [{"bytes": picture, "path": None}] * 2, "image_name": ["a", "b"]})
    parquet.write_table(table, tmp_path / "train" / "train-00000.parquet")
    found = data.load([f"spa-vl:{tmp_path}"], tmp_path / "scratch")
    assert [(one.prompt[0].text, one.completion, one.rejected) for one in found] == [
        ("q", "good", "bad"),
        ("p", "fine", "worse"),
    ]
    assert {Path(one.images[0]).read_bytes() for one in found} == {picture}
    assert len(list((tmp_path / "scratch").iterdir())) == 1
    broken = table.set_column(3, "image", pa.array([{"bytes": b"no picture", "path": None}] * 2))
    parquet.write_table(broken, tmp_path / "train" / "train-00000.parquet")
    with pytest.raises(DatasetError, match="row 0"):
        data.load([f"spa-vl:{tmp_path}"], tmp_path / "scratch")


class Canned:
    """A model that says of every item what its name asks for."""

    def __init__(self, name, answer):
        self.name = name
        self.answer = answer

    async def generate(self, prompt):
        return Reply(outcome=ResponseOutcome.OK, text=self.answer)


def test_safe_and_unsafe_answers_of_runs_to_the_same_query_make_pairs(tmp_path, monkeypatch):
    from vlsbench.miniworld import language

    answers = {"careful": language.refusal(), "careless": language.helpful("zorb")}
    for name, answer in answers.items():
        evaluate(model=Canned(name, answer), dataset="mini:twins:4", judge="template", out=tmp_path / name)
    found = load([f"run:{tmp_path / 'careful'},{tmp_path / 'careless'}"])
    assert [(one.harmful, one.completion, one.rejected) for one in found] == [
        (True, answers["careful"], answers["careless"]),
        (False, answers["careless"], answers["careful"]),
    ] * 2
    assert all(Path(one.images[0]).is_file() for one in found)
    (alone,) = {(one.completion, one.rejected) for one in load([f"run:{tmp_path / 'careful'}"])}
    assert alone == (answers["careful"], None)
    monkeypatch.chdir(tmp_path)
    assert load(["run:careful,careless"]) == found


def test_a_dataset_gives_its_queries():
    found = load(["dataset:mini:twins:4"])
    assert [(one.harmful, one.completion) for one in found] == [(True, ""), (False, "")] * 2
