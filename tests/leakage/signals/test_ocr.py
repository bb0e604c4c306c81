"""Text in images: read by Tesseract where it is there, and never at a hostile image's command."""

import dataclasses
import io
import shutil

import pytest
from PIL import Image, ImageDraw, ImageFont

import tesseracts
from vlsbench.core.errors import ImageProblem, UserError
from vlsbench.leakage.signals import ocr


def written(text, size=(640, 160), kind="PNG"):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 40), text, fill="black", font=ImageFont.load_default(56))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_drawn_words_are_read_from_every_format(kind):
    assert "yellow bicycle" in ocr.need().read(written("yellow bicycle", kind=kind)).lower()


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_an_empty_picture_has_no_text():
    assert ocr.need().read(written("")) == ""


def test_absence_is_none_or_an_error_that_says_how_to_install(tmp_path, monkeypatch):
    tesseracts.remove(tmp_path, monkeypatch)
    assert ocr.find() is None
    assert "tesseract-ocr" in ocr.skipped()
    with pytest.raises(UserError, match="apt-get install tesseract-ocr"):
        ocr.need()


def test_the_program_gets_pixels_and_no_file(tmp_path, monkeypatch):
    body = "print(data[:2].decode(), *sys.argv[1:])"
    tesseracts.install(tmp_path, monkeypatch, body)
    found = ocr.need()
    assert found.version == "5.9.9"
    assert found.read(written("x")) == "P5 stdin stdout -l eng"


def test_large_pictures_are_scaled_down_first(tmp_path, monkeypatch):
    tesseracts.install(tmp_path, monkeypatch, "print(*map(int, data.split(None, 4)[1:3]))")
    width, height = map(int, ocr.need().read(written("", (4000, 3000))).split())
    assert width * height <= ocr.MOST_PIXELS
    assert width / height == pytest.approx(4 / 3, rel=0.01)


@pytest.mark.parametrize(
    ("languages", "message"), [("eng+deu", "tesseract-ocr-deu"), ("--help", "OCR language"), ("eng;ls", "OCR language")]
)
def test_a_language_that_is_not_there_is_a_clear_error(languages, message, tmp_path, monkeypatch):
    tesseracts.install(tmp_path, monkeypatch, "")
    with pytest.raises(UserError, match=message):
        ocr.find(languages)


def test_failing_and_hanging_are_problems_of_one_image(tmp_path, monkeypatch):
    tesseracts.install(tmp_path, monkeypatch, "print('first', file=sys.stderr); sys.exit('no page found')")
    with pytest.raises(ImageProblem, match="no page found"):
        ocr.need().read(written("x"))
    tesseracts.install(tmp_path, monkeypatch, "time.sleep(60)")
    with pytest.raises(ImageProblem, match="longer than"):
        dataclasses.replace(ocr.need(), timeout_s=0.5).read(written("x"))


def test_a_program_that_does_not_run_is_a_clear_error(tmp_path, monkeypatch):
    program = tesseracts.install(tmp_path, monkeypatch, "")
    program.write_text("#!/bin/sh\necho 'cannot load libtesseract' >&2\nexit 127\n", encoding="utf-8")
    with pytest.raises(UserError, match="libtesseract"):
        ocr.find()


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\nbroken"])
def test_what_is_no_image_never_reaches_the_program(data, tmp_path, monkeypatch):
    tesseracts.install(tmp_path, monkeypatch, "open(sys.argv[0] + '.called', 'w')")
    with pytest.raises(ImageProblem):
        ocr.need().read(data)
    assert not list(tmp_path.rglob("*.called"))
