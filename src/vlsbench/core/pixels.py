"""Decode an image's pixels for a local model: every mode, size and orientation to plain RGB."""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING

from vlsbench.core.errors import ImageProblem
from vlsbench.core.image_formats import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

_BACKGROUND = (255, 255, 255)
_ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""
_ON_THE_SIDE = (5, 6, 7, 8)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, at_least: int | None = None) -> Image.Image:
    """An image file's first frame as RGB, upright.

    Transparent pixels are laid on white, as viewers show them; dropping the alpha channel instead would
    reveal whatever colour lies under full transparency. 16-bit grey is scaled, not clipped.

    Args:
        data: The file's bytes.
        max_pixels: Largest width x height accepted.
        at_least: Where given, a side in pixels that is enough: a JPEG is then decoded at the smallest of its own
            scales (1/2, 1/4, 1/8) at which no side is shorter than this, which costs a fraction. Other formats
            have no such scales and come whole.

    Raises:
        ImageProblem: The bytes are not an image, are damaged, or have too many pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Our own limit, checked from the header below, stands in for Pillow's warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(io.BytesIO(data))
            if image.width * image.height > max_pixels:
                raise ImageProblem(
                    f"the image is {image.width} x {image.height} pixels, over the limit of {max_pixels:,}"
                )
            if at_least is not None:
                image.draft(image.mode, (at_least, at_least))
            image.load()
            # In place: the other way copies every pixel of an image that is upright already.
            ImageOps.exif_transpose(image, in_place=True)
            return _to_rgb(image)
    except Image.DecompressionBombError as error:
        raise ImageProblem(f"the image has too many pixels ({error})") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, TypeError) as error:
        raise ImageProblem(f"the image cannot be decoded ({error})") from error


def upright_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of an image file as `decode` turns it, read from the header only.

    Raises:
        ImageProblem: The header cannot be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                lies = image.getexif().get(_ORIENTATION, 1) in _ON_THE_SIDE
    except Image.DecompressionBombError as error:
        raise ImageProblem(f"the image has too many pixels ({error})") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, TypeError) as error:
        raise ImageProblem(f"the image header cannot be read ({error})") from error
    return (height, width) if lies else (width, height)


def _to_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled_to_8_bit(image).convert("RGB")
    if image.mode in ("LA", "PA", "La", "RGBa", "RGBA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGBA", rgba.size, (*_BACKGROUND, 255))
        return Image.alpha_composite(canvas, rgba).convert("RGB")
    return image.convert("RGB")


def _scaled_to_8_bit(image: Image.Image) -> Image.Image:
    # Pillow clips 16-bit grey at 255 when it converts: a photograph would turn white.
    wide = image.convert("F")
    low, high = wide.getextrema()
    if not isinstance(high, float) or not isinstance(low, float):
        return image.convert("L")
    top = 255.0 if low >= 0 and high <= 255 and image.mode in ("I", "F") else 65535.0
    return wide.point(lambda value: value * (255.0 / top) + 0.0).convert("L")
