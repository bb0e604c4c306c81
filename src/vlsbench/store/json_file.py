"""Files that hold one JSON object: read into the type that describes it, written in one step."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
import orjson

from vlsbench.core.errors import RunError
from vlsbench.core.secrets import hide_in_json
from vlsbench.store import journal

T = TypeVar("T")


def read(path: Path, remedy: str = "") -> dict[str, object]:
    """The object of a file.

    Args:
        path: The file.
        remedy: What to do where it is damaged, for the message.

    Raises:
        RunError: It is missing, damaged, or cannot be read.
    """
    try:
        found: object = orjson.loads(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise RunError(f"{path} is damaged: {error}. {remedy}".rstrip()) from error
    if not isinstance(found, dict):
        raise RunError(f"{path} holds no JSON object. {remedy}".rstrip())
    return found


def convert(found: object, kind: type[T], path: Path, remedy: str = "") -> T:
    """What was read from a file as the type that describes it; fields that the type does not know are passed over.

    Raises:
        RunError: It does not fit; the message names the field.
    """
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise RunError(f"{path} is damaged: {error}. {remedy}".rstrip()) from error


def read_version(path: Path, kind: type[T], version: int, remedy: str = "") -> T:
    """What a file holds whose `version` says in which format.

    Raises:
        RunError: It is missing, damaged, or of another version.
    """
    found = read(path, remedy)
    if found.get("version") != version:
        raise RunError(
            f"{path} has format {found.get('version')}; this version of vlsbench reads format {version}."
            if "version" in found
            else f"{path} is damaged: it has no version. {remedy}".rstrip()
        )
    return convert(found, kind, path, remedy)


def to_bytes(value: object) -> bytes:
    """The content of a file, without API keys."""
    return hide_in_json(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def write(path: Path, value: object) -> None:
    """Replace a file in one step.

    Raises:
        Stopped: The disk is full, read-only or gone.
    """
    journal.write_atomically(path, to_bytes(value))
