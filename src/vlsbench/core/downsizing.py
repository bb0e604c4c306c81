"""Images made smaller before they are sent: fewer bytes to pay for and to carry, and part of what was asked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io

from vlsbench.core import pixels
from vlsbench.core.errors import ImageProblem
from vlsbench.core.pictures import Image, every, together

QUALITY = 90
"""Of the JPEG that a downsized image becomes, with colours at full resolution: small print stays readable."""

_FORMAT = "image/jpeg"


def smaller(image: Image | None, max_side: int | None) -> Image | None:
    """An image, or several of one sample, with no side longer than so many pixels.

    Args:
        image: What is shown.
        max_side: The longest side in pixels; None for any.
    """
    if max_side is None:
        return image
    return together([Downsized(each, max_side) for each in every(image)])


class Downsized:
    """An image scaled down, keeping its proportions, to a longest side; a `vlsbench.core.pictures.Image`.

    One that is small enough goes along byte for byte. Others are turned upright, laid on white where they are
    transparent, and become JPEG.

    Args:
        inner: The image as it is.
        max_side: The longest side in pixels.
    """

    __slots__ = ("_encoded", "_inner", "_made", "_max_side")

    def __init__(self, inner: Image, max_side: int) -> None:
        self._inner = inner
        self._max_side = max_side
        self._made: tuple[str, bytes] | None = None
        self._encoded: bytes | None = None

    @property
    def sha256(self) -> str:
        """Tells this image from others: a digest of the original's and of the side, for making it would be dear."""
        return hashlib.sha256(f"{self._inner.sha256} {self._max_side}".encode()).hexdigest()

    @property
    def media_type(self) -> str:
        """MIME type of what is sent."""
        return self._make()[0]

    def read(self) -> bytes:
        """The bytes that are sent.

        Raises:
            ImageProblem: The file changed since the check, or cannot be decoded.
        """
        return self._make()[1]

    async def base64(self) -> bytes:
        """The bytes in base64, made once."""
        if self._encoded is None:
            made = await asyncio.to_thread(self._make)
            self._encoded = base64.b64encode(made[1])
        return self._encoded

    def _make(self) -> tuple[str, bytes]:
        if self._made is None:
            data = self._inner.read()
            fits = max(pixels.upright_size(data)) <= self._max_side
            self._made = (self._inner.media_type, data) if fits else (_FORMAT, _scaled(data, self._max_side))
        return self._made


def _scaled(data: bytes, max_side: int) -> bytes:
    from PIL import Image as Pillow

    image = pixels.decode(data, at_least=max_side)
    image.thumbnail((max_side, max_side), Pillow.Resampling.LANCZOS)
    buffer = io.BytesIO()
    try:
        image.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    except OSError as error:
        raise ImageProblem(f"the image cannot be made smaller ({error})") from error
    return buffer.getvalue()
