"""The model a training starts from: folders, packaged variants and repositories, and what cannot be trained."""

import json
import sys

import pytest

from vlsbench import miniworld
from vlsbench.align import start
from vlsbench.align.job import train
from vlsbench.align.sft import SFT
from vlsbench.core.errors import AccessDenied, MissingExtra, UnknownName, UserError
from vlsbench.demo import demonstrate

pytest.importorskip("torch")
pytest.importorskip("trl")

# The libraries' own deprecation notices are not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def fetch(reference):
    return start.fetch(start.parse(reference))


def settings(model, **more):
    return SFT(model=model, **{"data": ("mini:textual:4",), "batch_size": 4, "max_length": 128, "max_steps": 1, **more})


def test_a_repository_of_the_hub_is_fetched_and_trained(hub, tmp_path):
    hub.repos["org/tiny"] = {path.name: path.read_bytes() for path in miniworld.weights("base").iterdir()}
    out = train(settings("hf:org/tiny@main"), tmp_path / "out")
    assert "--model hf:org/tiny@main" in (out / "README.md").read_text()
    model = start.load_model(fetch(f"hf:{out}"), "float32")
    assert model.num_parameters() > 1_000_000


def test_an_unknown_repository_and_bad_data_before_a_download_leave_nothing(hub, tmp_path):
    with pytest.raises(AccessDenied, match="no model 'org/none'"):
        train(settings("hf:org/none"), tmp_path / "out")
    hub.requests.clear()
    with pytest.raises(UserError, match=r"gone\.jsonl cannot be read"):
        train(settings("hf:org/none", data=("jsonl:gone.jsonl",)), tmp_path / "out")
    assert hub.requests == []
    assert not any(path.name.startswith("out") for path in tmp_path.iterdir())


def test_packaged_variants_folders_and_bare_paths_lead_to_their_folder(tmp_path):
    folder = miniworld.weights("base")
    assert fetch("mini:base") == fetch(f"hf:{folder}") == fetch(str(folder)) == folder
    with pytest.raises(UnknownName, match="Did you mean 'textual-sft'"):
        start.parse("mini:text-sft")


def test_references_that_lead_to_no_model_are_clear_errors(tmp_path):
    with pytest.raises(UnknownName, match="Known: hf, mini"):
        start.parse("openai:gpt")
    with pytest.raises(UserError, match=r"no config\.json"):
        fetch(f"hf:{tmp_path}")
    with pytest.raises(UserError, match="No folder at"):
        fetch(f"hf:{tmp_path / 'gone'}")


def test_what_cannot_be_trained_further_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(UserError, match="Merge the two"):
        start.parse("hf:org/tiny+org/adapter")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llava", "mm_vision_tower": "clip"}))
    with pytest.raises(UserError, match="Take the converted model"):
        fetch(str(tmp_path))


def test_damaged_weights_are_named(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for path in miniworld.weights("base").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "model.safetensors").write_bytes(b"short")
    with pytest.raises(UserError, match="is damaged"):
        train(settings(f"hf:{folder}"), tmp_path / "out")


def test_a_missing_package_is_found_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtra, match=r"needs peft.*\[align\]"):
        train(settings("mini:base"), tmp_path / "out")
    with pytest.raises(MissingExtra, match="needs peft"):
        demonstrate.demonstrate(tmp_path / "demo", retrain=True)
    assert list(tmp_path.iterdir()) == []
