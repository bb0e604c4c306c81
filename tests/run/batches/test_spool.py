"""How many files a set takes, and what is in them: counted, without writing gigabytes."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlsbench import models
from vlsbench.core.types import Prompt
from vlsbench.models.batches import Batching, BatchService, Limits
from vlsbench.run.batches.request import custom_id, number_in
from vlsbench.run.batches.spool import SHARE, Spool, fits, is_file_of
from vlsbench.store.batches import Stage

VLSBENCH = 2241
KEY = "vlsb-0123456789abcdef"


class Picture:
    """A picture of so many bytes, of which only the size matters."""

    media_type = "image/png"
    sha256 = "0" * 64

    def __init__(self, n_bytes: int) -> None:
        self._encoded = b"A" * (4 * -(-n_bytes // 3))

    def read(self) -> bytes:
        raise NotImplementedError

    async def base64(self) -> bytes:
        return self._encoded


def service(scheme: str) -> BatchService:
    model = models.load(f"{scheme}:target@http://127.0.0.1:9")
    assert isinstance(model, Batching)
    return model.batches()


def spread(sizes: list[int], limits: Limits) -> list[list[int]]:
    """The sizes of the lines of each file, in order."""
    files: list[list[int]] = []
    for size in sizes:
        if not files or not fits(len(files[-1]), sum(files[-1]), size, limits):
            files.append([])
        files[-1].append(size)
    return files


@pytest.mark.parametrize(
    ("scheme", "image_bytes", "files"),
    [
        ("openai", 1 << 20, 17),
        ("openai", 100_000, 2),
        ("openai", 20_000, 1),
        ("anthropic", 1 << 20, 13),
        ("anthropic", 100_000, 2),
        ("gemini", 1 << 20, 2),
        ("gemini", 100_000, 1),
    ],
)
def test_a_set_of_2241_samples_takes_so_many_files(scheme: str, image_bytes: int, files: int) -> None:
    prompt = Prompt(text="What could go wrong here? " * 4, image=Picture(image_bytes))
    batches = service(scheme)
    size = sum(map(len, asyncio.run(batches.line(custom_id(KEY, Stage.ANSWERS, VLSBENCH), prompt))))
    assert len(spread([size] * VLSBENCH, batches.limits)) == files


@given(st.lists(st.integers(1, 95), max_size=60))
def test_no_file_is_fuller_than_its_share_and_no_line_is_lost(sizes: list[int]) -> None:
    files = spread(sizes, Limits(requests=10, n_bytes=100))
    assert [size for file in files for size in file] == sizes
    assert all(len(file) <= SHARE * 10 and sum(file) <= SHARE * 100 for file in files)


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a.jsonl")
    spool.add([b"one", b"\n"], 3, "d3")
    spool.add([b"two\n"], 1, "d1")
    digest = spool.finish()
    assert digest == hashlib.sha256(b"one\ntwo\n").hexdigest()
    assert is_file_of(tmp_path / "a.jsonl", digest)
    assert (spool.numbers, spool.digests, spool.n_bytes) == ([3, 1], ["d3", "d1"], 8)
    assert not is_file_of(tmp_path / "missing", digest)


def test_a_line_carries_the_number_of_its_sample_and_nothing_else() -> None:
    name = custom_id(KEY, Stage.VERDICTS, 2240)
    assert name == f"{KEY}-v-2240"
    assert len(name) <= 64
    assert number_in(name, KEY, Stage.VERDICTS) == 2240
    for other in (f"{KEY}-a-2240", f"{KEY}-v-", f"{KEY}-v-٣", f"x{KEY}-v-1", f"{KEY}-v--1", ""):
        assert number_in(other, KEY, Stage.VERDICTS) is None
