"""An untrained model of the miniature world's kind, small enough to train within a test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("trl")
    from vlsbench.demo import vlm

    folder = tmp_path_factory.mktemp("models") / "base"
    tokenizer = vlm.build_tokenizer()
    vlm.build_model(tokenizer).save_pretrained(folder)
    vlm.build_processor(tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def one_thread() -> object:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
