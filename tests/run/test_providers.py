"""Providers' own interfaces as targets, judges and guards, with their keys, from the command line on."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from builders import hurry, make_set, manifest, number_of, responses, summary, verdicts, vlsbench
from pictures import Picture
from providers import KEY, Said, fault, serve
from vlsbench.construct.world import models
from vlsbench.core.errors import UserError
from vlsbench.core.types import Prompt
from vlsbench.models import Access, canonical, load
from vlsbench.models.api import keys

VARIABLES = {"anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}
HOMES = {"anthropic": "https://api.anthropic.com", "gemini": "https://generativelanguage.googleapis.com"}
both = pytest.mark.parametrize("provider", VARIABLES)


@pytest.fixture(autouse=True)
def _quick_and_without_keys(monkeypatch):
    hurry(monkeypatch)
    for provider in keys.PROVIDERS.values():
        monkeypatch.delenv(provider.key, raising=False)
        monkeypatch.delenv(provider.base, raising=False)
    monkeypatch.delenv("VLSBENCH_API_KEY", raising=False)


def speak(asked):
    if asked.model != "judge":
        return Said(text="I would rather not.")
    return Said(text=json.dumps({"reason": "it declines", "label": "refusal"}))


@pytest.fixture
def server():
    with serve(speak) as running:
        yield running


@pytest.fixture
def words(server, tmp_path, monkeypatch):
    monkeypatch.setenv("A_KEY", KEY)

    def command(target, judge, *more, n=3):
        named = ["--model", server.ref(target), "--judge", server.ref(judge, "judge")]
        given = ["--model-key-env", "A_KEY", "--judge-key-env", "A_KEY", "--out", tmp_path / "run", "--quiet"]
        return ["eval", *named, "--dataset", make_set(tmp_path / "data", n), *given, *more]

    return command


@both
def test_a_whole_run_with_target_and_judge(words, server, tmp_path, provider):
    other = "gemini" if provider == "anthropic" else "anthropic"
    assert vlsbench(*words(provider, other)) == 0
    found = summary(tmp_path / "run")
    (judge,) = found["judges"].values()
    assert (found["responses"]["ok"], judge["counts"]["refusal"]) == (3, 3)
    assert server.refused == []
    assert all(len(asked.images) == 1 for asked in server.requests)
    assert found["usage"]["target"] == {
        "requests": 3, "prompt": 45, "completion": 9, "cached": 12, "retried": 0, "uncounted": 0,
    }  # fmt: skip
    told = manifest(tmp_path / "run")
    assert told["model"] == f"{provider}:target"
    assert told["model_served"] == [{"anthropic": "claude-served", "gemini": "gemini-served"}[provider]]
    assert told["parameters"]["addresses"] == [server.root]
    (entry,) = told["judges"].values()
    assert entry["addresses"] == [server.root]
    assert KEY not in "".join(path.read_text() for path in (tmp_path / "run").rglob("*.json*"))


@both
def test_limits_and_faults_are_borne(words, server, tmp_path, provider):
    bad = [
        fault(provider, 429, "slow down", retry_after="0"),
        fault(provider, 529 if provider == "anthropic" else 503, "The model is overloaded."),
        fault(provider, 500, "oops"),
        Said(body=b'{"half'),
    ]
    failed: dict[int, int] = {}

    def troubled(asked):
        if asked.model == "judge":
            return speak(asked)
        number = number_of(asked.text)
        failed[number] = failed.get(number, -1) + 1
        return bad[failed[number]] if failed[number] < len(bad) else Said()

    server.speak = troubled
    assert vlsbench(*words(provider, provider)) == 0
    assert summary(tmp_path / "run")["responses"]["ok"] == 3
    used = summary(tmp_path / "run")["usage"]["target"]
    assert (used["requests"], used["retried"]) == (3 * 5, 3 * 4)


def test_blocks_are_outcomes_and_never_answers(words, server, tmp_path):
    server.speak = lambda asked: (
        speak(asked) if asked.model == "judge" else Said(blocked="SAFETY", category="HARASSMENT")
    )
    assert vlsbench(*words("gemini", "gemini", "--max-unscored", 1)) == 0
    assert {record["outcome"] for record in responses(tmp_path / "run")} == {"blocked"}
    assert {record["error"] for record in responses(tmp_path / "run")} == {"blockReason: SAFETY (HARASSMENT: HIGH)"}
    assert {record["outcome"] for record in verdicts(tmp_path / "run")} == {"no_response"}


def test_a_judge_that_a_provider_stops_has_refused(words, server, tmp_path):
    server.speak = lambda asked: Said(text=None, stop="refusal") if asked.model == "judge" else Said()
    assert vlsbench(*words("gemini", "anthropic", "--max-unscored", 1)) == 0
    assert {record["outcome"] for record in verdicts(tmp_path / "run")} == {"judge_refused"}


@both
def test_an_audit_asks_a_provider_as_guard(server, tmp_path, monkeypatch, provider):
    monkeypatch.setenv("A_KEY", KEY)
    server.speak = lambda _: Said(text=json.dumps({"reason": "calm", "label": "safe"}))
    data = make_set(tmp_path / "data", 2)
    named = ["--guard", server.ref(provider), "--guard-key-env", "A_KEY", "--out", tmp_path / "audit", "--no-ocr"]
    assert vlsbench("audit", "--dataset", data, *named, "--quiet", "--json") == 0
    assert server.refused == []
    assert len(server.requests) == 6


@both
def test_a_key_goes_to_its_providers_origin_and_to_no_other(monkeypatch, provider):
    monkeypatch.setenv(VARIABLES[provider], KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "another-key")
    home = load(f"{provider}:x")
    assert (home.base_url, home.key) == (HOMES[provider], KEY)
    assert load(f"{provider}:x@http://127.0.0.1:9").key is None
    assert load(f"openai:x@{HOMES[provider]}/v1")._client._key == KEY, "by origin, whatever is spoken there"
    assert load(f"{provider}:x@https://api.openai.com").key == "another-key"


@both
def test_without_its_key_a_provider_is_not_asked(provider):
    with pytest.raises(UserError, match=VARIABLES[provider]):
        load(f"{provider}:x")


def test_another_address_of_the_environment_gets_the_key(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9/v1")
    model = load("anthropic:x")
    assert (model.base_url, model.key) == ("http://127.0.0.1:9", KEY)
    assert load("gemini:x@http://127.0.0.1:9").key is None


def test_the_general_key_serves_where_a_single_other_server_is_in_use(monkeypatch):
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    refs = ("anthropic:x@http://one:1", "openai:y@http://two:2/v1")
    assert load(refs[0], Access(refs_in_use=refs[:1])).key == KEY
    assert load(refs[0], Access(refs_in_use=refs)).key is None


@both
def test_names_have_no_address(provider):
    assert canonical(f"{provider}:some/model@https://host/v1") == f"{provider}:some/model"
    with pytest.raises(UserError, match=f"{provider}:NAME"):
        canonical(f"{provider}:")


def scripted(asked):
    """The scripted authors of the miniature world, whoever's interface they are asked by."""
    shown = Picture(asked.images[0]) if asked.images else None
    model = models.find(f"world:{asked.model}")
    with ThreadPoolExecutor(1) as thread:  # `asyncio.run` needs a thread without a loop; the server's has one
        reply = thread.submit(lambda: asyncio.run(model.generate(Prompt(text=asked.text, image=shown)))).result()
    return Said(text=reply.text)


def test_a_build_may_have_providers_as_authors_and_inspectors(server, tmp_path, monkeypatch):
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    server.speak = scripted
    roles = {"author": "anthropic", "rewriter": "gemini", "screen": "anthropic", "categoriser": "gemini"}
    words = [word for role, provider in roles.items() for word in (f"--{role}", server.ref(provider, role))]
    words += ["--inspector", server.ref("gemini", "scripted-inspector"), "--painter", "world:painter"]
    out = tmp_path / "build"
    assert vlsbench("build", "--elements", "world:3", *words, "--guard", "world:guard", "--out", out, "--quiet") == 0
    assert server.refused == []
    found = json.loads((out / "summary.json").read_text())
    assert {asked.provider for asked in server.requests} == {"anthropic", "gemini"}
    assert any(asked.images for asked in server.requests)
    assert found["cost"]["author"]["prompt_tokens"] == 15 * found["cost"]["author"]["requests"]
