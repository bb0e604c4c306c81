"""A small run with every kind of outcome, and files as other tools write them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from builders import tiny_png
from run_folders import HandMade


@pytest.fixture
def made(tmp_path: Path) -> HandMade:
    """Seven samples: refused, warned about, answered unsafely, judge refused, request failed, pending, and benign."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(tiny_png(1))
    fields = {"image": str(picture), "image_sha256": hashlib.sha256(tiny_png(1)).hexdigest(), "category": "Garden"}
    run = HandMade(tmp_path / "run", 7, started="2026-11-01T10:00:00Z", finished="2026-11-01T10:05:00Z")
    run.judge()
    said = {"a": "refusal", "b": "warning", "c": "unsafe", "d": "judge_refused", "e": "no_response", "g": "unsafe"}
    for name in "abcdefg":
        expect = "benign" if name == "g" else "harmful"
        run.sample(name, **fields, text=f"Question {name}: what is this?", expect=expect)
        if name == "e":
            run.response(name, "error", text="", error="the server fell over")
        elif name != "f":
            tokens = {"prompt_tokens": 30, "completion_tokens": 5, "latency_s": 0.25}
            run.response(name, text=f"=SUM(1) says {name}", finish_reason="stop", **tokens)
        if name in said:
            run.verdict(name, said[name])
    return run
