"""Where a training starts: the model that a reference names, checked before anything is written.

References are those of ``vlsbench eval``, but for adapters and the original LLaVA layout, which cannot be
trained further as they are.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench import miniworld
from vlsbench.core.errors import MissingExtra, UnknownName, UserError
from vlsbench.models.local import origin

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

SCHEMES = ("hf", "mini")

_PACKAGES = ("torch", "transformers", "accelerate", "datasets", "peft", "trl")


def require_packages() -> None:
    """Look for everything that a training imports, before time is spent on anything else.

    Raises:
        MissingExtra: A package is not installed.
    """
    for package in _PACKAGES:
        try:
            found = importlib.util.find_spec(package)
        except (ImportError, ValueError):  # An import that somebody has blocked.
            found = None
        if found is None:
            raise MissingExtra(package, "align")


def parse(reference: str) -> origin.Place:
    """The folder or repository of ``mini:VARIANT``, ``hf:REPO_OR_FOLDER[@revision]``, or a path.

    Raises:
        UnknownName: No such scheme or packaged variant.
        UserError: The packaged weights are damaged, or the reference names an adapter.
    """
    scheme, colon, rest = reference.partition(":")
    if colon and scheme == "mini":
        return origin.Place(name=str(miniworld.weights(rest)))
    if colon and scheme != "hf" and not Path(reference).expanduser().exists():
        raise UnknownName("scheme of a model to train", scheme, SCHEMES)
    source = origin.parse(reference)
    if source.adapter is not None:
        raise UserError(f"{reference} is a model with an adapter on it. Merge the two into one folder, and give that.")
    return source.base


def fetch(place: origin.Place) -> Path:
    """The folder of a model that can be trained, downloaded if it is not on this disk.

    Raises:
        UserError: No such folder, or it holds no model that can be trained.
        AccessDenied: The repository is gated, private or unknown.
        Stopped: The hub cannot be reached.
    """
    from vlsbench.models.local import llava, weights

    folder = origin.fetch(place)
    weights.refuse_bare_adapter(folder)
    if llava.is_original(folder):
        raise UserError(
            f"{place.name} is in the layout of the original LLaVA release, which cannot be trained here. "
            "Take the converted model, for example hf:llava-hf/llava-1.5-7b-hf."
        )
    return folder


def load_model(folder: Path, dtype: str) -> PreTrainedModel:
    """The model, on the CPU.

    Raises:
        UserError: The folder is incomplete or damaged, or holds no vision-language model.
    """
    from vlsbench.models.local import weights

    return weights.load_model(folder, dtype=dtype, device="cpu")


def load_processor(folder: Path) -> ProcessorMixin:
    """The model's processor.

    Raises:
        UserError: The folder lacks its files.
    """
    from vlsbench.models.local import processors

    return processors.load_processor(folder)
