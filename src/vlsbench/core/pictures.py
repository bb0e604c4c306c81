"""Images as models and judges are handed them: mostly one, for some samples several that go along as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Image(Protocol):
    """A checked image, read only when somebody needs its bytes."""

    @property
    def sha256(self) -> str:
        """Hex digest of the file's bytes."""
        ...

    @property
    def media_type(self) -> str:
        """MIME type, for example ``image/png``."""
        ...

    def read(self) -> bytes:
        """The file's bytes; blocks. Raises `ImageProblem` where they changed since the check."""
        ...

    async def base64(self) -> bytes:
        """The file's bytes in base64, encoded once however often it is asked for."""
        ...


class Images:
    """Several images of one sample, handed along as one `Image`: by itself it is the first of them.

    Judges and views take one image. Those that hand it on to a `Prompt`, as most do, hand on all; who has to see each
    asks for `every`.

    Args:
        images: At least two.
    """

    __slots__ = ("all",)

    def __init__(self, images: Sequence[Image]) -> None:
        self.all = tuple(images)

    @property
    def sha256(self) -> str:
        """That of the first."""
        return self.all[0].sha256

    @property
    def media_type(self) -> str:
        """That of the first."""
        return self.all[0].media_type

    def read(self) -> bytes:
        """The bytes of the first."""
        return self.all[0].read()

    async def base64(self) -> bytes:
        """The bytes of the first in base64."""
        return await self.all[0].base64()


def together(images: Sequence[Image]) -> Image | None:
    """Images of one sample as they are handed along: none as None, one as it is, several as `Images`."""
    return Images(images) if len(images) > 1 else next(iter(images), None)


def every(image: Image | None) -> tuple[Image, ...]:
    """Each image of what was handed along as one."""
    return image.all if isinstance(image, Images) else () if image is None else (image,)
