import asyncio
import base64
import hashlib
import io

import pytest
from PIL import Image

from vlsbench.ablation.blanks import BlankImage
from vlsbench.core import image_formats, images
from vlsbench.core.errors import ImageProblem
from vlsbench.core.images import ImageFile
from vlsbench.core.pixels import decode


@pytest.fixture
def blank_of(tmp_path):
    """The blank image of a file with these bytes."""

    def make(data):
        path = tmp_path / "image"
        path.write_bytes(data)
        return BlankImage(ImageFile(path, hashlib.sha256(data).hexdigest()))

    return make


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_blank_has_the_size_and_format_of_the_image_and_is_grey_all_over(blank_of, make_picture, format):  # noqa: A002
    blank = blank_of(make_picture(5, size=(33, 17), format=format))
    data = blank.read()
    assert image_formats.sniff(data) == blank.media_type == f"image/{format.lower()}"
    assert images.check(data).sha256 == blank.sha256
    picture = decode(data)
    assert picture.size == (33, 17)
    assert picture.getcolors() == [(33 * 17, (128, 128, 128))]


def test_images_of_one_size_share_their_blank(blank_of, make_picture):
    first, second = blank_of(make_picture(1)).read(), blank_of(make_picture(2)).read()
    assert first == second


def test_a_blank_is_as_large_as_the_image_is_shown(blank_of):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(buffer, "JPEG", exif=exif)
    assert decode(blank_of(buffer.getvalue()).read()).size == (20, 40)


def test_a_blank_goes_to_a_server_in_base64(blank_of, make_picture):
    blank = blank_of(make_picture())
    assert base64.b64decode(asyncio.run(blank.base64())) == blank.read()


def test_an_image_that_is_gone_has_no_blank(tmp_path):
    with pytest.raises(ImageProblem, match="no image file"):
        BlankImage(ImageFile(tmp_path / "gone.png", "0" * 64)).read()
