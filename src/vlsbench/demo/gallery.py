"""The picture of scenes in the documentation: ``python -m vlsbench.demo.gallery FILE``."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.core.images import from_data_uri
from vlsbench.miniworld import splits

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 8
ZOOM = 2
_GAP = 4


def gallery() -> Image:
    """Leakless scenes in the first row, their benign twins below, naming scenes last."""
    from PIL import Image

    cell = 64 * ZOOM + _GAP
    sheet = Image.new("RGB", (COLUMNS * cell - _GAP, 3 * cell - _GAP), "white")
    for row, split in enumerate(("leakless", "benign", "naming")):
        for column, sample in enumerate(splits.samples(split, COLUMNS)):
            picture = Image.open(io.BytesIO(from_data_uri(sample.image or "")))
            enlarged = picture.resize((64 * ZOOM, 64 * ZOOM), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (column * cell, row * cell))
    return sheet


if __name__ == "__main__":
    gallery().quantize(128).save(Path(sys.argv[1]), optimize=True)
