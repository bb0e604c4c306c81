"""JSON files of training data: reading them with errors that name the record, and the user's own format."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from vlsbench.align.examples import TrainingExample, user_says
from vlsbench.core import images
from vlsbench.core.errors import DatasetError, ImageProblem
from vlsbench.core.types import Turn

ROLES = ("system", "user", "assistant")


def jsonl(rest: str, _scratch: Path) -> Iterator[TrainingExample]:
    """``jsonl:FILE``: a conversation with its last answer, or with a `chosen` and a `rejected` one."""
    file = Path(rest).expanduser()
    for where, record in lines(file):
        names = record.get("images") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DatasetError(f"{where}: 'images' is not a list of paths or data URIs.")
        harmful = record.get("harmful")
        if not isinstance(harmful, bool | None):
            raise DatasetError(f"{where}: 'harmful' is neither true nor false.")
        turns, chosen, rejected = _pair(record, where) if "chosen" in record else _conversation(record, where)
        yield TrainingExample(
            prompt=turns,
            completion=chosen,
            rejected=rejected,
            images=tuple(picture(name, file.parent, where) for name in names),
            harmful=harmful,
            **{key: _note(record, key, where) for key in ("category", "description", "safety_reason")},
        )


def _conversation(record: Mapping[str, object], where: str) -> tuple[tuple[Turn, ...], str, None]:
    turns = _turns(field(record, "messages", list, where), where)
    if not any(turn.role == "user" for turn in turns) or turns[-1].role != "assistant":
        raise DatasetError(
            f"{where}: 'messages' must be of the roles {', '.join(ROLES)}, with a user's, the last the assistant's."
        )
    return turns[:-1], turns[-1].text, None


def _pair(record: Mapping[str, object], where: str) -> tuple[tuple[Turn, ...], str, str]:
    if isinstance(record.get("prompt"), str):
        turns = user_says(field(record, "prompt", str, where))
    else:
        turns = _turns(field(record, "prompt" if "prompt" in record else "messages", list, where), where)
    if not turns or turns[-1].role != "user":
        raise DatasetError(f"{where}: with 'chosen' and 'rejected', the last of the messages must be the user's.")
    return turns, _answer(record, "chosen", where), _answer(record, "rejected", where)


def _answer(record: Mapping[str, object], key: str, where: str) -> str:
    """A text, or a list of one message of the assistant's, as TRL has it."""
    value = record.get(key)
    if isinstance(value, list) and len(value) == 1:
        return _turns(value, where)[0].text
    return str(field(record, key, str, where))


def _turns(messages: list[Any], where: str) -> tuple[Turn, ...]:
    turns = tuple(
        Turn(role=field(message, "role", str, where), text=field(message, "content", str, where))
        for message in messages
    )
    if unknown := next((turn.role for turn in turns if turn.role not in ROLES), None):
        raise DatasetError(f"{where}: there is a message of the role {unknown!r}; the roles are {', '.join(ROLES)}.")
    return turns


def _note(record: Mapping[str, object], key: str, where: str) -> str:
    return str(field(record, key, str, where)) if record.get(key) is not None else ""


def picture(name: str, root: Path, where: str) -> str:
    """A checked picture: its path, or the data URI as it is.

    Raises:
        DatasetError: There is no sound image.
    """
    try:
        if name.startswith("data:"):
            images.check(images.from_data_uri(name))
            return name
        path = images.locate(name, root)
        images.check(images.read_file(path)[0])
    except ImageProblem as error:
        raise DatasetError(f"{where}: {error}") from error
    return str(path.absolute())


def kept_picture(image: str, root: Path, scratch: Path, where: str) -> str:
    """The path of a checked picture; one that came as bytes is written to `scratch`, under its hash.

    Raises:
        DatasetError: There is no sound image.
    """
    if not image.startswith("data:"):
        return picture(image, root if root.is_dir() else root.parent, where)
    try:
        data = images.from_data_uri(image)
        facts = images.check(data)
    except ImageProblem as error:
        raise DatasetError(f"{where}: {error}") from error
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / f"{facts.sha256}.{facts.extension}"
    if not file.exists():
        part = scratch / f"{facts.sha256}.{os.getpid()}.part"
        part.write_bytes(data)
        part.rename(file)
    return str(file.absolute())


def field(record: Any, key: str, kind: type[Any], where: str) -> Any:
    """A field that must be there, be of this type, and not be blank text.

    Raises:
        DatasetError: It is not.
    """
    value = record.get(key) if isinstance(record, dict) else None
    if isinstance(value, kind) and not (isinstance(value, str) and not value.strip()):
        return value
    raise DatasetError(f"{where}: needs '{key}' as {'text' if kind is str else kind.__name__}.")


def read_json(file: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DatasetError: It cannot be read.
    """
    try:
        return orjson.loads(_read(file))
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{file} is not JSON ({error}).") from error


def lines(file: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """The objects of a JSON-lines file, each with the words that say where it is.

    Raises:
        DatasetError: The file or a line cannot be read.
    """
    for number, line in enumerate(_read(file).splitlines(), start=1):
        where = f"{file}, line {number}"
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DatasetError(f"{where} is not JSON ({error}).") from error
        if not isinstance(record, dict):
            raise DatasetError(f"{where} is not a JSON object.")
        yield where, record


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error
