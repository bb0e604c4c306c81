"""VLSBench (Hu et al., ACL 2025): queries that are harmful only together with their image. arXiv:2411.19939.

The released folder holds ``data.json``, a list of records, and ``imgs/N.png``, unpacked from ``imgs.tar``.
Its quirks are kept as they are: an empty instruction, five records whose sub-category is filed under
another category, repeated instructions, images that serve several records. Revisions before March 2025
have no `image_description` and `safety_reason`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Sample
from vlsbench.datasets.base import (
    BadField,
    BadRecord,
    Entry,
    OnBad,
    OnHub,
    Records,
    Ref,
    json_kind,
    need_folder,
    text_field,
)


def open_folder(ref: Ref) -> Records:
    """Open ``vlsbench:DIR``.

    Raises:
        DatasetError: No such folder, or it does not hold the released layout.
    """
    root = need_folder(ref, ENTRY)
    _check_layout(root)
    _read(root / "data.json")
    return Records(name=str(ref), root=root, scan=lambda on_bad: _scan(root / "data.json", on_bad))


def to_sample(row: Mapping[str, Any]) -> Sample:
    """One object of ``data.json`` as a sample.

    Raises:
        BadField: A field is missing or of the wrong type.
    """
    image = text_field(row, "image_path")
    if not image:
        raise BadField("the field 'image_path' is empty")
    return Sample(
        id=_id(row),
        text=text_field(row, "instruction"),
        image=image,
        category=text_field(row, "category"),
        sub_category=text_field(row, "sub_category"),
        source=text_field(row, "source"),
        description=text_field(row, "image_description", required=False),
        safety_reason=text_field(row, "safety_reason", required=False),
    )


def _id(row: Mapping[str, Any]) -> str:
    value = row.get("instruction_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value:
        return value
    if "instruction_id" not in row:
        raise BadField("the field 'instruction_id' is missing")
    raise BadField(f"the field 'instruction_id' should be a whole number, but is {value!r:.40}")


def _scan(file: Path, on_bad: OnBad) -> Iterator[Sample]:
    for index, row in enumerate(_read(file)):
        if not isinstance(row, dict):
            on_bad(BadRecord(f"{file.name}, record {index}", "", f"should be an object, but is {json_kind(row)}"))
            continue
        try:
            sample = to_sample(row)
        except BadField as error:
            on_bad(BadRecord(f"{file.name}, record {index}", f"{row.get('instruction_id', '')!s:.40}", str(error)))
            continue
        yield sample


def _read(file: Path) -> list[Any]:
    try:
        rows = orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from error
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{file} is not JSON ({error}). Was the download cut off?") from error
    if not isinstance(rows, list):
        raise DatasetError(f"{file} should hold a list of records, but holds {json_kind(rows)}.")
    return rows


def _check_layout(root: Path) -> None:
    if not os.path.isfile(root / "data.json"):
        inner = next((path for path in _folders(root) if os.path.isfile(path / "data.json")), None)
        hint = f" Did you mean vlsbench:{inner}?" if inner else f" {ENTRY.get}"
        raise DatasetError(f"There is no data.json in {root}.{hint}")
    if os.path.isfile(root / "imgs.tar") and not os.path.isdir(root / "imgs"):
        raise DatasetError(f"The images are still packed. Unpack them: tar -xf {root / 'imgs.tar'} -C {root}")


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if os.path.isdir(path))
    except OSError:
        return []


ENTRY = Entry(
    name="vlsbench",
    title="VLSBench: harm that shows only in the image",
    size="2,241 pairs on 1,957 images; 6 categories, 19 sub-categories",
    images="a separate archive of 2.45 GB, imgs.tar, which unpacks to imgs/",
    licence="Apache-2.0",
    source="https://huggingface.co/datasets/Foreshhh/vlsbench",
    revision="2fef1f5",
    citation=(
        "Xuhao Hu, Dongrui Liu, Hao Li, Xuanjing Huang, Jing Shao. "
        "VLSBench: Unveiling Visual Leakage in Multimodal Safety. ACL 2025. arXiv:2411.19939"
    ),
    get=(
        "Run: vlsbench data fetch vlsbench. Or download data.json and imgs.tar from "
        "https://huggingface.co/datasets/Foreshhh/vlsbench into one folder, unpack imgs.tar there, "
        "and pass vlsbench:DIR."
    ),
    usage="vlsbench:DIR",
    records="2,241",
    pictures="1,957",
    open=open_folder,
    hub=OnHub(
        repo="Foreshhh/vlsbench",
        revision="2fef1f5",
        files=("data.json", "imgs.tar"),
        archives=("imgs.tar",),
    ),
)
"""The catalogue entry."""
