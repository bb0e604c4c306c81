"""The picture of scenes in the documentation: each scene in its place, and written by the command of the docstring."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from builders import SRC
from vlsbench.core.images import from_data_uri
from vlsbench.demo.gallery import COLUMNS, ZOOM, gallery
from vlsbench.miniworld import splits

CELL = 64 * ZOOM + 4


@pytest.mark.parametrize(("row", "split"), [(0, "leakless"), (1, "benign"), (2, "naming")])
def test_every_scene_stands_in_its_place_pixel_by_pixel(row: int, split: str) -> None:
    sheet = gallery()
    assert sheet.size == (COLUMNS * CELL - 4, 3 * CELL - 4)
    for column, sample in enumerate(splits.samples(split, COLUMNS)):
        place = (column * CELL, row * CELL, column * CELL + 64 * ZOOM, row * CELL + 64 * ZOOM)
        shown = sheet.crop(place).resize((64, 64), Image.Resampling.NEAREST)
        scene = Image.open(io.BytesIO(from_data_uri(sample.image or ""))).convert("RGB")
        assert shown.tobytes() == scene.tobytes()


def test_the_command_writes_a_small_picture(tmp_path: Path) -> None:
    out = tmp_path / "scenes.png"
    made = subprocess.run(
        [sys.executable, "-m", "vlsbench.demo.gallery", str(out)], env={"PYTHONPATH": str(SRC)}, capture_output=True
    )
    assert made.returncode == 0, made.stderr.decode()
    with Image.open(out) as picture:
        assert picture.size == gallery().size
        assert len(picture.getcolors() or []) <= 128
