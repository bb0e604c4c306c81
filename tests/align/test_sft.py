"""Supervised fine-tuning: text and pictures, going on after a stop, and clear errors."""

import pytest

from vlsbench.align import work
from vlsbench.align.job import train
from vlsbench.align.sft import SFT
from vlsbench.core.errors import UserError

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

# The libraries' own deprecation notices are not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def settings(base, **more):
    given = {"data": ("mini:textual:12", "mini:multimodal:12"), "epochs": 1, "batch_size": 4, "max_length": 128}
    return SFT(model=str(base), **{**given, **more})


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("lora", [False, True])
def test_mixed_data_trains_and_the_output_is_an_ordinary_folder_with_a_card(base, tmp_path, lora):
    lines = []
    out = train(settings(base, lora=lora, lr=1e-3), tmp_path / "out", lines.append)
    trained, before = weights(out), weights(base)
    assert trained.keys() == before.keys()
    assert any(not torch.equal(trained[name], before[name]) for name in before)
    card = (out / "README.md").read_text()
    assert "vlsbench align sft" in card
    assert str(out) in card
    assert "24 examples, 12 with pictures" in lines
    assert not (tmp_path / "out.training").exists()
    from transformers import AutoModelForImageTextToText, AutoProcessor

    AutoModelForImageTextToText.from_pretrained(out)
    AutoProcessor.from_pretrained(out)


@pytest.mark.parametrize("lora", [False, True])
def test_a_stopped_training_goes_on_and_ends_where_an_unbroken_one_ends(base, tmp_path, lora):
    job = settings(base, data=("mini:textual:20",), lr=1e-3, lora=lora)
    whole = weights(train(job, tmp_path / "whole"))

    def stop(line):
        if line.startswith("step 4/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, tmp_path / "parts", stop)
    assert not (tmp_path / "parts").exists()
    (tmp_path / "parts.training" / "checkpoint-9").mkdir()  # A checkpoint that was cut off.
    lines = []
    parts = weights(train(job, tmp_path / "parts", lines.append))
    assert any(line.startswith("going on from checkpoint") for line in lines)
    assert not any(line.startswith("step 1/") for line in lines)
    worst = max((parts[name] - whole[name]).abs().max().item() for name in whole)
    assert worst < 1e-6, worst


def test_an_unfinished_training_with_other_settings_is_not_mixed_up(base, tmp_path):
    folder = tmp_path / "out.training"
    folder.mkdir()
    (folder / work.SETTINGS).write_text("{}")
    with pytest.raises(UserError, match="other settings"):
        train(settings(base), tmp_path / "out")


def test_a_folder_that_is_no_training_is_not_taken_over(base, tmp_path):
    (tmp_path / "out.training").mkdir()
    (tmp_path / "out.training" / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match="in the way"):
        train(settings(base), tmp_path / "out")
    assert (tmp_path / "out.training" / "precious.txt").exists()


def test_a_loss_that_is_not_finite_stops_and_says_where(base, tmp_path):
    with pytest.raises(UserError, match=r"The loss is (nan|inf) at step \d+"):
        train(settings(base, lr=1e30), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_exists_is_left_alone(base, tmp_path):
    with pytest.raises(UserError, match="exists already"):
        train(settings(base), tmp_path)


def test_bad_data_leaves_nothing_half_written(base, tmp_path):
    with pytest.raises(UserError):
        train(settings(base, data=("jsonl:nothing.jsonl",)), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_command_holds_every_setting(base):
    job = SFT(model="mini:base", data=("mini:textual", "jsonl:my file.jsonl"), lora=True, max_steps=5)
    assert job.command("o") == (
        "vlsbench align sft --model mini:base --data mini:textual 'jsonl:my file.jsonl' --out o --lora --epochs 2 "
        "--lr 2e-05 --max-length 2048 --batch-size 16 --seed 0 --max-steps 5"
    )
