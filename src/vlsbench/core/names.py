"""Names made of references: short ones that a reader can tell apart, and ones that are safe in a file system."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

FILES = ("jsonl", "csv", "parquet")
"""Schemes of datasets that are a file of one's own and are told by its name; the others are told by their scheme."""

_SERVER = re.compile(r"@(https?://\S*)")
_JUDGING = re.compile(r"(?:guard|graded(?:/\d+)?):")
_ANY_MODEL = re.compile(
    r"default|models?|weights|hf|merged|outputs?|final|last|latest|best|(checkpoint|step|epoch)[-_]?\d*"
)
_DEEPEST = 8


def without_address(ref: str) -> str:
    """A model, judge or guard without the address of its server: ``openai:NAME@http://…`` becomes ``openai:NAME``.

    A model is the same wherever it runs; references that earlier versions recorded have the address in them.
    """
    return _SERVER.sub("", ref)


def model_behind(ref: str) -> str:
    """The model that a judge or guard asks, without the address of its server; of a model, that model."""
    prefix = _JUDGING.match(ref)
    return without_address(ref if prefix is None else ref[prefix.end() :])


def address_in(ref: str) -> str | None:
    """The address that a reference holds, or None."""
    found = _SERVER.search(ref)
    return found[1] if found is not None else None


def model_name(ref: str, folders: int = 1) -> str:
    """A model without its server and without the folders above it.

    ``openai:NAME@http://…`` becomes ``openai:NAME``, and ``hf:/a/BASE+/b/ADAPTER`` becomes ``hf:BASE+ADAPTER``.

    Args:
        ref: The model's reference.
        folders: How many names of a path are kept.
    """
    scheme, colon, rest = _SERVER.sub("", ref).partition(":")
    parts = (_last(part, folders) if part.startswith(("/", "./", "../", "~")) else part for part in rest.split("+"))
    return f"{scheme}{colon}{'+'.join(parts)}"


def brief_model_name(ref: str, folders: int = 1) -> str:
    """The same without scheme and organisation: ``NAME``, ``BASE+ADAPTER``."""
    scheme, _, rest = _SERVER.sub("", ref).partition(":")
    parts = (_last(part, folders) for part in (rest or scheme).split("+"))
    return "+".join(part for part in parts if part) or ref


def dataset_name(ref: str) -> str:
    """A dataset without folders: ``vlsbench``, ``mm_safetybench/SD``, ``jsonl:my-set``, ``mini:leaky``."""
    scheme, colon, _ = ref.partition(":")
    if scheme == "mini":
        return ref.removesuffix(":200:0")  # the usual size and seed
    if scheme in FILES:
        return f"{scheme}:{brief_dataset_name(ref)}"
    return ref if not colon or scheme.startswith("hf") else scheme


def brief_dataset_name(ref: str) -> str:
    """The same, a file by its name alone: ``my-set``."""
    scheme, _, place = ref.partition(":")
    if scheme not in FILES:
        return dataset_name(ref)
    return _last(place.partition("?")[0], 1).rsplit(".", 1)[0] or ref


def shortest(refs: Iterable[str], name: Callable[[str, int], str]) -> dict[str, str]:
    """A name for each reference, with as many of its folders as tell it apart; alike where no number does.

    Args:
        refs: References of models.
        name: `model_name` or `brief_model_name`.
    """
    refs = list(dict.fromkeys(refs))
    found = {}
    for ref in refs:
        depths = (n for n in range(1, _DEEPEST) if [name(other, n) for other in refs].count(name(ref, n)) == 1)
        found[ref] = name(ref, next(depths, 1))
    return found


def distinct(names: dict[str, str]) -> dict[str, str]:
    """The names of references; the reference itself where two share a name."""
    given = list(names.values())
    return {ref: name if given.count(name) == 1 else ref for ref, name in names.items()}


def same_model(one: str, other: str) -> bool:
    """Whether what two servers say is behind a name can be one model.

    The folders above it may differ from machine to machine. Where the last part of its path is a name that any model
    may have (``default``, ``checkpoint-500``), the one above it has to be the same too.
    """
    first, second = (ref.rstrip("/").casefold() for ref in (one, other))
    has_folders = "/" in first and "/" in second
    parts = 2 if has_folders and _ANY_MODEL.fullmatch(_last(first, 1)) else 1
    return _last(first, parts) == _last(second, parts)


def slug(text: str) -> str:
    """A short file-name-safe form of a reference: server addresses and folders fall away."""
    scheme, colon, rest = _SERVER.sub("", text).partition(":")
    last = _last(rest, 1) if colon else scheme
    # Folders made by earlier versions have these names and are continued, so this list stays as it is.
    readable = f"{scheme}-{last}" if colon and scheme in ("jsonl", "mini", "vlsbench", "figstep") else last or scheme
    return re.sub(r"[^A-Za-z0-9._-]+", "-", readable).strip("-.")[:48].lower() or "run"


def dataset_slug(name: str) -> str:
    """The same of a dataset: what it is, and the last part of where it lies; columns and commits fall away."""
    scheme, colon, place = re.sub(r"(@[0-9a-f]{40}|\?.*$)", "", name).partition(":")
    return slug(f"{scheme}-{_last(place, 1)}".replace(":", "-") if colon else name)


def _last(path: str, folders: int) -> str:
    return "/".join(path.rstrip("/").split("/")[-folders:])
