"""Models that Inspect asks. What it says is read here; that it is asked runs where Inspect is: `make inspect`."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from builders import SRC, make_set
from loopback import Answer, error, serve, verdict
from vlsbench.core.errors import MissingExtra, RequestFailed, UserError
from vlsbench.core.types import ResponseOutcome
from vlsbench.models import canonical, load
from vlsbench.models.providers.through_inspect import read, told

PYTHON = os.environ.get("INSPECT_PYTHON") or (sys.executable if importlib.util.find_spec("inspect_ai") else "")
with_inspect = pytest.mark.skipif(not PYTHON, reason="no Inspect here: make inspect")


def output(content="Eggs.", stop="stop", **fields):
    return {"model": "served", "choices": [{"message": {"content": content}, "stop_reason": stop}], **fields}


def same(text):
    return text


def test_an_answer_with_its_thinking_and_tokens():
    content = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Eggs."}]
    usage = {"input_tokens": 9, "output_tokens": 3, "input_tokens_cache_read": 4, "input_tokens_cache_write": 2}
    found = read(output(content, usage=usage), same)
    assert (found.outcome, found.text, found.reasoning) == (ResponseOutcome.OK, "Eggs.", "Hm.")
    assert (found.prompt_tokens, found.completion_tokens, found.cached_tokens, found.model) == (15, 3, 4, "served")
    assert read(output(), same).prompt_tokens is None


def test_ends_are_told_apart():
    assert read(output(stop="max_tokens"), same).outcome is ResponseOutcome.TRUNCATED
    assert read(output(stop="model_length"), same).outcome is ResponseOutcome.TRUNCATED
    assert read(output(stop="content_filter"), same).outcome is ResponseOutcome.BLOCKED
    assert read(output(""), same).outcome is ResponseOutcome.EMPTY
    assert read(output([{"type": "text", "text": "No.", "refusal": True}]), same).refused
    with pytest.raises(RequestFailed, match="unknown reason"):
        read(output(stop="unknown"), same)
    with pytest.raises(RequestFailed, match="no choice"):
        read({"choices": []}, same)
    with pytest.raises(RequestFailed, match="fell over"):
        read(output(error="it fell over"), same)


def test_an_error_of_the_provider_is_told_and_not_the_request_that_inspect_puts_before_it():
    error = RuntimeError("\nRequest:\n{'content': 'content_filter'}\n\nBadRequestError('no such picture')")
    error.provider_message = "Error code: 400 - no such picture"
    assert told(error, same) == "RuntimeError: Error code: 400 - no such picture"
    assert told(ValueError("odd \ud800 " + "x" * 500), same) == "ValueError: odd ? " + "x" * 382


def test_names_hold_a_provider_and_a_model():
    assert canonical("inspect:bedrock/some/model") == "inspect:bedrock/some/model"
    for wrong in ("inspect:gpt", "inspect:/x", "inspect:x/"):
        with pytest.raises(UserError, match="inspect:PROVIDER/NAME"):
            canonical(wrong)


@pytest.mark.skipif(bool(importlib.util.find_spec("inspect_ai")), reason="Inspect is installed here")
def test_without_inspect_the_message_says_what_to_install():
    with pytest.raises(MissingExtra, match="inspect"):
        load("inspect:bedrock/x")


@pytest.fixture
def evaluate(tmp_path):
    """`vlsbench eval` in Inspect's Python, with target and judge through it; returns exit code, stderr and summary."""

    def run(server, *more, target="openai-api/local/target"):
        out = tmp_path / "run"
        named = ["--model", f"inspect:{target}", "--judge", "inspect:openai-api/local/judge"]
        words = ["eval", *named, "--dataset", make_set(tmp_path / "data", 4), "--out", str(out), "--quiet", *more]
        environment = {
            **os.environ,
            "PYTHONPATH": str(SRC),
            "LOCAL_API_KEY": "a-local-key",
            "LOCAL_BASE_URL": server.url,
        }
        done = subprocess.run(
            [PYTHON, "-m", "vlsbench", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        file = out / "summary.json"
        return done.returncode, done.stderr, json.loads(file.read_text()) if file.exists() else None

    return run


def good(asked):
    return verdict("refusal") if asked.is_judging else Answer()


@with_inspect
def test_a_whole_run_through_inspect(evaluate):
    failed = set()

    def behave(asked):
        if not asked.is_judging and asked.text not in failed:
            failed.add(asked.text)
            return error(429, "slow down", headers={"Retry-After": "0"})
        return good(asked)

    with serve(behave) as server:
        code, said, found = evaluate(server, "--concurrency", "4")
    assert code == 0, said
    assert found["responses"]["ok"] == 4
    assert next(iter(found["judges"].values()))["counts"]["refusal"] == 4
    assert all(asked.image.startswith("data:image/png;base64,") for asked in server.answers)
    used = found["usage"]["target"]
    assert (used["requests"], used["retried"], used["prompt"]) == (8, 4, 44) == (len(server.answers), 4, 44)


@with_inspect
def test_what_would_fail_with_every_sample_stops_the_run(evaluate):
    with serve(lambda _: error(401, "invalid key a-local-key")) as server:
        code, said, _ = evaluate(server)
    assert code == 2
    assert "check the name and the key" in said
    assert "a-local-key" not in said


@with_inspect
def test_a_provider_that_inspect_does_not_know_is_named(evaluate):
    with serve(good) as server:
        code, said, _ = evaluate(server, target="nobody/x")
    assert (code, server.asked) == (2, [])
    assert "Inspect cannot make nobody/x" in said
