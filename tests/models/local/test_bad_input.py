"""Checkpoints that cannot be used: each is refused with a message that says what to do."""

from __future__ import annotations

import asyncio
import builtins
import json
import pickle
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlsbench.core.errors import MissingExtra, UserError
from vlsbench.core.types import Prompt
from vlsbench.models.local import origin, weights
from vlsbench.models.local.model import load_hf

Checkpoint = Callable[[str], Path]


def copy(checkpoint: Checkpoint, name: str, folder: Path) -> Path:
    return Path(shutil.copytree(checkpoint(name), folder / name))


def refusal(ref: Path | str, **settings: Any) -> str:
    with pytest.raises(UserError) as caught:
        load_hf(str(ref), **{"device": "cpu", **settings})
    return str(caught.value)


def test_a_folder_without_a_config(tmp_path: Path) -> None:
    assert "config.json" in refusal(tmp_path)


def test_a_config_that_is_not_json(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    (folder / "config.json").write_text("{")
    assert "cannot be read" in refusal(folder)


def test_a_folder_that_does_not_exist() -> None:
    assert "No folder at './nowhere'" in refusal("./nowhere")


def test_a_text_only_model(tmp_path: Path) -> None:
    from transformers import LlamaConfig

    LlamaConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2).save_pretrained(tmp_path)
    assert "takes no images" in refusal(tmp_path)


def test_an_architecture_that_brings_its_own_code(tmp_path: Path) -> None:
    config = {"model_type": "homemade", "auto_map": {"AutoConfig": "configuration_homemade.HomemadeConfig"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "configuration_homemade.py").write_text("raise SystemExit('this code must not run')")
    assert "--trust-remote-code" in refusal(tmp_path)


def test_an_architecture_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "homemade"}))
    assert "'homemade'" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "lost"),
    [("llava", "processor_config.json"), ("llava", "tokenizer.json"), ("qwen2_vl", "preprocessor_config.json"),
     ("original_llava", "tokenizer.json")],
)  # fmt: skip
def test_missing_processor_files(checkpoint: Checkpoint, tmp_path: Path, name: str, lost: str) -> None:
    folder = copy(checkpoint, name, tmp_path)
    (folder / lost).unlink()
    (folder / "tokenizer_config.json").unlink() if lost == "tokenizer.json" else None
    assert "processor files" in refusal(folder)


def test_a_sentencepiece_tokenizer_without_sentencepiece(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    for name in ("llava", "original_llava"):
        folder = copy(checkpoint, name, tmp_path)
        (folder / "tokenizer.json").rename(folder / "tokenizer.model")
        with monkeypatch.context() as patch:
            patch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "sentencepiece" else find(n, *a))
            assert "sentencepiece" in refusal(folder)


def test_weights_that_are_missing(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    (folder / "model.safetensors").rename(folder / "flax_model.msgpack")
    message = refusal(folder)
    assert "no weights that can be loaded safely" in message
    assert "flax_model.msgpack" in message


def test_weights_that_are_incomplete(checkpoint: Checkpoint, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy(checkpoint, "llava", tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop(next(key for key in tensors if "projector" in key))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "incomplete" in refusal(folder)


@pytest.mark.parametrize("damage", ["cut", "header", "empty"])
def test_corrupted_safetensors(checkpoint: Checkpoint, tmp_path: Path, damage: str) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    data = (folder / "model.safetensors").read_bytes()
    damaged = {"cut": data[: len(data) // 2], "header": b"\xff" * 64 + data[64:], "empty": b""}[damage]
    (folder / "model.safetensors").write_bytes(damaged)
    assert str(folder) in refusal(folder)


class _RunsCode:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        import os

        return os.system, ("touch was_here",)


@pytest.mark.parametrize("form", ["zip", "legacy", "bare"])
def test_a_bin_file_that_is_more_than_tensors(
    checkpoint: Checkpoint, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    folder = copy(checkpoint, "llava", tmp_path)
    (folder / "model.safetensors").unlink()
    evil = {"weight": _RunsCode()}
    if form == "bare":
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(evil, protocol=2))
    else:
        torch.save(evil, folder / "pytorch_model.bin", _use_new_zipfile_serialization=form == "zip")
    assert "more than plain tensors" in refusal(folder)
    assert not (tmp_path / "was_here").exists()


def test_the_original_layouts_pickles_are_held_to_the_same(checkpoint: Checkpoint, tmp_path: Path) -> None:
    import torch

    folder = copy(checkpoint, "original_llava", tmp_path)
    torch.save({"weight": _RunsCode()}, folder / "pytorch_model.bin")
    assert "more than plain tensors" in refusal(folder)


def test_plain_tensors_in_a_bin_file_are_welcome(checkpoint: Checkpoint, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = copy(checkpoint, "llava", tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    texts = [
        asyncio.run(load_hf(str(place), device="cpu").generate(Prompt(text="What is this?", max_tokens=4))).text
        for place in (checkpoint("llava"), folder)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"mm_projector_type": "linear"}, "mlp2x_gelu"),
        ({"image_aspect_ratio": "anyres"}, "llava-hf/llava-v1.6"),
        ({"architectures": ["LlavaMistralForCausalLM"]}, "Mistral"),
        ({"mm_vision_tower": None}, "vision tower"),
        ({"mm_vision_tower": "./nowhere"}, "nowhere"),
    ],
)
def test_variants_of_the_original_layout_that_are_not_read(
    checkpoint: Checkpoint, tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    folder = copy(checkpoint, "original_llava", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    assert expected in refusal(folder)


def test_the_original_layout_is_recognised_before_anything_is_built(tmp_path: Path) -> None:
    # Read as a transformers config, this is a model of seven billion parameters.
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llava", "mm_vision_tower": "./gone"}))
    assert "mlp2x_gelu" in refusal(tmp_path)


def test_an_adapter_for_another_base_by_name(checkpoint: Checkpoint) -> None:
    message = refusal(f"{checkpoint('llava_next')}+{checkpoint('adapter')}")
    assert f"made for {checkpoint('llava')}" in message
    assert f"Use hf:{checkpoint('llava')}+" in message


def test_an_adapter_for_another_base_by_its_layers(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = copy(checkpoint, "adapter", tmp_path)
    config = json.loads((folder / "adapter_config.json").read_text())
    moved = config | {"base_model_name_or_path": "/a/path/of/another/machine", "auto_mapping": None}
    (folder / "adapter_config.json").write_text(json.dumps(moved))
    load_hf(f"{checkpoint('llava')}+{folder}", device="cpu")
    assert "do not fit" in refusal(f"{checkpoint('mllama')}+{folder}")


@pytest.mark.parametrize(("recorded", "fine"), [("org/Base-7B", True), ("ORG/base-7b", True), ("org/other", False)])
def test_an_adapters_base_is_compared_by_its_name_on_the_hub(recorded: str, *, fine: bool) -> None:
    source = origin.parse("org/base-7b+org/adapter")
    raw = {"base_model_name_or_path": recorded}
    if fine:
        weights._check_base_name(raw, source, Path("/cache/base-7b"))
    else:
        with pytest.raises(UserError, match=r"Use hf:org/other\+org/adapter"):
            weights._check_base_name(raw, source, Path("/cache/base-7b"))


def test_a_folder_that_is_no_adapter(checkpoint: Checkpoint) -> None:
    assert "adapter_config.json" in refusal(f"{checkpoint('llava')}+{checkpoint('mllama')}")


def test_an_adapter_given_as_a_model(checkpoint: Checkpoint) -> None:
    assert f"Write hf:{checkpoint('llava')}+{checkpoint('adapter')}" in refusal(checkpoint("adapter"))


def test_an_adapter_beside_a_model_is_not_put_on_it_unasked(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    shutil.copytree(checkpoint("adapter"), folder, dirs_exist_ok=True)
    assert "beside a model" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        ("generation_config.json", "[]", "generation_config.json holds no JSON object"),
        ("tokenizer.json", '{"version": "1.0", "model": {"type": "odd"}}', "or they are damaged"),
        ("config.json", {"text_config": "nope"}, "config.json"),
        ("config.json", {"architectures": 5}, None),
        ("config.json", {"model_type": ["llava"]}, "architecture"),
    ],
)
def test_files_with_values_that_cannot_be(
    checkpoint: Checkpoint, tmp_path: Path, file: str, change: Any, expected: str | None
) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    path = folder / file
    path.write_text(change if isinstance(change, str) else json.dumps({**json.loads(path.read_text()), **change}))
    if expected is None:
        load_hf(str(folder), device="cpu")
    else:
        assert expected in refusal(folder)


@pytest.mark.parametrize("part", ["text_config", "vision_config"])
def test_a_number_of_heads_that_cannot_be(checkpoint: Checkpoint, tmp_path: Path, part: str) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config[part]["num_attention_heads"] = 0
    (folder / "config.json").write_text(json.dumps(config))
    assert "config.json" in refusal(folder)


def test_an_image_token_that_model_and_tokenizer_number_differently(checkpoint: Checkpoint, tmp_path: Path) -> None:
    for name in ("llava", "qwen2_vl", "mllama"):
        folder = copy(checkpoint, name, tmp_path)
        config = json.loads((folder / "config.json").read_text())
        key = "image_token_id" if "image_token_id" in config else "image_token_index"
        (folder / "config.json").write_text(json.dumps(config | {key: 9}))
        assert "image token is 9 by config.json" in refusal(folder)


def test_loading_says_nothing_on_the_standard_streams(
    checkpoint: Checkpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    base, adapter, original = (checkpoint(name) for name in ("llava", "adapter", "original_llava"))
    capfd.readouterr()  # making them may say something
    load_hf(f"{base}+{adapter}", device="cpu")
    load_hf(str(original), device="cpu")
    assert capfd.readouterr() == ("", "")


def test_weights_of_another_shape_are_named_with_both(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["intermediate_size"] = 48
    (folder / "config.json").write_text(json.dumps(config))
    message = refusal(folder)
    assert "[32, 64] in the file and [32, 48] by config.json" in message


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% for i in range(10**9) %}{% endfor %}", "OverflowError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError"),
        ("{% for m in messages %}", "TemplateSyntaxError"),
    ],
)
def test_a_template_that_cannot_be_used(checkpoint: Checkpoint, tmp_path: Path, template: str, expected: str) -> None:
    folder = copy(checkpoint, "llava", tmp_path)
    (folder / "chat_template.jinja").write_text(template)
    message = refusal(folder)
    assert expected in message
    assert "chat_template.jinja" in message


def test_a_template_that_does_not_end_is_given_up_once_and_for_all() -> None:
    from vlsbench.models.local.templates import TemplateFailed, Trial

    asked = []
    forever = threading.Event()

    def apply(messages: Any, *, generation_prompt: bool) -> str:
        asked.append((messages, generation_prompt))
        forever.wait(10)
        return ""

    renderer = Trial(apply, limit_s=0.05)
    for _ in range(2):
        with pytest.raises(TemplateFailed, match="end within"):
            renderer([], generation_prompt=True)
    forever.set()
    assert len(asked) == 1


@pytest.mark.parametrize("kept", [0, 5000])
def test_a_bin_file_that_is_cut_short(checkpoint: Checkpoint, tmp_path: Path, kept: int) -> None:
    import torch
    from safetensors.torch import load_file

    folder = copy(checkpoint, "llava", tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes((folder / "pytorch_model.bin").read_bytes()[:kept])
    message = refusal(folder)
    assert "is damaged" in message
    assert "()" not in message
    assert "copy it again" in message


def test_a_damaged_adapter(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = copy(checkpoint, "adapter", tmp_path)
    (folder / "adapter_model.safetensors").write_bytes(b"\0" * 100)
    assert str(folder) in refusal(f"{checkpoint('llava')}+{folder}")


def test_cuda_asked_for_and_absent(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "--device cpu" in refusal(checkpoint("llava"), device="cuda")


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [("device", "gpu", "No device named"), ("dtype", "fp8", "No dtype named"), ("batch_size", 0, "--batch-size auto")],
)
def test_settings_that_do_not_exist(checkpoint: Checkpoint, setting: str, value: Any, expected: str) -> None:
    assert expected in refusal(checkpoint("llava"), **{setting: value})


@pytest.mark.parametrize("ref", ["", "+x", "org/model+", "org/model@", "@main", "one", "a/b/c"])
def test_references_that_cannot_be_read(ref: str) -> None:
    assert refusal(ref)


def test_what_a_reference_names(tmp_path: Path) -> None:
    full = origin.parse("hf:org/base@v2+org/adapter@main")
    assert (full.base.name, full.base.revision) == ("org/base", "v2")
    assert full.adapter is not None
    assert (full.adapter.name, full.adapter.revision) == ("org/adapter", "main")
    odd = tmp_path / "a+b@c"
    odd.mkdir()
    assert origin.parse(str(odd)) == origin.Source(base=origin.Place(name=str(odd)))
    assert origin.parse(f"{odd}+{odd}").adapter == origin.Place(name=str(odd))


def test_torch_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_torch(name: str, *more: Any, **settings: Any) -> Any:
        if name == "torch":
            raise ImportError(name)
        return real(name, *more, **settings)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    with pytest.raises(MissingExtra, match=r"pip install '\S*\[hf\]'"):
        load_hf("org/model")
