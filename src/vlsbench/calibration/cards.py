"""What people are shown of each drawn answer: query, answer and image; never what the judge said."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path

from vlsbench.calibration.design import Design
from vlsbench.core import images
from vlsbench.core.pixels import decode
from vlsbench.core.types import Response, Sample
from vlsbench.store import journal, records
from vlsbench.store.run_folder import Run

_LONGEST_SIDE = 640
"""Pixels; enough to see what is in a picture, small enough for a page with hundreds of them."""

_STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One answer to label; `image` is None where the sample has none, and `more_images` are mostly none."""

    sample_id: str
    query: str
    answer: str
    image: Path | None
    more_images: tuple[Path, ...] = ()

    @property
    def images(self) -> tuple[Path, ...]:
        """All of them, in their order."""
        return () if self.image is None else (self.image, *self.more_images)


def read(run: Run, design: Design) -> list[Card]:
    """The cards of a design, in its order."""
    wanted = {item.sample_id for item in design.items}
    samples = {sample.id: sample for sample in records.samples(run.samples) if sample.id in wanted}
    responses = journal.read(run.responses, Response)
    answers = {each.sample_id: each.text for each in responses if each.outcome.is_answer and each.sample_id in wanted}
    return [_card(run, samples[item.sample_id], answers[item.sample_id]) for item in design.items]


def _card(run: Run, sample: Sample, answer: str) -> Card:
    return Card(
        sample_id=sample.id,
        query=readable(sample.text),
        answer=readable(answer),
        image=run.path / sample.image if sample.image else None,
        more_images=tuple(run.path / image for image in sample.more_images),
    )


def readable(text: str) -> str:
    """Text without characters that only steer a terminal or turn the direction of writing around."""
    return _STEERING.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def thumbnail(path: Path, *more: Path) -> str:
    """An image, or several one below the other, as a ``data:`` URI, scaled down where they are large.

    It is drawn anew, so nothing of the file but its pixels reaches the page.

    Raises:
        ImageProblem: A file is gone or cannot be decoded.
    """
    from PIL import Image

    pictures = [decode(images.read_file(one)[0]) for one in (path, *more)]
    for picture in pictures:
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    sheet = pictures[0]
    if more:
        sheet = Image.new("RGB", (max(one.width for one in pictures), sum(one.height for one in pictures)), "white")
        for place, picture in enumerate(pictures):
            sheet.paste(picture, (0, sum(one.height for one in pictures[:place])))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
