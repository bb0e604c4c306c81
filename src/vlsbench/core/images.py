"""Open images safely, check them without decoding, encode them once.

An image is checked by its header, its size, PNG chunk checksums and the JPEG end marker. Pixels are
never decoded here: API models get the bytes as they are, and local models decode for themselves. The
check finds what makes providers reject a request (truncated downloads, text files named .png, bombs)
at a fraction of the cost of decoding.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import io
import os
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vlsbench.core.errors import ImageProblem
from vlsbench.core.image_formats import MAX_PIXELS, check_whole, dimensions, sniff

MAX_BYTES = 50_000_000
"""Largest image file accepted; beyond what any provider takes in one request."""

_IN_THREAD_BYTES = 128 * 1024
"""From this file size on, reading and encoding leave the event loop alone."""

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/bmp": "bmp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a check found out about an image; width and height in pixels, `n_bytes` of the file."""

    sha256: str
    media_type: str
    width: int
    height: int
    n_bytes: int

    @property
    def extension(self) -> str:
        """File name extension without the dot."""
        return _EXTENSIONS[self.media_type]


class ImageFile:
    """A checked image on disk, the usual `vlsbench.core.types.Image`.

    Args:
        path: Where the file is.
        sha256: Digest recorded when the file was checked.
        media_type: MIME type; found from the bytes when it is first read, where not given.
        stamp: (size, modification time) of the file when it was hashed in this process. While it holds,
            the bytes are not hashed again.
    """

    __slots__ = ("_encoded", "_media_type", "path", "sha256", "stamp")

    def __init__(
        self, path: Path, sha256: str, media_type: str | None = None, stamp: tuple[int, int] | None = None
    ) -> None:
        self.path = path
        self.sha256 = sha256
        self.stamp = stamp
        self._media_type = media_type
        self._encoded: bytes | None = None

    @property
    def media_type(self) -> str:
        """MIME type, read from the first bytes of the file."""
        if self._media_type is None:
            with _open(self.path)[0] as file:
                self._media_type = sniff(file.read(16))
        return self._media_type

    def read(self) -> bytes:
        """The bytes, which are sure to be those that were checked.

        Raises:
            ImageProblem: The file is gone, or changed since the run recorded it.
        """
        data, stamp = read_file(self.path)
        if stamp != self.stamp and hashlib.sha256(data).hexdigest() != self.sha256:
            raise ImageProblem(f"the image changed after the run recorded it: {self.path}")
        self.stamp = stamp
        self._media_type = self._media_type or sniff(data)
        return data

    async def base64(self) -> bytes:
        """The bytes in base64, encoded on the first call and kept; large files in a thread."""
        if self._encoded is None:
            large = (self.stamp[0] if self.stamp else _size(self.path)) > _IN_THREAD_BYTES
            self._encoded = await asyncio.to_thread(self._encode) if large else self._encode()
        return self._encoded

    def _encode(self) -> bytes:
        return base64.b64encode(self.read())


def load(reference: str, root: Path | str | None) -> bytes:
    """The bytes of a sample's image: of the file at a path, as in `locate`, or of a ``data:`` URI.

    Raises:
        ImageProblem: Missing, unreadable, or outside the dataset's folder.
    """
    return from_data_uri(reference) if reference.startswith("data:") else read_file(locate(reference, root))[0]


def locate(reference: str, root: Path | str | None) -> Path:
    """Where an image reference of a dataset points, refused if that is outside the dataset folder.

    Args:
        reference: Relative to `root`, or absolute but inside it.
        root: The dataset folder; None to take the path as it is.

    Raises:
        ImageProblem: The path, or what it links to, leaves the folder. The one exception is the layout
            of the Hugging Face cache, where files of a snapshot link to the blobs beside it.
    """
    if root is None:
        return Path(reference)
    if "\0" in reference:
        raise ImageProblem(f"the image path holds a NUL character: {reference!r}")
    folder = os.path.abspath(root)
    home = _real(folder)
    # Twice: as it is written, so that ``..`` is refused before anything is touched, and then where its links lead.
    lexical = os.path.abspath(os.path.join(folder, reference))
    if not (_inside(lexical, folder) or _inside(lexical, home)):
        raise ImageProblem(f"the image path leaves the dataset folder: {reference}")
    try:
        real = _real_file(lexical)
    except ValueError as error:
        raise ImageProblem(f"the image path cannot be used: {reference!r} ({error})") from error
    if not _inside(real, home) and not _inside_hub_blobs(real, Path(home)):
        raise ImageProblem(f"the image links to a file outside the dataset folder: {reference}")
    return Path(lexical)


@lru_cache(maxsize=1024)
def _real(folder: str) -> str:
    """Where a folder really is; kept, because it is asked for every image."""
    return os.path.realpath(folder)


def _real_file(path: str) -> str:
    """Where a file really is: most are no links, and then only the links of their folder have to be followed."""
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            return os.path.realpath(path)
    except OSError:
        return os.path.realpath(path)
    folder, name = os.path.split(path)
    return os.path.join(_real(folder), name)


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _inside_hub_blobs(real: str, root: Path) -> bool:
    for folder in (root, *root.parents):
        if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("datasets--"):
            return _inside(real, str(folder.parent.parent / "blobs"))
    return False


def read_file(path: Path) -> tuple[bytes, tuple[int, int]]:
    """Bytes of a regular file, with its (size in bytes, modification time in ns).

    Raises:
        ImageProblem: Missing, unreadable, not a regular file, empty, or over `MAX_BYTES`.
    """
    opened, facts = _open(path)
    with opened as file:
        try:
            if facts.st_size == 0:
                raise ImageProblem(f"the image file is empty: {path}")
            if facts.st_size > MAX_BYTES:
                raise ImageProblem(
                    f"the image file has {facts.st_size:,} bytes, over the limit of {MAX_BYTES:,}: {path}"
                )
            data = file.read(facts.st_size + 1)  # in one call; asked for all of it, Python makes four
            if len(data) != facts.st_size:  # written to meanwhile, or from a file system that gives less at a time
                data += file.read()
            return data, (facts.st_size, facts.st_mtime_ns)
        except OSError as error:
            raise ImageProblem(f"the image cannot be read: {path} ({error.strerror})") from error


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return 0


def _open(path: Path) -> tuple[io.FileIO, os.stat_result]:
    # A FIFO in a dataset folder must not block the run, hence O_NONBLOCK and the check of the file's kind.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ImageProblem(f"no image file at {path}") from error
    except (OSError, ValueError) as error:
        raise ImageProblem(f"the image cannot be opened: {path} ({error})") from error
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise ImageProblem(f"the image path is not a file: {path}")
    return io.FileIO(handle, closefd=True), facts


def from_data_uri(uri: str) -> bytes:
    """The bytes of a base64 ``data:`` URI.

    Raises:
        ImageProblem: Not a base64 data URI, or over `MAX_BYTES`.
    """
    head, comma, body = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise ImageProblem("the image is not a base64 data URI (data:image/png;base64,...)")
    if len(body) > MAX_BYTES * 4 // 3 + 4:
        raise ImageProblem(f"the image data URI is over the limit of {MAX_BYTES:,} bytes")
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageProblem(f"the image data URI is not valid base64 ({error})") from error
    if not data:
        raise ImageProblem("the image data URI is empty")
    return data


def check(data: bytes) -> Facts:
    """Check an image without decoding its pixels.

    Args:
        data: The whole file.

    Raises:
        ImageProblem: Not an image of a known format, truncated, checksum wrong, or too many pixels.
    """
    media_type = sniff(data)
    width, height = dimensions(data, media_type)
    if width < 1 or height < 1:
        raise ImageProblem(f"the image is {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise ImageProblem(f"the image is {width} x {height} pixels, over the limit of {MAX_PIXELS:,}")
    check_whole(data, media_type, width, height)
    digest = hashlib.sha256(data).hexdigest()
    return Facts(sha256=digest, media_type=media_type, width=width, height=height, n_bytes=len(data))
