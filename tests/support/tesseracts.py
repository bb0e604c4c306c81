"""Stand-ins for the tesseract program: a script on the PATH that does what a test needs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_HEAD = f"""#!{sys.executable}
import sys, time
if "--version" in sys.argv:
    print("tesseract 5.9.9")
    sys.exit()
if "--list-langs" in sys.argv:
    print("List of available languages (2):\\neng\\nosd")
    sys.exit()
data = sys.stdin.buffer.read()
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """Put a script called tesseract first on the PATH; `body` runs where it should read `data`."""
    program = folder / "bin" / "tesseract"
    program.parent.mkdir(exist_ok=True)
    program.write_text(_HEAD + body, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def remove(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no tesseract on the PATH."""
    monkeypatch.setenv("PATH", str(folder / "nowhere"))
