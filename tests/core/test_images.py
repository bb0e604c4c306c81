import base64
import hashlib
import io
import os
import struct
import zlib

import pytest
from PIL import Image

from vlsbench.core import images
from vlsbench.core.errors import ImageProblem


@pytest.fixture
def root(tmp_path, make_picture):
    folder = tmp_path / "set"
    (folder / "imgs").mkdir(parents=True)
    (folder / "imgs" / "0.png").write_bytes(make_picture())
    (tmp_path / "secret.png").write_bytes(make_picture(1))
    return folder


@pytest.fixture
def hub(tmp_path, make_picture):
    """A dataset in the layout of the Hugging Face cache: a snapshot whose files are links to blobs."""
    cache = tmp_path / "datasets--Someone--set"
    snapshot = cache / "snapshots" / "abc123"
    (snapshot / "imgs").mkdir(parents=True)
    (cache / "blobs").mkdir()
    (cache / "blobs" / "f00").write_bytes(make_picture())
    (snapshot / "imgs" / "0.png").symlink_to("../../../blobs/f00")
    return snapshot


def encode(format, size=(40, 30), **options):  # noqa: A002
    buffer = io.BytesIO()
    # Noise, so that the file is long enough to be cut off within its pixels.
    Image.effect_noise(size, 80).convert("RGB").save(buffer, format, **options)
    return buffer.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# Where a reference may point


@pytest.mark.parametrize("reference", ["imgs/0.png", "./imgs/0.png", "imgs//0.png", "imgs/../imgs/0.png"])
def test_a_path_inside_the_folder_is_found(root, reference):
    assert images.locate(reference, root) == root / "imgs" / "0.png"


def test_an_absolute_path_inside_the_folder_is_found(root):
    assert images.locate(str(root / "imgs" / "0.png"), root) == root / "imgs" / "0.png"


def test_the_folder_may_be_relative(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    assert images.locate("imgs/0.png", type(root)("set")).is_file()
    monkeypatch.chdir(root)
    assert images.locate("imgs/0.png", type(root)(".")).is_file()
    monkeypatch.chdir(root / "imgs")
    assert images.locate("imgs/0.png", type(root)("..")).is_file()


def test_the_folder_may_be_a_link_itself(root):
    link = root.parent / "link"
    link.symlink_to(root)
    assert images.locate("imgs/0.png", link).is_file()
    assert images.locate(str(root / "imgs" / "0.png"), link).is_file()


@pytest.mark.parametrize("reference", ["../secret.png", "imgs/../../secret.png", "..", "", ".", "../set2/0.png"])
def test_a_path_that_leaves_the_folder_is_refused(root, reference):
    (root.parent / "set2").mkdir()
    with pytest.raises(ImageProblem, match="leaves the dataset folder"):
        images.locate(reference, root)


def test_an_absolute_path_outside_the_folder_is_refused(root):
    with pytest.raises(ImageProblem, match="leaves the dataset folder"):
        images.locate(str(root.parent / "secret.png"), root)
    with pytest.raises(ImageProblem, match="leaves the dataset folder"):
        images.locate("/etc/passwd", root)


def test_a_link_that_leaves_the_folder_is_refused(root):
    (root / "imgs" / "1.png").symlink_to("../../secret.png")
    with pytest.raises(ImageProblem, match="links to a file outside"):
        images.locate("imgs/1.png", root)
    (root / "out").symlink_to(root.parent)
    with pytest.raises(ImageProblem, match="links to a file outside"):
        images.locate("out/secret.png", root)


def test_a_link_within_the_folder_is_followed(root):
    (root / "imgs" / "1.png").symlink_to("0.png")
    assert images.locate("imgs/1.png", root).is_file()


def test_the_links_of_the_hub_cache_are_followed(hub):
    assert images.read_file(images.locate("imgs/0.png", hub))[0].startswith(b"\x89PNG")


def test_the_links_of_the_hub_cache_may_not_lead_elsewhere(hub, make_picture):
    other = hub.parents[2] / "datasets--Someone--else" / "blobs"
    other.mkdir(parents=True)
    (other / "f01").write_bytes(make_picture())
    (hub.parents[1] / "refs").mkdir()
    (hub.parents[1] / "refs" / "main").write_bytes(make_picture())
    (hub / "imgs" / "1.png").symlink_to(other / "f01")
    (hub / "imgs" / "2.png").symlink_to("../../../refs/main")
    for name in ("1.png", "2.png"):
        with pytest.raises(ImageProblem, match="links to a file outside"):
            images.locate(f"imgs/{name}", hub)


def test_a_folder_called_blobs_beside_any_other_set_is_outside(root):
    (root.parent / "blobs").mkdir()
    (root.parent / "blobs" / "f00").write_bytes(b"x")
    (root / "imgs" / "1.png").symlink_to("../../blobs/f00")
    with pytest.raises(ImageProblem, match="links to a file outside"):
        images.locate("imgs/1.png", root)


@pytest.mark.parametrize("reference", ["a\0b", "a\ud800b"])
def test_a_path_that_no_file_can_have_is_refused(root, reference):
    with pytest.raises(ImageProblem):
        images.locate(reference, root)


# Reading


def test_a_file_is_read_with_its_size_and_time(root):
    path = root / "imgs" / "0.png"
    data, stamp = images.read_file(path)
    assert data == path.read_bytes()
    assert stamp == (len(data), path.stat().st_mtime_ns)


def test_a_missing_file_is_named(root):
    with pytest.raises(ImageProblem, match=r"no image file at .*9.png"):
        images.read_file(root / "imgs" / "9.png")


def test_a_folder_is_no_image(root):
    with pytest.raises(ImageProblem, match="is not a file"):
        images.read_file(root / "imgs")


def test_a_pipe_does_not_block(root):
    os.mkfifo(root / "pipe.png")
    with pytest.raises(ImageProblem, match="is not a file"):
        images.read_file(root / "pipe.png")


def test_a_circle_of_links_is_refused(root):
    (root / "a.png").symlink_to("b.png")
    (root / "b.png").symlink_to("a.png")
    with pytest.raises(ImageProblem, match="cannot be opened"):
        images.read_file(images.locate("a.png", root))


def test_a_name_that_is_too_long_is_refused(root):
    with pytest.raises(ImageProblem, match="cannot be opened"):
        images.read_file(images.locate("x" * 5000, root))


def test_an_empty_file_is_refused(root):
    (root / "empty.png").touch()
    with pytest.raises(ImageProblem, match="is empty"):
        images.read_file(root / "empty.png")


def test_a_huge_file_is_refused_before_it_is_read(root):
    with (root / "huge.png").open("wb") as file:
        file.truncate(images.MAX_BYTES + 1)
    with pytest.raises(ImageProblem, match="over the limit"):
        images.read_file(root / "huge.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(root):
    (root / "imgs" / "0.png").chmod(0)
    with pytest.raises(ImageProblem, match="cannot be opened"):
        images.read_file(root / "imgs" / "0.png")


# Checking


@pytest.mark.parametrize(
    ("format", "media_type", "extension"),
    [
        ("PNG", "image/png", "png"),
        ("JPEG", "image/jpeg", "jpg"),
        ("GIF", "image/gif", "gif"),
        ("WEBP", "image/webp", "webp"),
        ("BMP", "image/bmp", "bmp"),
    ],
)
def test_a_sound_image_is_described(format, media_type, extension):  # noqa: A002
    data = encode(format)
    facts = images.check(data)
    assert (facts.media_type, facts.extension) == (media_type, extension)
    assert (facts.width, facts.height, facts.n_bytes) == (40, 30, len(data))
    assert facts.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_cut_off_image_is_refused(format, share):  # noqa: A002
    data = encode(format)
    with pytest.raises(ImageProblem):
        images.check(data[: int(len(data) * share)])


def test_a_damaged_png_is_refused():
    data = bytearray(encode("PNG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(ImageProblem, match=r"damaged \(checksum\)"):
        images.check(bytes(data))


def test_a_jpeg_with_a_thumbnail_is_cut_off_even_if_the_thumbnail_is_whole():
    exif = b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\0\0\0\0\0" + encode("JPEG", (16, 16))
    data = encode("JPEG", exif=exif)
    assert data.count(b"\xff\xd9") == 2
    assert images.check(data).width == 40
    with pytest.raises(ImageProblem, match="JPEG image is cut off"):
        images.check(data[: int(len(data) * 0.9)])


def test_a_progressive_jpeg_is_sound():
    assert images.check(encode("JPEG", progressive=True)).width == 40


def test_bytes_after_the_end_of_a_jpeg_do_no_harm():
    assert images.check(encode("JPEG") + b"\0" * 50).width == 40


@pytest.mark.parametrize("data", [b"This is a text.", b"<svg></svg>", b"", b"\x89PNG", b"BX", b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(ImageProblem, match="not a PNG, JPEG, GIF, WebP or BMP"):
        images.check(data)


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"BM"])
def test_a_signature_alone_is_no_image(head):
    for data in (head, head + b"\0" * 100, head + b"\xff" * 100):
        with pytest.raises(ImageProblem):
            images.check(data)


@pytest.mark.parametrize(("bits", "colours"), [(3, 0), (16, 3), (8, 1), (8, 5)])
def test_a_png_of_no_known_kind_is_refused(bits, colours):
    header = struct.pack(">IIBBBBB", 4, 4, bits, colours, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    with pytest.raises(ImageProblem):
        images.check(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b""))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_the_size_of_a_png_is_what_pillow_says(mode):
    written = io.BytesIO()
    Image.new(mode, (7, 3)).save(written, "PNG")
    facts = images.check(written.getvalue())
    assert (facts.width, facts.height) == (7, 3)


def _png_bomb():
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def _webp_bomb():
    canvas = b"\0\0\0\0" + (15_999).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _gif_bomb():
    screen = struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0)
    return b"GIF89a" + screen + b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\0;"


def _bmp_bomb():
    info = struct.pack("<IiiHHIIiiII", 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


@pytest.mark.parametrize("bomb", [_png_bomb, _webp_bomb, _gif_bomb, _bmp_bomb])
def test_a_bomb_is_refused_by_its_header(bomb):
    with pytest.raises(ImageProblem, match="limit of 100,000,000"):
        images.check(bomb())


# Data URIs


def test_a_data_uri_gives_its_bytes(make_picture):
    data = make_picture()
    assert images.from_data_uri(f"data:image/png;base64,{base64.b64encode(data).decode()}") == data


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("data:image/png,abc", "not a base64 data URI"),
        ("data:image/png;base64", "not a base64 data URI"),
        ("image/png;base64,AAAA", "not a base64 data URI"),
        ("data:image/png;base64,", "is empty"),
        ("data:image/png;base64,AAA", "not valid base64"),
        ("data:image/png;base64,AA AA", "not valid base64"),
        ("data:image/png;base64,ÄÖÜ", "not valid base64"),
    ],
)
def test_a_bad_data_uri_is_refused(uri, problem):
    with pytest.raises(ImageProblem, match=problem):
        images.from_data_uri(uri)


def test_a_huge_data_uri_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    with pytest.raises(ImageProblem, match="over the limit"):
        images.from_data_uri("data:image/png;base64," + "A" * 200)


# ImageFile


def test_an_image_that_changed_since_it_was_recorded_is_refused(root, make_picture):
    path = root / "imgs" / "0.png"
    image = images.ImageFile(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert image.read() == path.read_bytes()
    path.write_bytes(make_picture(5, size=(9, 9)))
    with pytest.raises(ImageProblem, match="changed after the run recorded it"):
        image.read()


def test_the_media_type_comes_from_the_bytes_and_not_from_the_name(root):
    path = root / "imgs" / "photo.png"
    path.write_bytes(encode("JPEG"))
    image = images.ImageFile(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert image.media_type == "image/jpeg"


async def _encoded(path, size):
    path.write_bytes(encode("BMP", size))
    image = images.ImageFile(path, hashlib.sha256(path.read_bytes()).hexdigest())
    first = await image.base64()
    return first, await image.base64(), path.read_bytes()


@pytest.mark.parametrize("size", [(8, 6), (400, 300)], ids=["small", "in a thread"])
def test_an_image_is_encoded_once(tmp_path, size):
    import asyncio

    first, second, data = asyncio.run(_encoded(tmp_path / "a.bmp", size))
    assert base64.b64decode(first) == data
    assert second is first


def _bmp(size=(5, 4), mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, size, 7).save(buffer, "BMP")
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_bmp_without_all_its_rows_is_cut_off(mode):
    whole = _bmp(mode=mode)
    assert images.check(whole).media_type == "image/bmp"
    with pytest.raises(ImageProblem, match="cut off"):
        images.check(whole[:-1])


def test_a_png_without_pixels_is_found(make_picture):
    whole = make_picture(1)
    start = whole.index(b"IDAT") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4])
    with pytest.raises(ImageProblem, match="no pixels"):
        images.check(whole[:start] + whole[end:])
