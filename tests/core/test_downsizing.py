"""Images made smaller: never larger, proportions kept, small ones untouched, damaged ones named."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vlsbench.core.downsizing import Downsized, smaller
from vlsbench.core.errors import ImageProblem
from vlsbench.core.images import ImageFile
from vlsbench.core.pictures import Images, every


def drawn(size: tuple[int, int], form: str = "PNG", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, form)
    return buffer.getvalue()


def on_disk(folder: Path, data: bytes, name: str = "a.png") -> ImageFile:
    path = folder / name
    path.write_bytes(data)
    return ImageFile(path, hashlib.sha256(data).hexdigest())


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300), st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_no_side_is_longer_and_proportions_are_kept(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, most: int, form: str
) -> None:
    image = Downsized(on_disk(tmp_path_factory.mktemp("image"), drawn((width, height), form)), most)
    with Image.open(io.BytesIO(image.read())) as made:
        assert max(made.size) <= max(most, 1)
        if max(width, height) > most:
            assert image.media_type == "image/jpeg"
            assert max(made.size) == most
            assert abs(made.width * height - made.height * width) <= max(width, height)
        else:
            assert made.size == (width, height)


def test_an_image_that_is_small_enough_goes_along_byte_for_byte(tmp_path: Path) -> None:
    data = drawn((40, 30))
    image = Downsized(on_disk(tmp_path, data), 40)
    assert (image.read(), image.media_type) == (data, "image/png")
    assert asyncio.run(image.base64()) == base64.b64encode(data)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (90, 90), (0, 0, 0, 0)).save(buffer, "PNG")
    with Image.open(io.BytesIO(Downsized(on_disk(tmp_path, buffer.getvalue()), 30).read())) as made:
        assert made.convert("RGB").getpixel((3, 3)) == (255, 255, 255)


def test_an_image_that_was_held_sideways_is_turned_upright(tmp_path: Path) -> None:
    buffer, tags = io.BytesIO(), Image.Exif()
    tags[0x0112] = 6
    Image.new("RGB", (120, 60)).save(buffer, "JPEG", exif=tags)
    with Image.open(io.BytesIO(Downsized(on_disk(tmp_path, buffer.getvalue(), "a.jpg"), 50).read())) as made:
        assert made.size == (25, 50)


def test_the_side_tells_two_images_apart(tmp_path: Path) -> None:
    image = on_disk(tmp_path, drawn((40, 30)))
    assert len({image.sha256, Downsized(image, 20).sha256, Downsized(image, 21).sha256}) == 3


def test_an_image_that_cannot_be_decoded_is_a_problem_of_its_sample(tmp_path: Path) -> None:
    whole = drawn((80, 80), "JPEG")
    image = Downsized(on_disk(tmp_path, whole[: len(whole) // 3], "a.jpg"), 20)
    with pytest.raises(ImageProblem):
        asyncio.run(image.base64())


def test_each_image_of_a_sample_is_made_smaller(tmp_path: Path) -> None:
    several = Images([on_disk(tmp_path, drawn((60, 10)), "a.png"), on_disk(tmp_path, drawn((10, 60)), "b.png")])
    sizes = [Image.open(io.BytesIO(each.read())).size for each in every(smaller(several, 30))]
    assert sizes == [(30, 5), (5, 30)]
    assert smaller(several, None) is several
    assert smaller(None, 30) is None
