"""The labelling page: one HTML file that asks no other computer for anything.

Queries and answers are hostile. They reach the page as JSON in which ``<``, ``>`` and ``&`` are escaped, and
from there the document as text, never as markup. A content security policy allows the one script and the one
style by their hashes, images from the page itself, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from vlsbench.calibration.cards import Card, thumbnail
from vlsbench.calibration.form import OF_ANSWERS, Form
from vlsbench.core.errors import ImageProblem, MissingExtra

_NO_PICTURE = "This sample has no picture."
_NOT_SHOWN = "The picture cannot be shown: its file is missing or damaged."


def require() -> None:
    """Nothing where pages can be made.

    Raises:
        MissingExtra: Jinja2 is not installed.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise MissingExtra("jinja2", "report") from error


def write(design_id: str, cards: Sequence[Card], form: Form = OF_ANSWERS) -> tuple[bytes, int]:
    """The page, and how many of its images are missing or damaged.

    Args:
        design_id: The id of the drawn sample; labels are kept and saved under it.
        cards: The answers, in the order in which people see them.
        form: The labels there are to choose from, and how everything is called.

    Raises:
        MissingExtra: Jinja2 is not installed.
    """
    require()
    import jinja2

    here = files("vlsbench.calibration") / "templates"
    style, script = ((here / name).read_text(encoding="utf-8") for name in ("label.css", "label.js"))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    data, missing = _data(design_id, cards)
    page = environment.from_string((here / "label.html").read_text(encoding="utf-8")).render(
        design=design_id,
        count=len(cards),
        form=form,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=data,
    )
    return page.encode("utf-8", "replace"), missing


def _hash(text: str) -> str:
    """What a content security policy calls an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _data(design_id: str, cards: Sequence[Card]) -> tuple[dict[str, object], int]:
    """The cards, with each image once however many of them show it; how many images cannot be shown."""
    images: list[str] = []
    numbers: dict[tuple[Path, ...], int | None] = {}
    rows = []
    for card in cards:
        number, note = None, _NO_PICTURE
        if card.images:
            if card.images not in numbers:
                numbers[card.images] = _image(card.images, images)
            number = numbers[card.images]
            note = _NOT_SHOWN if number is None else ""
        rows.append({"id": card.sample_id, "query": card.query, "answer": card.answer, "image": number, "note": note})
    missing = sum(number is None for number in numbers.values())
    return {"design": design_id, "cards": rows, "images": images}, missing


def _image(paths: Sequence[Path], images: list[str]) -> int | None:
    try:
        images.append(thumbnail(*paths))
    except ImageProblem:
        return None
    return len(images) - 1
