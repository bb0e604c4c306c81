"""The image formats that are accepted: told apart, measured and found whole without decoding a pixel."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from vlsbench.core.errors import ImageProblem

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile as PillowFile


MAX_PIXELS = 100_000_000
"""Largest width x height accepted, against decompression bombs."""


def sniff(data: bytes) -> str:
    """MIME type from the first bytes.

    Raises:
        ImageProblem: None of PNG, JPEG, GIF, WebP, BMP.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith(b"BM"):
        return "image/bmp"
    raise ImageProblem("the file is not a PNG, JPEG, GIF, WebP or BMP image")


_PNG_PIXELS = frozenset(
    bytes((bits, colours))
    for colours, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items()
    for bits in depths
)
"""Bits and kind of colour that a PNG may have, as its header holds them. Format: PNG specification, section 11.2.1."""


def dimensions(data: bytes, media_type: str) -> tuple[int, int]:
    """Width and height in pixels, from the header.

    Raises:
        ImageProblem: The header cannot be read, or promises more pixels than Pillow allows.
    """
    if media_type == "image/png" and data[8:16] == b"\0\0\0\x0dIHDR" and data[24:26] in _PNG_PIXELS:
        width, height = struct.unpack_from(">II", data, 16)  # most images are such: importing Pillow alone takes longer
        return width, height
    # Pillow's own classes read the header only; going through Image.open would raise its bomb warning
    # before we can give our own, clearer message.
    from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    readers: dict[str, Callable[[io.BytesIO], PillowFile]] = {
        "image/png": PngImagePlugin.PngImageFile,
        "image/jpeg": JpegImagePlugin.JpegImageFile,
        "image/gif": GifImagePlugin.GifImageFile,
        "image/webp": WebPImagePlugin.WebPImageFile,
        "image/bmp": BmpImagePlugin.BmpImageFile,
    }
    try:
        with readers[media_type](io.BytesIO(data)) as image:
            return image.size
    except Image.DecompressionBombError as error:
        raise ImageProblem(f"the image has more pixels than the limit of {MAX_PIXELS:,} ({error})") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        raise ImageProblem(f"the image header cannot be read ({error})") from error


def check_whole(data: bytes, media_type: str, width: int, height: int) -> None:
    """Nothing where the file goes to its end, as far as can be told without decoding.

    Raises:
        ImageProblem: It is cut off or damaged.
    """
    if media_type == "image/png":
        _check_png(data)
    elif media_type == "image/jpeg":
        _check_jpeg(data)
    elif media_type == "image/bmp":
        _check_bmp(data, width, height)
    elif media_type == "image/webp" and struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise ImageProblem("the WebP image is cut off")


_BMP_UNCOMPRESSED = (0, 3, 6)
"""Plain rows, and rows with masks that say which bits are which colour."""


def _check_bmp(data: bytes, width: int, height: int) -> None:
    """An uncompressed BMP has all its rows; of a compressed one only the beginning can be told from outside."""
    start, header = struct.unpack_from("<II", data, 10)
    if header >= 40:
        bits, compression = struct.unpack_from("<HI", data, 28)
    else:  # the header of OS/2
        bits, compression = *struct.unpack_from("<H", data, 24), 0
    bytes_in_row = (width * bits + 31) // 32 * 4
    needed = height * bytes_in_row if compression in _BMP_UNCOMPRESSED else 1
    if start + needed > len(data):
        raise ImageProblem("the BMP image is cut off")


def _check_png(data: bytes) -> None:
    position, has_pixels = 8, False
    view = memoryview(data)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        (recorded,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != recorded:
            raise ImageProblem("the PNG image is damaged (checksum)")
        kind = data[position + 4 : position + 8]
        has_pixels = has_pixels or (kind == b"IDAT" and length > 0)
        if kind == b"IEND":
            if not has_pixels:
                raise ImageProblem("the PNG image has no pixels")
            return
        position = end
    raise ImageProblem("the PNG image is cut off")


def _check_jpeg(data: bytes) -> None:
    """Walk the segments to the first scan, then look for the end marker after it.

    Searching from the scan on skips thumbnails, which have end markers of their own.
    """
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker == 0xDA:
            if data.find(b"\xff\xd9", position) >= 0:
                return
            break
        elif 0xD0 <= marker <= 0xD8 or marker == 0x01:
            position += 2
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    raise ImageProblem("the JPEG image is cut off")
