"""Lines of results as providers write them, and as nobody should: read, named or passed over, never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlsbench import models
from vlsbench.core.errors import AccessDenied, Blocked, RateLimited, RequestFailed
from vlsbench.models.batches import Batching, BatchService, Result

SCHEMES = ("openai", "anthropic", "gemini")


def service(scheme: str) -> BatchService:
    model = models.load(f"{scheme}:target@http://127.0.0.1:9")
    assert isinstance(model, Batching)
    return model.batches()


SERVICES = {scheme: service(scheme) for scheme in SCHEMES}


def read(scheme: str, line: Any) -> Result:
    found = SERVICES[scheme].read(json.dumps(line).encode())
    assert found is not None
    return found


def openai(status: int, body: Any) -> dict[str, Any]:
    return {"custom_id": "k-a-1", "response": {"status_code": status, "body": body}, "error": None}


def anthropic(kind: str, **more: Any) -> dict[str, Any]:
    return {"custom_id": "k-a-1", "result": {"type": kind, **more}}


def test_a_failed_request_is_the_error_that_it_would_have_been_directly() -> None:
    limited = openai(429, {"error": {"message": "slow down"}})
    assert isinstance(read("openai", limited).error, RateLimited)
    filtered = openai(400, {"error": {"message": "no", "code": "content_filter"}})
    assert isinstance(read("openai", filtered).error, Blocked)
    unknown = {"type": "error", "error": {"type": "not_found_error", "message": "model: nope"}}
    assert isinstance(read("anthropic", anthropic("errored", error=unknown)).error, AccessDenied)
    assert isinstance(read("gemini", {"key": "k-a-1", "error": {"code": 8, "message": "quota"}}).error, RequestFailed)


@pytest.mark.parametrize(
    ("scheme", "line"),
    [
        ("openai", {"custom_id": "k-a-1", "response": None, "error": {"code": "batch_expired", "message": "late"}}),
        ("openai", {"custom_id": "k-a-1", "response": None, "error": {"code": "batch_cancelled", "message": "no"}}),
        ("anthropic", anthropic("expired")),
        ("anthropic", anthropic("canceled")),
        ("gemini", {"key": "k-a-1", "error": {"code": 1, "message": "cancelled"}}),
        ("gemini", {"key": "k-a-1"}),
    ],
)
def test_a_request_that_was_never_worked_on_is_neither_a_reply_nor_an_error(scheme: str, line: Any) -> None:
    assert read(scheme, line) == Result(custom_id="k-a-1")


def test_half_an_answer_is_an_error() -> None:
    for scheme, line in (
        ("openai", openai(200, {"choices": []})),
        ("openai", openai(200, None)),
        ("anthropic", anthropic("succeeded", message=[1])),
        ("anthropic", anthropic("invented")),
        ("gemini", {"key": "k-a-1", "response": "no object"}),
    ):
        found = read(scheme, line)
        assert found.reply is None, scheme
        assert found.error is not None, scheme


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["custom_id", "key", "response", "result", "error", "status_code", "body", "type", "message", "code", "choices"]
)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=150)
@given(line=st.dictionaries(names, st.dictionaries(names, json_values, max_size=4) | json_values, max_size=5))
def test_no_line_of_json_is_a_crash(scheme: str, line: dict[str, Any]) -> None:
    found = SERVICES[scheme].read(json.dumps(line).encode())
    assert found is None or found.reply is None or found.error is None


@pytest.mark.parametrize("scheme", SCHEMES)
@given(line=st.binary(max_size=40))
def test_no_bytes_are_a_crash(scheme: str, line: bytes) -> None:
    assert SERVICES[scheme].read(line) is None or line
