"""Images in memory, as prompts hold them."""

from __future__ import annotations

import io
import random

from PIL import Image as Pillow


class Picture:
    """An image in memory, as a prompt holds it."""

    sha256 = ""
    media_type = "image/png"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        return self.data

    async def base64(self) -> bytes:
        raise NotImplementedError


def encoded(image: Pillow.Image, kind: str = "PNG", **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def noise(width: int, height: int, seed: int = 0) -> Pillow.Image:
    return Pillow.frombytes("RGB", (width, height), random.Random(seed).randbytes(width * height * 3))
