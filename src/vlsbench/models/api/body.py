"""Bodies of requests, in the pieces that they are sent in, and of replies, of which nothing is taken on trust."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from vlsbench.models.api.http import to_json

HOLE = f"image-{secrets.token_hex(16)}"
"""Stands in a request for an image's base64, which is sent from where it lies instead of being copied in."""


def pieces(request: Mapping[str, object], images: Sequence[bytes]) -> list[bytes]:
    """A request as JSON, in pieces, with the images (base64) in its holes.

    Args:
        request: Its fields, with as many holes as there are images.
        images: In the order of the holes.
    """
    first, *others = to_json(request).split(HOLE.encode())
    return [first, *(part for pair in zip(images, others, strict=True) for part in pair)]


def fields(value: object) -> Mapping[str, object]:
    """An object of a body; an empty one where there is something else."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects of an array; none where there is something else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A text of a body; an empty one where there is something else."""
    return value if isinstance(value, str) else ""


_MOST_TOKENS = 10**12
"""More than any request has, and few enough that the sum over a run is a number that JSON can hold."""


def count(value: object) -> int | None:
    """A number of tokens; None where there is something else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None
