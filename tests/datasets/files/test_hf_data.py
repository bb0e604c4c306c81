"""Tables of the hub: which files a split is, at which commit, and that nothing but data is fetched."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from hub_server import COMMIT, Hub
from vlsbench.core.errors import AccessDenied, DatasetError, MissingExtra, UnknownName, UserError
from vlsbench.datasets import load
from vlsbench.datasets.fetch.remote import Remote
from vlsbench.datasets.files.hf_data import choose, splits, take_apart

REPO = "datasets/org/set"


def table(*texts: str) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"prompt": list(texts)}), buffer)
    return buffer.getvalue()


@pytest.fixture
def served(hub: Hub) -> Hub:
    hub.repos[REPO] = {
        "README.md": b"# set",
        "set.py": b"raise SystemExit('never run')",
        "data/train-00000-of-00002.parquet": table("a", "b"),
        "data/train-00001-of-00002.parquet": table("c"),
        "harm/test.csv": b"prompt\nx\n",
    }
    return hub


def files(*names: str) -> list[Remote]:
    return [Remote(name=name, url="", etag="", size=1) for name in names]


@pytest.mark.parametrize(
    ("place", "parts"),
    [
        ("org/set", ("org/set", "main", "")),
        ("org/set@v1#test", ("org/set", "v1", "test")),
        ("org/set#a/b", ("org/set", "main", "a/b")),
    ],
)
def test_a_reference_has_a_revision_and_a_split(place, parts):
    assert take_apart(place) == parts


def test_splits_go_by_the_names_of_the_files():
    found = splits(
        files(
            "data/train-00001-of-00002.parquet",
            "data/train-00000-of-00002.parquet",
            "Fraud/SD-00000-of-00001.parquet",
            "test.jsonl",
            "test.csv",
            "en/train/0000.parquet",
            "dataset_infos.json",
            ".cache/x.json",
            "script.py",
        )
    )
    assert {name: [remote.name for remote in shards] for name, shards in found.items()} == {
        "Fraud/SD": ["Fraud/SD-00000-of-00001.parquet"],
        "train": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
        "en/train": ["en/train/0000.parquet"],
        "test": ["test.jsonl"],
    }


def test_a_split_is_chosen_by_its_whole_name_or_its_end():
    found = splits(files("train.csv", "en/train.csv", "en/test.csv", "de/test.csv"))
    assert choose(found, "train", "r")[0] == "train"
    assert choose(found, "en/test", "r")[0] == "en/test"
    with pytest.raises(DatasetError, match="several splits; name one"):
        choose(found, "test", "r")
    with pytest.raises(UnknownName, match="Did you mean 'train'"):
        choose(found, "trian", "r")
    with pytest.raises(DatasetError, match="holds no Parquet, JSON or CSV"):
        choose({}, "", "r")


def test_the_shards_of_a_split_are_one_set_at_the_commit_of_the_moment(served):
    dataset = load("hf-data:org/set#train", "text=prompt")
    assert [(sample.id, sample.text) for sample in dataset] == [("0", "a"), ("1", "b"), ("2", "c")]
    assert dataset.revision == COMMIT
    assert dataset.name == f"hf-data:org/set@{COMMIT}#train?text=prompt"
    fetched = [path.rpartition("/")[2] for path, _ in served.asked_for("GET") if "/resolve/" in path]
    assert fetched == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]


def test_a_second_time_nothing_is_downloaded(served):
    load("hf-data:org/set#train", "text=prompt")
    served.requests.clear()
    assert len(list(load(f"hf-data:org/set@{COMMIT}#train", "text=prompt"))) == 3
    assert not [path for _, path, _ in served.requests if "/resolve/" in path]


def test_csv_and_json_files_serve_as_well(served):
    assert [sample.text for sample in load("hf-data:org/set#test", "text=prompt")] == ["x"]
    served.repos[REPO] = {"rows.json": json.dumps([{"text": "y"}]).encode()}
    assert [sample.text for sample in load("hf-data:org/set")] == ["y"]


def test_a_repository_with_several_splits_lists_them(served):
    with pytest.raises(DatasetError, match=r"name one: .*It has: train, harm/test"):
        load("hf-data:org/set", "text=prompt")


def test_a_gated_repository_says_how_to_get_access(served):
    served.gated.add(REPO)
    with pytest.raises(AccessDenied, match=r"Accept its terms at .*/datasets/org/set"):
        load("hf-data:org/set#train")


def test_a_repository_or_revision_that_is_not_there_is_told(served):
    with pytest.raises(AccessDenied, match="no dataset 'org/other'"):
        load("hf-data:org/other")
    with pytest.raises(UserError, match="no revision 'v9'"):
        load("hf-data:org/set@v9#train")
    with pytest.raises(DatasetError, match="needs the data"):
        load("hf-data:")


def test_an_absent_column_is_told_before_anything_runs(served):
    with pytest.raises(DatasetError, match=r"has no column 'text'.*It has: prompt"):
        load("hf-data:org/set#train")


def test_without_the_client_the_error_names_the_install_command(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"pip install '\S*\[data\]'"):
        load("hf-data:org/set")


@pytest.mark.parametrize(
    "name", ["/../../evil.csv", "data/../../../evil.csv", "evil\0.csv", "\x1b[2Jevil.csv", "a:b.csv"]
)
def test_the_name_of_a_split_leads_nowhere_else(hub: Hub, tmp_path, name):
    hub.repos[REPO] = {name: b"prompt\nx\n"}
    with pytest.raises(DatasetError):
        load("hf-data:org/set", {"text": "prompt"})
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]
