"""The text in an image, read by Tesseract, a program of its own (Debian and Ubuntu: ``tesseract-ocr``).

No image file reaches Tesseract. Each is checked and decoded here, and Tesseract gets the pixels on its standard
input, so that a hostile file meets one decoder only and no file name is ever part of a command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlsbench.core import images, pixels
from vlsbench.core.errors import ImageProblem, UserError

if TYPE_CHECKING:
    from PIL.Image import Image

INSTALL = "apt-get install tesseract-ocr (macOS: brew install tesseract)"

TIMEOUT_S = 60.0
"""Longest time for one image."""

MOST_PIXELS = 4_000_000
"""Larger images are scaled down to this width x height first: print stays legible, and the time bounded."""

_LANGUAGES = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*(\+[A-Za-z][A-Za-z0-9_/-]*)*")
_SKIPPED = "Text in the images is not read: there is no tesseract on this machine. To include it: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Tesseract as it is installed here; `languages` as for its option ``-l``, for example ``eng+deu``."""

    program: str
    version: str
    languages: str = "eng"
    timeout_s: float = TIMEOUT_S

    def read(self, data: bytes) -> str:
        """The text in an image, as lines; empty where there is none.

        Args:
            data: The bytes of the image file.

        Raises:
            ImageProblem: Not a sound image, or Tesseract failed on it or took too long.
        """
        images.check(data)
        grey = _netpbm(pixels.decode(data))
        # One thread each: several images are read at a time, and Tesseract's own threads gain little.
        command = [self.program, "stdin", "stdout", "-l", self.languages]
        try:
            done = subprocess.run(  # noqa: S603 - the program found on the path; no text of a dataset is in the command
                command, input=grey, capture_output=True, timeout=self.timeout_s, check=False, env=_environment()
            )
        except subprocess.TimeoutExpired as error:
            raise ImageProblem(f"tesseract took longer than {self.timeout_s:g} s on the image") from error
        except OSError as error:
            raise ImageProblem(f"tesseract cannot be run ({error.strerror})") from error
        if done.returncode:
            raise ImageProblem(f"tesseract failed on the image: {_last_line(done.stderr)}")
        return done.stdout.decode("utf-8", errors="replace").strip("\f\n ")


def find(languages: str = "eng") -> Reader | None:
    """Tesseract, where it is on the PATH; else None, and `skipped` says how to get it.

    Raises:
        UserError: It is there, but does not run or lacks a language.
    """
    program = shutil.which("tesseract")
    if program is None:
        return None
    if not _LANGUAGES.fullmatch(languages):
        raise UserError(
            f"No OCR language {languages!r}. Write codes as Tesseract has them, for example eng or eng+deu."
        )
    known = set(_ask(program, "--list-langs").splitlines()[1:])
    missing = [language for language in languages.split("+") if language not in known]
    if missing:
        raise UserError(
            f"Tesseract lacks the language {missing[0]!r}. It has: {', '.join(sorted(known)) or 'none'}. "
            f"More come as packages, for example: apt-get install tesseract-ocr-{missing[0]}"
        )
    version = _ask(program, "--version").partition("\n")[0].removeprefix("tesseract ").strip()
    return Reader(program=program, version=version, languages=languages)


def need(languages: str = "eng") -> Reader:
    """Tesseract, which has to be there.

    Raises:
        UserError: It is not.
    """
    reader = find(languages)
    if reader is None:
        raise UserError(f"There is no tesseract on this machine. Install it with: {INSTALL}, or leave OCR out.")
    return reader


def skipped() -> str:
    """The line that says that OCR is left out, and how to get it."""
    return f"{_SKIPPED}{INSTALL}"


def _netpbm(image: Image) -> bytes:
    """The pixels in grey as a PGM file: a head of three numbers, then one byte each."""
    grey = image.convert("L")
    if grey.width * grey.height > MOST_PIXELS:
        share = (MOST_PIXELS / (grey.width * grey.height)) ** 0.5
        grey = grey.resize((max(1, int(grey.width * share)), max(1, int(grey.height * share))))
    return b"P5 %d %d 255\n" % grey.size + grey.tobytes()


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}


def _ask(program: str, question: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed question to the program found on the path
            [program, question], capture_output=True, timeout=TIMEOUT_S, check=False, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{program} does not run ({error}). Repair it, or leave OCR out.") from error
    if done.returncode:
        raise UserError(f"{program} does not run: {_last_line(done.stderr)}. Repair it, or leave OCR out.")
    return (done.stdout or done.stderr).decode("utf-8", errors="replace")


def _last_line(output: bytes) -> str:
    lines = [line.strip() for line in output.decode("utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it gave no reason"
