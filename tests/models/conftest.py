"""Fixtures for local models: checkpoints are made once per session, and loaded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_checkpoints
from vlsbench.models.local.model import HFModel, load_hf


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint by name, made when first asked for."""
    root = tmp_path_factory.mktemp("checkpoints")

    def get(name: str) -> Path:
        folder = root / name
        if not folder.exists():
            if name == "original_llava":
                tiny_checkpoints.original_llava(folder, get("llava"))
            elif name == "adapter":
                tiny_checkpoints.adapter(folder, get("llava"))
            elif name == "guard":
                tiny_checkpoints.guard(folder)
            else:
                tiny_checkpoints.FAMILIES[name](folder)
        return folder

    return get


@pytest.fixture(scope="session")
def loaded(checkpoint: Callable[[str], Path]) -> Callable[[str], HFModel]:
    """A loaded tiny model by name, kept for the session."""
    models: dict[str, HFModel] = {}

    def get(name: str) -> HFModel:
        if name not in models:
            models[name] = load_hf(str(checkpoint(name)), device="cpu", batch_size=8)
        return models[name]

    return get
