"""Where a local model comes from: `hf:REPO_OR_FOLDER[@revision][+ADAPTER]` to folders on this disk.

Only configuration files and weights that hold plain tensors are ever fetched; pickles of other kinds and
code stay where they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlsbench.core.errors import MissingExtra, Stopped, UserError
from vlsbench.core.hub import clear_errors

Settings = dict[str, Any]
"""A JSON file of a model, as others wrote it."""

_SETTINGS = ["*.json", "*.jinja", "*.txt", "*.model"]
_CODE = ["*.py"]
_ELSEWHERE = ["original/*", "*/original/*", "onnx/*", "openvino/*", "runs/*", "checkpoint-*/*"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One repository of the hub, or one folder, as the user wrote it."""

    name: str
    revision: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder on this disk."""
        return self.revision is None and Path(self.name).expanduser().is_dir()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model, and the adapter to put on it."""

    base: Place
    adapter: Place | None = None


def parse(ref: str) -> Source:
    """Read `REPO_OR_FOLDER[@revision][+ADAPTER[@revision]]`; folders may hold `@` and `+` in their names.

    Raises:
        UserError: A part is empty.
    """
    text = ref.removeprefix("hf:")
    base, adapter = text, ""
    if not _is_folder(text) and "+" in text:
        splits = [(text[:i], text[i + 1 :]) for i, sign in enumerate(text) if sign == "+"]
        base, adapter = max(reversed(splits), key=lambda parts: sum(map(_is_folder, parts)))
        if not adapter:
            raise UserError(f"No adapter after '+' in 'hf:{text}'. Write hf:MODEL+ADAPTER, or hf:MODEL alone.")
    return Source(base=_place(base), adapter=_place(adapter) if adapter else None)


def _is_folder(text: str) -> bool:
    return bool(text) and Path(text).expanduser().is_dir()


def _place(text: str) -> Place:
    if _is_folder(text):
        return Place(name=text)
    name, at, revision = text.rpartition("@")
    name, revision = (name, revision) if at else (text, "")
    if not name or (at and not revision):
        raise UserError(f"Cannot read 'hf:{text}'. Write hf:ORG/NAME, hf:ORG/NAME@REVISION or hf:FOLDER.")
    return Place(name=name, revision=revision or None)


def require_place(place: Place) -> None:
    """Nothing where this is a folder, or may be a repository.

    Raises:
        UserError: It is no repository's name, and there is no such folder.
    """
    looks_like_path = place.name.startswith((".", "/", "~")) or place.name.count("/") != 1
    if looks_like_path and not place.is_folder:
        raise UserError(f"No folder at {place.name!r}. Give a folder, or a repository as hf:ORG/NAME.")


def is_cached(place: Place) -> bool:
    """Whether a repository's settings are in the Hugging Face cache, so that its weights have been fetched once."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return False
    names = ("config.json", "adapter_config.json")
    found = (try_to_load_from_cache(place.name, name, revision=place.revision) for name in names)
    return any(isinstance(path, str) for path in found)


def fetch(place: Place, *, code: bool = False) -> Path:
    """The folder with this model's files, downloaded to the Hugging Face cache where it is not there yet.

    Args:
        place: What the user named.
        code: Also fetch Python files (`--trust-remote-code`).

    Raises:
        MissingExtra: huggingface_hub is not installed.
        UserError: No such folder, repository or revision.
        AccessDenied: The repository is gated or private.
        Stopped: The hub cannot be reached.
    """
    if place.is_folder:
        return Path(place.name).expanduser().resolve()
    require_place(place)
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise MissingExtra("huggingface_hub", "hf") from error
    patterns = _SETTINGS + (_CODE if code else [])
    try:
        folder = _download(place, patterns)
    except Stopped as error:
        raise Stopped(f"{error} If a folder was meant: there is none at {place.name!r}.") from error
    # The commit just found, so that both downloads see the same state of the repository.
    pinned = Place(name=place.name, revision=folder.name)
    return _download(pinned, [*patterns, *_weights(folder, place)])


def _download(place: Place, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    revision = place.revision or "main"
    with clear_errors(place.name, revision):
        return Path(
            snapshot_download(
                place.name, revision=revision, allow_patterns=patterns, ignore_patterns=_ELSEWHERE, max_workers=4
            )
        )


def _weights(folder: Path, place: Place) -> list[str]:
    """Which weight files to fetch: safetensors where there are any, else `.bin`."""
    from huggingface_hub import errors, get_cached_repo_tree

    try:
        names = {entry.path for entry in get_cached_repo_tree(place.name, revision=folder.name)}
    except (errors.CachedRepoTreeNotFoundError, OSError, ValueError):
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    if any(name.endswith(".safetensors") and "/" not in name for name in names):
        return ["*.safetensors"]
    return ["pytorch_model*.bin", "adapter_model.bin", "mm_projector.bin"]


def read_json(path: Path, *, what: str) -> Settings:
    """A JSON object from a file.

    Raises:
        UserError: The file is missing or is not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path.parent} has no {path.name}, so it is not {what}. Check the folder.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}). Fetch or copy it again.") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} holds no JSON object. Fetch or copy it again.")
    return value
