"""The pictures of a report: each distinct one once, as a small WebP, or a reason why it cannot be shown."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vlsbench.core import images
from vlsbench.core.errors import ImageProblem

SIDE = 256
"""Longest side of a thumbnail, in pixels."""

_QUALITY = 62
_AHEAD = 4
"""Pictures per thread that are begun before the first of them is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Where a picture is: a file (with the digest that was recorded for it, if any) or a ``data:`` URI."""

    path: Path | None = None
    sha256: str | None = None
    uri: str | None = None

    def read(self) -> bytes:
        """The file's bytes.

        Raises:
            ImageProblem: It is gone, changed since it was recorded, or no file that may be opened.
        """
        if self.uri is not None:
            return images.from_data_uri(self.uri)
        if self.path is None:
            raise ImageProblem("no image file was recorded")
        if self.sha256 is not None:
            return images.ImageFile(self.path, self.sha256).read()
        return images.read_file(self.path)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page gets of a picture: base64 of a WebP file, a link, or the reason why there is neither."""

    webp: str = ""
    link: str = ""
    problem: str = ""


class Gallery:
    """Numbers pictures as samples name them; the same picture has one number however often it is named."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._pictures: list[Picture] = []

    def __len__(self) -> int:
        return len(self._pictures)

    def add(self, picture: Picture) -> int:
        """The number of a picture."""
        key = picture.sha256 or (str(picture.path) if picture.uri is None else _digest(picture.uri))
        if key not in self._numbers:
            self._numbers[key] = len(self._pictures)
            self._pictures.append(picture)
        return self._numbers[key]

    def thumbnails(self) -> Iterator[Shown]:
        """A thumbnail of each picture, in order; a few are held in memory at a time.

        Pillow lets go of the interpreter while it decodes, so threads use every core.
        """
        threads = min(8, os.cpu_count() or 1)
        begun: deque[Future[Shown]] = deque()
        with ThreadPoolExecutor(max_workers=threads) as pool:
            for picture in self._pictures:
                begun.append(pool.submit(thumbnail, picture))
                if len(begun) >= _AHEAD * threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()

    def links(self, page: Path) -> Iterator[Shown]:
        """A link to each picture, relative to the page's folder."""
        folder = page.resolve().parent
        for picture in self._pictures:
            if picture.path is None:
                yield Shown(problem="the image is inside the dataset file; use --images thumb")
            elif not picture.path.is_file():
                yield Shown(problem=f"no image file at {picture.path}")
            else:
                # Quoting leaves nothing that could be a scheme, a query or the end of an attribute.
                yield Shown(link="./" + quote(os.path.relpath(picture.path.resolve(), folder)))


def _digest(uri: str) -> str:
    return hashlib.sha256(uri.encode(errors="replace")).hexdigest()


def thumbnail(picture: Picture) -> Shown:
    """A picture as a small WebP, or why there is none."""
    from base64 import b64encode

    from PIL import Image

    from vlsbench.core.pixels import decode

    try:
        image = decode(picture.read(), at_least=2 * SIDE)
    except ImageProblem as error:
        return Shown(problem=str(error))
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=1.0)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=1)
    return Shown(webp=b64encode(buffer.getvalue()).decode())
