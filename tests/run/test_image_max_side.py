"""``--image-max-side``: what models and judges are shown, and which runs are the same."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from builders import make_set, manifest, verdicts, vlsbench
from loopback import Asked, serve
from vlsbench.store.identity import Identity


def side_of(asked: Asked) -> int:
    assert asked.image is not None
    with Image.open(io.BytesIO(base64.b64decode(asked.image.partition(",")[2]))) as image:
        return max(image.size)


def large_set(folder: Path) -> str:
    ref = make_set(folder, 3)
    for number in range(3):
        Image.new("RGB", (300, 200), (number, 5, 9)).save(folder / f"{number}.png")
    return ref


def test_model_and_judge_are_shown_smaller_images_in_a_run_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = large_set(tmp_path / "set")
    with serve() as server:
        words = ("eval", "--model", server.model(), "--judge", server.judge, "--dataset", dataset, "--quiet")
        run = ("--out", tmp_path / "small")
        assert vlsbench(*words, *run, "--image-max-side", 100) == 0
        assert {side_of(asked) for asked in server.asked} == {100}
        assert manifest(tmp_path / "small")["image_max_side"] == 100
        (judge,) = manifest(tmp_path / "small")["judges"].values()
        assert judge["image_max_side"] == "100"
        assert vlsbench(*words, *run) == 2
        assert "image_max_side: the folder has 100, you ask for None" in capsys.readouterr().err
        asked_before = len(server.asked)
        assert vlsbench(*words, *run, "--image-max-side", 100) == 0
        assert len(server.asked) == asked_before
        assert vlsbench("judge", tmp_path / "small", "--judge", server.judge, "--quiet") == 0
        assert side_of(server.asked[-1]) == 300
        assert len(manifest(tmp_path / "small")["judges"]) == 2
        assert len(verdicts(tmp_path / "small")) == 6


def test_a_side_of_nothing_is_refused(tmp_path: Path) -> None:
    words = ("eval", "--model", "mini:base", "--judge", "refusal", "--dataset", large_set(tmp_path / "set"))
    assert vlsbench(*words, "--image-max-side", 0) == 2


def test_runs_without_it_have_the_names_that_they_had() -> None:
    fields = {"max_tokens": 128, "temperature": 0.0, "system": None, "seed": None, "limit": None}
    identity = Identity(model="openai:m", dataset="jsonl:a.jsonl", dataset_hash="0" * 64, **fields)  # type: ignore[arg-type]
    assert "image_max_side" not in identity.fields()
    assert identity.folder_name() == "m-jsonl-a.jsonl-0016bcab"
