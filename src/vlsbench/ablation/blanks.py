"""A blank picture in the place of an image: the same size and format, and nothing on it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from functools import lru_cache

from vlsbench.core.image_formats import sniff
from vlsbench.core.pixels import upright_size
from vlsbench.core.types import Image

GREY = 128
"""Of 255: as far from black as from white."""

_KEPT = 64
"""Blank pictures kept for other images of their size; most sets have a few sizes."""

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP", "image/bmp": "BMP"}


class BlankImage:
    """A grey picture of another image's size and format; a `vlsbench.core.types.Image`.

    Made when somebody needs its bytes, which is in a thread for every kind of model.

    Args:
        original: The image whose place it takes.
    """

    def __init__(self, original: Image) -> None:
        self._original = original

    @property
    def sha256(self) -> str:
        """Hex digest of its bytes; reads the original for its size."""
        return hashlib.sha256(self.read()).hexdigest()

    @property
    def media_type(self) -> str:
        """That of the original."""
        return self._original.media_type

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            ImageProblem: The original is gone, changed, or its size cannot be read.
        """
        data = self._original.read()
        width, height = upright_size(data)
        return blank(width, height, sniff(data))

    async def base64(self) -> bytes:
        """Its bytes in base64."""
        return await asyncio.to_thread(lambda: base64.b64encode(self.read()))


@lru_cache(maxsize=_KEPT)
def blank(width: int, height: int, media_type: str) -> bytes:
    """The file of a grey picture; the same bytes each time, with one version of Pillow.

    Args:
        width: In pixels.
        height: In pixels.
        media_type: One of those that `vlsbench.core.image_formats.sniff` knows.
    """
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.new("RGB", (width, height), (GREY, GREY, GREY))
    # Lossless where the format leaves a choice, so that grey stays this grey.
    options = {"lossless": True} if media_type == "image/webp" else {}
    picture.save(buffer, _FORMATS[media_type], **options)
    return buffer.getvalue()
