"""Names are short, and never alike for different things."""

import pytest

from vlsbench import datasets
from vlsbench.core import names


@pytest.mark.parametrize(
    ("ref", "name", "brief"),
    [
        ("openai:org/model@http://localhost:8000/v1", "openai:org/model", "model"),
        ("openai:llama3:8b@https://x/v1", "openai:llama3:8b", "llama3:8b"),
        ("hf:/models/base", "hf:base", "base"),
        ("hf:org/base+/adapters/lora/", "hf:org/base+lora", "base+lora"),
        ("mini:text-sft", "mini:text-sft", "text-sft"),
        ("someday:/models/base", "someday:base", "base"),
        ("my own object", "my own object", "my own object"),
        ("hf:", "hf:", "hf"),
    ],
)
def test_a_model_loses_its_server_and_its_folders(ref, name, brief):
    assert names.model_name(ref) == name
    assert names.brief_model_name(ref) == brief


def test_two_adapters_of_one_name_are_told_apart_by_their_folders():
    refs = ["hf:/m/base+/one/lora", "hf:/m/base+/two/lora", "hf:/m/other"]
    assert list(names.shortest(refs, names.model_name).values()) == [
        "hf:m/base+one/lora",
        "hf:m/base+two/lora",
        "hf:other",
    ]
    refs = ["hf:/one/lora", "hf:/two/lora"]
    assert list(names.shortest(refs, names.brief_model_name).values()) == ["one/lora", "two/lora"]


def test_what_no_folder_tells_apart_is_called_by_its_reference():
    refs = ["openai:m@http://one/v1", "openai:m@http://two/v1"]
    assert list(names.distinct(names.shortest(refs, names.brief_model_name)).values()) == refs


@pytest.mark.parametrize(
    ("ref", "name", "brief"),
    [
        ("jsonl:/sets/mine.jsonl", "jsonl:mine", "mine"),
        ("csv:/sets/mine.csv?text=prompt", "csv:mine", "mine"),
        ("parquet:sets/v1.2/part", "parquet:part", "part"),
        ("vlsbench:/data/vlsbench", "vlsbench", "vlsbench"),
        ("mm_safetybench/SD:data", "mm_safetybench/SD", "mm_safetybench/SD"),
        ("mini:leaky:200:0", "mini:leaky", "mini:leaky"),
        ("mini:leaky:50:0", "mini:leaky:50:0", "mini:leaky:50:0"),
        ("hf-data:org/set@v1#test", "hf-data:org/set@v1#test", "hf-data:org/set@v1#test"),
        ("listed", "listed", "listed"),
    ],
)
def test_a_dataset_loses_its_folder(ref, name, brief):
    assert names.dataset_name(ref) == name
    assert names.brief_dataset_name(ref) == brief


def test_every_scheme_of_a_file_is_known():
    own = [
        entry.name for entry in datasets.CATALOG.values() if entry.open.__module__.startswith("vlsbench.datasets.files")
    ]
    assert {name for name in own if not name.startswith("hf")} == set(names.FILES)


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("openai:org/model@http://localhost/v1", "model"),
        ("hf:/models/base+/adapters/lora", "lora"),
        ("mini:text-sft", "mini-text-sft"),
        ("jsonl:/sets/mine.jsonl", "jsonl-mine.jsonl"),
        ("csv:/sets/mine.csv", "mine.csv"),
        ("guard:hf:org/g", "g"),
    ],
)
def test_folders_of_earlier_versions_keep_their_names(ref, name):
    assert names.slug(ref) == name


@pytest.mark.parametrize(
    ("ref", "model"),
    [
        ("openai:m", "openai:m"),
        ("openai:m@http://localhost:8000/v1", "openai:m"),
        ("guard:openai:m", "openai:m"),
        ("graded:openai:m@http://localhost:8000/v1", "openai:m"),
        ("graded/3:anthropic:m", "anthropic:m"),
        ("refusal", "refusal"),
    ],
)
def test_the_model_that_a_judge_asks(ref, model):
    assert names.model_behind(ref) == model


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/n1/models/Qwen-7B", "/n2/scratch/qwen-7b/", True),
        ("/models/a/default", "/models/b/default", False),
        ("/n1/a/default", "/n2/a/default", True),
        ("/runs/a/checkpoint-500", "/runs/b/checkpoint-500", False),
        ("default", "default", True),
        ("default", "/models/a/default", True),
        ("org/small", "org/big", False),
    ],
)
def test_paths_of_one_model_are_told_from_those_of_two(one, other, same):
    assert names.same_model(one, other) is same
    assert names.same_model(other, one) is same
