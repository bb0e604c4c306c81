"""Every image mode becomes plain RGB, upright, as a viewer would show it."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from vlsbench.core.errors import ImageProblem
from vlsbench.core.pixels import decode


def encoded(image: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"])
def test_every_png_mode_becomes_rgb(mode: str) -> None:
    image = (
        Image.new("L", (5, 3), 200).convert("RGBA").convert(mode) if mode != "I;16" else Image.new(mode, (5, 3), 51400)
    )
    if mode == "PA":
        image = image.convert("LA")
    decoded = decode(encoded(image))
    assert (decoded.mode, decoded.size) == ("RGB", (5, 3))
    assert decoded.getpixel((2, 1))[0] in (200, 255)  # type: ignore[index]


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    image = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 25700, 65535)):
        image.putpixel((x, 0), value)
    assert [decode(encoded(image)).getpixel((x, 0)) for x in range(3)] == [(0,) * 3, (100,) * 3, (255,) * 3]


def test_cmyk_becomes_the_colour_that_was_printed() -> None:
    red, green, blue = decode(encoded(Image.new("RGB", (16, 16), (250, 10, 10)).convert("CMYK"), "JPEG")).getpixel(
        (8, 8)
    )  # type: ignore[misc]
    assert red > 200
    assert green < 60
    assert blue < 60


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    assert decode(encoded(clear)).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([255, 0, 0])
    assert decode(encoded(palette, transparency=0)).getpixel((0, 0)) == (255, 255, 255)


def test_a_photograph_is_turned_upright() -> None:
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    assert decode(encoded(image, "JPEG", exif=exif)).size == (20, 40)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    red, _, blue = decode(data).getpixel((4, 4))  # type: ignore[misc]
    assert red > 200
    assert blue < 60


def test_one_pixel_is_an_image() -> None:
    assert decode(encoded(Image.new("RGB", (1, 1)))).size == (1, 1)


@pytest.mark.parametrize("data", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM" + b"\0" * 60])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageProblem):
        decode(data)


def test_a_truncated_image_is_refused() -> None:
    data = encoded(Image.effect_noise((80, 80), 90).convert("RGB"))
    with pytest.raises(ImageProblem, match="decoded"):
        decode(data[: len(data) // 2])


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    with pytest.raises(ImageProblem, match="pixels"):
        decode(bomb)
    with pytest.raises(ImageProblem, match="over the limit of 10"):
        decode(encoded(Image.new("RGB", (4, 4))), max_pixels=10)


def test_a_jpeg_is_decoded_at_a_scale_of_its_own_where_that_is_enough() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1000, 800), "red").save(buffer, "JPEG")
    assert decode(buffer.getvalue(), at_least=190).size == (250, 200)
    assert decode(buffer.getvalue(), at_least=500).size == (1000, 800)
    assert decode(buffer.getvalue()).size == (1000, 800)
