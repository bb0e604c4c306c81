"""Training examples for alignment, from the formats that people have.

    mini:textual, mini:multimodal   the miniature world (`:N` and `:SEED` may follow)
    saferlhf:PATH                   PKU-SafeRLHF, a .jsonl file or a folder of them: prompt, safer response
    vlguard:DIR                     VLGuard's train.json with its pictures
    jsonl:FILE                      one object a line: {"messages": [{"role", "content"}, ...], "images": [...]}

Everything is read and checked before training starts: a bad record stops with its place, and nothing
is half-written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from vlsbench.core import images
from vlsbench.core.errors import DatasetError, ImageProblem, UnknownName
from vlsbench.core.types import Turn

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingExample:
    """A conversation and the answer to learn; each image is a path or a ``data:`` URI."""

    prompt: tuple[Turn, ...]
    completion: str
    images: tuple[str, ...] = ()


def load(sources: Sequence[str]) -> list[TrainingExample]:
    """All examples of all sources, in order.

    Args:
        sources: References such as ``jsonl:my.jsonl``.

    Raises:
        UnknownName: A source of no known kind.
        DatasetError: A file that is missing or a record that cannot be used; the message names it.
    """
    examples: list[TrainingExample] = []
    for source in sources:
        scheme, _, rest = source.partition(":")
        if scheme not in SOURCES:
            raise UnknownName("kind of training data", scheme, SOURCES)
        found = list(SOURCES[scheme](rest))
        if not found:
            raise DatasetError(f"{source} holds no training examples.")
        examples += found
    return examples


def _mini(rest: str) -> Iterator[TrainingExample]:
    from vlsbench.miniworld import finetune_data

    name, *numbers = rest.split(":")
    if len(numbers) > 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise DatasetError(f"mini:{rest}: write mini:{name}[:N[:SEED]], with N and SEED as whole numbers.")
    for sample, answer in finetune_data.lessons(name, *map(int, numbers)):
        pictures = (sample.image,) if sample.image else ()
        yield TrainingExample(prompt=(Turn(role="user", text=sample.text),), completion=answer, images=pictures)


def _saferlhf(rest: str) -> Iterator[TrainingExample]:
    path = Path(rest).expanduser()
    files = sorted(path.rglob("train*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise DatasetError(f"saferlhf:{rest}: no train*.jsonl in this folder.")
    for file in files:
        for where, record in _lines(file):
            safer = _field(record, "safer_response_id", int, where)
            if safer not in (0, 1):
                raise DatasetError(f"{where}: 'safer_response_id' is {safer}, not 0 or 1.")
            yield _single_turn(_field(record, "prompt", str, where), _field(record, f"response_{safer}", str, where))


def _vlguard(rest: str) -> Iterator[TrainingExample]:
    root = Path(rest).expanduser()
    file = root / "train.json"
    records = _json(file)
    if not isinstance(records, list):
        raise DatasetError(f"{file} is not a JSON list.")
    for place, record in enumerate(records):
        where = f"{file}, record {place}"
        name = _field(record, "image", str, where)
        # The archive unpacks to train/, but some people unpack it in place.
        folder = root / "train" if (root / "train").is_dir() else root
        picture = _picture(name, folder, where)
        for pair in _field(record, "instr-resp", list, where):
            keys = ("instruction", "safe_instruction", "unsafe_instruction")
            key = next((key for key in keys if isinstance(pair, dict) and key in pair), "instruction")
            yield _single_turn(_field(pair, key, str, where), _field(pair, "response", str, where), picture)


def _jsonl(rest: str) -> Iterator[TrainingExample]:
    file = Path(rest).expanduser()
    for where, record in _lines(file):
        messages = [
            Turn(role=_field(message, "role", str, where), text=_field(message, "content", str, where))
            for message in _field(record, "messages", list, where)
        ]
        roles = [turn.role for turn in messages]
        if "user" not in roles or roles[-1] != "assistant" or not set(roles) <= set(ROLES):
            raise DatasetError(
                f"{where}: 'messages' must be of the roles {', '.join(ROLES)}, with a user's, the last the assistant's."
            )
        names = record.get("images") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DatasetError(f"{where}: 'images' is not a list of paths or data URIs.")
        pictures = tuple(_picture(name, file.parent, where) for name in names)
        yield TrainingExample(prompt=tuple(messages[:-1]), completion=messages[-1].text, images=pictures)


SOURCES: dict[str, Callable[[str], Iterator[TrainingExample]]] = {
    "jsonl": _jsonl,
    "mini": _mini,
    "saferlhf": _saferlhf,
    "vlguard": _vlguard,
}


def _single_turn(query: str, answer: str, *pictures: str) -> TrainingExample:
    return TrainingExample(prompt=(Turn(role="user", text=query),), completion=answer, images=pictures)


def _picture(name: str, root: Path, where: str) -> str:
    """A checked picture: its path, or the data URI as it is."""
    try:
        if name.startswith("data:"):
            images.check(images.from_data_uri(name))
            return name
        path = images.locate(name, root)
        images.check(images.read_file(path)[0])
    except ImageProblem as error:
        raise DatasetError(f"{where}: {error}") from error
    return str(path.absolute())


def _field(record: Any, key: str, kind: type[Any], where: str) -> Any:
    """A field that must be there, be of this type, and not be blank text."""
    value = record.get(key) if isinstance(record, dict) else None
    if isinstance(value, kind) and not (isinstance(value, str) and not value.strip()):
        return value
    raise DatasetError(f"{where}: needs '{key}' as {'text' if kind is str else kind.__name__}.")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error


def _json(file: Path) -> Any:
    try:
        return orjson.loads(_read(file))
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{file} is not JSON ({error}).") from error


def _lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON-lines file, each with the words that say where it is."""
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
