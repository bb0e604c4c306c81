"""Anthropic's and Gemini's own interfaces: what is sent, and what becomes of everything they can reply."""

from __future__ import annotations

import asyncio
import json

import pytest

from builders import tiny_png
from providers import KEY, Said, fault, serve
from vlsbench.core import images
from vlsbench.core.errors import AccessDenied, Blocked, RateLimited, RequestFailed, Stopped, Transient, VLSBenchError
from vlsbench.core.images import ImageFile
from vlsbench.core.pictures import together
from vlsbench.core.types import Prompt, ResponseOutcome, Turn
from vlsbench.models.providers.anthropic import AnthropicWire
from vlsbench.models.providers.gemini import GeminiWire
from vlsbench.models.providers.model import NativeModel

PROVIDERS = ("anthropic", "gemini")
WIRES = {"anthropic": AnthropicWire, "gemini": GeminiWire}
SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}
PROMPT = Prompt(text="What is this?", max_tokens=64)

both = pytest.mark.parametrize("provider", PROVIDERS)


def image_file(folder, number):
    file = folder / f"{number}.png"
    file.write_bytes(tiny_png(number))
    return ImageFile(file, images.check(file.read_bytes()).sha256)


def ask(server, provider, *prompts, key=KEY):
    """The replies to some prompts, asked one after the other, and the model that gave them."""

    async def go():
        model = NativeModel(WIRES[provider](), "target", server.root, key, 10.0)
        try:
            return [await model.generate(prompt) for prompt in prompts], model
        finally:
            await model.close()

    return asyncio.run(go())


def reply_to(provider, said, prompt=PROMPT):
    with serve(lambda _: said) as server:
        (reply,), _ = ask(server, provider, prompt)
    assert server.refused == []
    return reply


def failure_of(provider, said):
    with serve(lambda _: said) as server, pytest.raises(VLSBenchError) as raised:
        ask(server, provider, PROMPT)
    assert KEY not in str(raised.value)
    return raised.value


@both
def test_an_answer_with_its_tokens_and_the_name_that_the_server_gives_itself(provider):
    reply = reply_to(provider, Said(text="Flour and eggs."))
    assert (reply.outcome, reply.text) == (ResponseOutcome.OK, "Flour and eggs.")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) == (15, 3, 4)
    assert reply.model == {"anthropic": "claude-served", "gemini": "gemini-served"}[provider]
    assert not reply.refused


@both
def test_everything_that_a_prompt_holds_is_sent_as_the_provider_wants_it(provider, tmp_path):
    pictures = [image_file(tmp_path, number) for number in range(2)]
    earlier = (Turn(role="assistant", text="Hm."), Turn(role="user", text="Again."))
    prompt = Prompt(
        text="Which?", image=together(pictures), system="Be brief.", max_tokens=77, schema=SCHEMA, earlier=earlier
    )
    with serve() as server:
        ask(server, provider, prompt)
    (asked,) = server.requests
    assert asked.images == [picture.read() for picture in pictures]
    assert asked.text == "Which?"
    sent = asked.fields
    if provider == "anthropic":
        assert sent["system"] == "Be brief."
        assert (sent["max_tokens"], sent["temperature"]) == (77, 0.0)
        assert sent["output_config"]["format"]["schema"] == SCHEMA
        assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    else:
        assert sent["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        config = sent["generationConfig"]
        assert (config["maxOutputTokens"], config["temperature"]) == (77, 0.0)
        assert config["responseJsonSchema"] == SCHEMA
        assert [content["role"] for content in sent["contents"]] == ["user", "model", "user"]


@both
def test_a_picture_without_a_query_has_no_empty_text(provider, tmp_path):
    with serve() as server:
        ask(server, provider, Prompt(text="", image=image_file(tmp_path, 0)))
    assert server.refused == []
    assert len(server.requests[0].images) == 1


@both
def test_half_a_surrogate_pair_reaches_the_server_whatever_it_makes_of_it(provider):
    with serve() as server, pytest.raises(RequestFailed, match="surrogate"):
        ask(server, provider, Prompt(text="A \udc00 B"))
    assert len(server.refused) == 1


@both
def test_half_a_surrogate_pair_in_an_answer_is_no_part_of_what_is_sent_on(provider):
    reply = reply_to(provider, Said(text="A \ud800 B", thinking="\udfff Hm."))
    assert (reply.text, reply.reasoning) == ("A ? B", "? Hm.")


@both
def test_thinking_is_kept_apart(provider):
    reply = reply_to(provider, Said(text="Yes.", thinking="Let me see."))
    assert (reply.text, reply.reasoning) == ("Yes.", "Let me see.")


@pytest.mark.parametrize(("provider", "stop"), [("anthropic", "max_tokens"), ("gemini", "MAX_TOKENS")])
def test_an_answer_that_is_cut_off_is_told_from_thinking_that_is(provider, stop):
    assert reply_to(provider, Said(text="Flour and", stop=stop)).outcome is ResponseOutcome.TRUNCATED
    only = reply_to(provider, Said(text=None, thinking="Let me", stop=stop))
    assert (only.outcome, only.text) == (ResponseOutcome.TRUNCATED, "")
    assert "--max-tokens" in only.error
    assert reply_to(provider, Said(text=None)).outcome is ResponseOutcome.EMPTY


def test_thinking_that_nobody_may_see_is_known_by_its_tokens():
    usage = {"promptTokenCount": 9, "thoughtsTokenCount": 64, "totalTokenCount": 73}
    reply = reply_to("gemini", Said(text=None, stop="MAX_TOKENS", usage=usage))
    assert reply.outcome is ResponseOutcome.TRUNCATED
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) == (9, 64, None)


def test_a_number_that_proto_leaves_out_because_it_is_0_is_told_by_the_total():
    reply = reply_to("gemini", Said(text=None, blocked="SAFETY", usage={"promptTokenCount": 9, "totalTokenCount": 9}))
    assert (reply.prompt_tokens, reply.completion_tokens) == (9, 0)


@both
def test_tokens_that_are_not_told_are_unknown(provider):
    reply = reply_to(provider, Said(usage={}))
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) == (None, None, None)


def test_anthropic_refusals_with_words_are_answers_and_those_without_are_blocks():
    worded = reply_to("anthropic", Said(text="I will not.", stop="refusal", category="bio"))
    assert (worded.outcome, worded.refused, worded.finish_reason) == (ResponseOutcome.OK, True, "refusal")
    silent = reply_to("anthropic", Said(text=None, stop="refusal", category="bio"))
    assert (silent.outcome, silent.refused) == (ResponseOutcome.BLOCKED, True)
    assert silent.error == "stop_reason: refusal (category: bio)"


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "OTHER", "IMAGE_SAFETY", "JAILBREAK"])
def test_gemini_says_why_it_blocked_a_request(reason):
    reply = reply_to("gemini", Said(blocked=reason, category="DANGEROUS_CONTENT"))
    assert reply.outcome is ResponseOutcome.BLOCKED
    assert reply.error == f"blockReason: {reason} (DANGEROUS_CONTENT: HIGH)"
    assert reply.prompt_tokens == 15


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "IMAGE_SAFETY"])
def test_gemini_says_why_it_stopped_an_answer(reason):
    reply = reply_to("gemini", Said(text="Half of", stop=reason, category="HARASSMENT"))
    assert reply.outcome is ResponseOutcome.BLOCKED
    assert reply.error == f"finishReason: {reason} (HARASSMENT: HIGH)"


@both
@pytest.mark.parametrize("stop", ["OTHER", "MALFORMED_FUNCTION_CALL", "pause_turn", "SOMETHING_NEW"])
def test_an_end_that_nobody_knows_is_no_answer(provider, stop):
    assert "unknown reason" in str(failure_of(provider, Said(stop=stop)))


SPENT = b'{"error": {"message": "no", "details": {"error_code": "enforced_spend_limit_reached"}}}'

FAILURES = [
    ("anthropic", fault("anthropic", 401, "invalid x-api-key"), AccessDenied, "refused the key"),
    ("anthropic", fault("anthropic", 403, "not allowed"), AccessDenied, "may not use this model"),
    ("anthropic", fault("anthropic", 404, "model: nope"), AccessDenied, "does not know the model"),
    ("anthropic", fault("anthropic", 413, "too large"), RequestFailed, "too large"),
    ("anthropic", fault("anthropic", 400, "Your credit balance is too low"), Stopped, "no credit"),
    ("anthropic", Said(status=429, body=SPENT), Stopped, "spending limit is reached"),
    ("anthropic", fault("anthropic", 400, "Output blocked by content filtering policy"), Blocked, "content filtering"),
    ("anthropic", fault("anthropic", 429, "slow down", retry_after="7"), RateLimited, "slow down"),
    ("anthropic", fault("anthropic", 529, "Overloaded"), RateLimited, "Overloaded"),
    ("anthropic", fault("anthropic", 500, "oops"), Transient, "oops"),
    ("gemini", fault("gemini", 400, "API key not valid. Please pass a valid API key."), AccessDenied, "not valid"),
    ("gemini", fault("gemini", 403, "denied"), AccessDenied, "denied"),
    ("gemini", fault("gemini", 404, "models/nope is not found"), AccessDenied, "does not know the model"),
    ("gemini", fault("gemini", 429, "quota"), RateLimited, "quota"),
    ("gemini", fault("gemini", 503, "The model is overloaded."), RateLimited, "overloaded"),
    ("gemini", fault("gemini", 500, "oops"), Transient, "oops"),
    ("gemini", fault("gemini", 400, "Unable to process input image"), RequestFailed, "input image"),
    ("anthropic", Said(body=b'{"type": "mess'), Transient, "broken JSON"),
    ("anthropic", Said(body=b'{"status": "ok"}'), RequestFailed, "holds no content"),
    ("gemini", Said(body=b"<html>"), RequestFailed, "not a JSON object"),
    ("gemini", Said(body=b"{}"), RequestFailed, "neither a candidate"),
    ("anthropic", Said(body=b'{"error": {"type": "api_error", "message": "half-way"}}'), Transient, "half-way"),
]


@pytest.mark.parametrize(("provider", "said", "kind", "words"), FAILURES)
def test_failures_are_told_by_their_kind(provider, said, kind, words):
    found = failure_of(provider, said)
    assert type(found) is kind
    assert words in str(found)


def test_how_long_to_wait_is_read_from_the_header_or_from_the_body():
    assert failure_of("anthropic", fault("anthropic", 429, retry_after="7")).retry_after == 7.0
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]
    assert failure_of("gemini", fault("gemini", 429, details=details)).retry_after == 34.5
    odd = [{"retryDelay": "soon"}, {"retryDelay": 3}, "x"]
    assert failure_of("gemini", fault("gemini", 429, details=odd)).retry_after is None


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'{"content": 3, "candidates": {}}', b'{"candidates": [7]}', b"{" * 9]
)
@both
def test_a_reply_of_any_shape_is_a_failure_or_empty_and_never_an_answer(provider, body):
    with serve(lambda _: Said(body=body)) as server:
        try:
            (reply,), _ = ask(server, provider, PROMPT)
        except RequestFailed:
            return
    assert reply.outcome is ResponseOutcome.EMPTY


REJECTIONS = [
    ("anthropic", "`temperature` is deprecated for this model.", "temperature"),
    ("anthropic", "output_config.format: structured outputs are not supported", "schema"),
    ("gemini", "Thinking is not enabled for this model", "thinking"),
    ("gemini", "Json mode is not enabled for this model", "schema"),
    ("gemini", "temperature is not supported by this model", "temperature"),
    ("gemini", "seed is not supported by this model", "seed"),
]


@pytest.mark.parametrize(("provider", "message", "name"), REJECTIONS)
def test_a_parameter_that_a_model_does_not_take_is_left_out_from_then_on_and_told(provider, message, name):
    fields = {
        ("anthropic", "temperature"): b'"temperature"',
        ("anthropic", "schema"): b'"output_config"',
        ("gemini", "thinking"): b'"thinkingConfig"',
        ("gemini", "schema"): b'"responseJsonSchema"',
        ("gemini", "temperature"): b'"temperature"',
        ("gemini", "seed"): b'"seed"',
    }
    taken = fields[provider, name].decode()

    def speak(asked):
        return fault(provider, 400, message) if taken in json.dumps(asked.fields) else Said()

    prompt = Prompt(text="Judge.", schema=SCHEMA, seed=None if provider == "anthropic" else 3)
    with serve(speak) as server:
        replies, model = ask(server, provider, prompt, prompt)
    assert [reply.outcome for reply in replies] == [ResponseOutcome.OK] * 2
    assert len(server.requests) == 3, "once to learn, then no more"
    assert model.adaptations == [f"{name} is not sent"]


def test_an_interface_without_a_seed_says_so():
    with serve() as server:
        _, model = ask(server, "anthropic", Prompt(text="Hm.", seed=3))
    assert model.adaptations == ["seed is not sent: this interface has none"]


def test_a_temperature_out_of_range_is_no_reason_to_leave_it_out():
    with serve() as server, pytest.raises(RequestFailed):
        ask(server, "anthropic", Prompt(text="Hm.", temperature=1.5))
    assert len(server.refused) == 1


@both
def test_the_key_goes_along_in_a_header_and_nowhere_else(provider):
    with serve() as server:
        _, model = ask(server, provider, PROMPT)
    (asked,) = server.requests
    assert KEY not in json.dumps(asked.fields)
    assert model.name == f"{provider}:target"
    assert model.addresses == [server.root]


@both
def test_without_a_key_the_server_says_what_is_wrong(provider):
    with serve() as server, pytest.raises(AccessDenied):
        ask(server, provider, PROMPT, key=None)


@both
def test_a_redirect_to_another_server_carries_no_key(provider):
    with (
        serve() as other,
        serve(lambda _: Said(status=307, body=b"", headers={"Location": other.root + path})) as server,
    ):
        path = WIRES[provider]().path("target")
        with pytest.raises(AccessDenied):
            ask(server, provider, PROMPT)
    assert other.requests == []


@both
def test_a_key_that_a_server_repeats_is_blotted_out(provider):
    reply = reply_to(provider, Said(text=f"Your key is {KEY}.", thinking=KEY))
    assert KEY not in reply.text + reply.reasoning
