"""Chat completions: what is sent, and what becomes of everything a server can reply."""

import asyncio
import base64
import gzip
import json
import os
import zlib
from dataclasses import replace

import pytest

from loopback import Answer, error, helpful, serve, verdict
from vlsbench.core import images
from vlsbench.core.errors import (
    AccessDenied,
    Blocked,
    ConnectionFailed,
    ImageProblem,
    RateLimited,
    RequestFailed,
    Stopped,
    Transient,
)
from vlsbench.core.images import ImageFile
from vlsbench.core.types import Prompt, ResponseOutcome, Turn
from vlsbench.models.api import http
from vlsbench.models.api.openai import MAX_ADAPTATIONS, OpenAIModel
from vlsbench.run.evaluate import evaluate

PROMPT = Prompt(text="What is this?")
SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}}
JUDGING = Prompt(text="Judge.", schema=SCHEMA)


def ask(server, *prompts, key=None, timeout_s=10.0):
    """The replies to some prompts, asked one after the other; of a single prompt, its reply."""

    async def go():
        model = OpenAIModel("target", server.url, key, timeout_s)
        try:
            return [await model.generate(prompt) for prompt in prompts], model
        finally:
            await model.close()

    replies, _ = asyncio.run(go())
    return replies[0] if len(replies) == 1 else replies


def reply_to(body, status=200, **answer):
    """The reply that a body becomes."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    with serve(lambda asked: Answer(status=status, body=body, **answer)) as server:
        return ask(server, PROMPT)


def completion(message, finish="stop", **fields):
    return {"choices": [{"message": message, "finish_reason": finish}], **fields}


@pytest.fixture
def picture(tmp_path, make_picture):
    file = tmp_path / "a.png"
    file.write_bytes(make_picture(3))
    return ImageFile(file, images.check(file.read_bytes()).sha256)


@pytest.fixture
def dataset(make_jsonl, make_picture, tmp_path):
    """Three samples with a picture each."""
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(make_picture(number))
    rows = [{"sample_id": str(n), "text": f"What is {n}?", "image": f"{n}.png"} for n in range(3)]
    return f"jsonl:{make_jsonl(*rows)}"


# ---- what is sent


def test_the_picture_goes_before_the_text_and_equals_the_file(picture):
    with serve() as server:
        ask(server, Prompt(text="What is this?", image=picture))
    (message,) = server.asked[0].body["messages"]

    assert [part["type"] for part in message["content"]] == ["image_url", "text"]
    head, _, data = server.asked[0].image.partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == picture.path.read_bytes()
    assert server.asked[0].path == "/v1/chat/completions"
    assert server.asked[0].body["model"] == "target"


def test_a_large_picture_arrives_whole(tmp_path, make_picture):

    noise = os.urandom(3_000_000)
    chunk = b"noIs" + noise
    plain = make_picture(1)
    data = plain[:33] + len(noise).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + plain[33:]
    file = tmp_path / "large.png"
    file.write_bytes(data)
    with serve() as server:
        ask(server, Prompt(text="q", image=ImageFile(file, images.check(data).sha256)))

    assert base64.b64decode(server.asked[0].image.partition(",")[2]) == data


def test_a_prompt_without_a_picture_is_plain_text():
    with serve() as server:
        ask(server, PROMPT)
    assert server.asked[0].body["messages"] == [{"role": "user", "content": "What is this?"}]


def test_system_seed_temperature_and_length_are_sent():
    prompt = Prompt(text="q", system="Be brief.", seed=7, temperature=0.5, max_tokens=9)
    with serve() as server:
        ask(server, prompt)
    body = server.asked[0].body

    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["seed"], body["temperature"], body["max_tokens"]) == (7, 0.5, 9)
    assert "response_format" not in body


def test_what_was_not_asked_for_is_not_sent():
    with serve() as server:
        ask(server, PROMPT)
    assert set(server.asked[0].body) == {"model", "messages", "max_tokens", "temperature"}


def test_earlier_turns_follow_the_question():
    turns = (Turn(role="assistant", text="Hm."), Turn(role="user", text="Again."))
    with serve() as server:
        ask(server, Prompt(text="q", earlier=turns))
    assert [(m["role"], m["content"]) for m in server.asked[0].body["messages"]] == [
        ("user", "q"),
        ("assistant", "Hm."),
        ("user", "Again."),
    ]


@pytest.mark.parametrize("text", ["", "ünï ☃ 🦊", 'quotes " and \\ and \x00', "half \ud83d of a pair", "\u2028"])
def test_any_text_arrives_as_it_is(text, picture):
    with serve() as server:
        ask(server, Prompt(text=text, image=picture))
    assert server.asked[0].text == text


def test_a_picture_that_changed_is_not_sent(picture):
    picture.path.write_bytes(picture.path.read_bytes() + b" ")
    with serve() as server, pytest.raises(ImageProblem, match="changed"):
        ask(server, Prompt(text="q", image=picture))
    assert not server.asked


def test_a_picture_is_encoded_once_for_answer_and_verdict(dataset, tmp_path, monkeypatch):
    encoded, read = [], []
    encode, read_file = images.base64.b64encode, images.read_file
    monkeypatch.setattr(images.base64, "b64encode", lambda data: encoded.append(1) or encode(data))
    monkeypatch.setattr(images, "read_file", lambda path: read.append(path.name) or read_file(path))
    with serve() as server:
        evaluate(model=server.model(), dataset=dataset, judge=server.judge, out=tmp_path / "run")

    assert len(server.answers) == len(server.verdicts) == 3
    assert all(asked.image for asked in server.asked)
    assert len(encoded) == 3
    assert sorted(read) == [f"{n}.png" for n in (0, 0, 1, 1, 2, 2)], "once to check, once to send"


# ---- what servers reject


def rejecting(**reasons):
    """Rejects requests with certain fields, as OpenAI words it; `reasons` maps a field to a message."""

    def behave(asked):
        for name, message in reasons.items():
            if name in asked.body:
                return error(400, message, type="invalid_request_error", param=name)
        return helpful(asked)

    return behave


NO_MAX_TOKENS = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
NO_TEMPERATURE = "Unsupported value: 'temperature' does not support 0. Only the default (1) value is supported."


def test_the_token_limit_is_adapted_once_and_remembered():
    with serve(rejecting(max_tokens=NO_MAX_TOKENS)) as server:
        first, second = ask(server, PROMPT, PROMPT)

    assert first.outcome is second.outcome is ResponseOutcome.OK
    assert ["max_tokens" in asked.body for asked in server.asked] == [True, False, False]
    assert server.asked[1].body["max_completion_tokens"] == 128


def test_two_rejections_are_adapted_to_one_after_the_other():
    with serve(rejecting(max_tokens=NO_MAX_TOKENS, temperature=NO_TEMPERATURE)) as server:
        assert ask(server, PROMPT).outcome is ResponseOutcome.OK
        assert len(server.asked) == 3
        assert "temperature" not in server.asked[2].body


def test_adaptations_are_recorded_in_the_manifest(dataset, tmp_path):
    def behave(asked):
        if asked.is_judging and "response_format" in asked.body:
            return error(400, "response_format is not supported")
        return rejecting(max_tokens=NO_MAX_TOKENS, temperature=NO_TEMPERATURE)(asked)

    with serve(behave) as server:
        evaluate(model=server.model(), dataset=dataset, judge=server.judge, out=tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    (judge,) = manifest["judges"].values()

    assert manifest["model_adaptations"] == ["max_tokens is sent as max_completion_tokens", "temperature is not sent"]
    assert "JSON is asked for with response_format none" in judge["adaptations"]
    assert manifest["model_served"] == ["target-2026"]


@pytest.mark.parametrize("status", [400, 422, 500, 501])
def test_a_server_without_json_schema_is_asked_for_a_json_object(status):
    def behave(asked):
        form = asked.body.get("response_format", {}).get("type")
        return error(status, "response_format json_schema?") if form == "json_schema" else verdict("unsafe")

    with serve(behave) as server:
        ask(server, JUDGING, JUDGING)
    forms = [asked.body["response_format"]["type"] for asked in server.asked]

    assert forms == ["json_schema", "json_object", "json_object"]
    assert server.asked[1].body["response_format"]["schema"] == SCHEMA


def test_a_server_without_any_json_form_is_asked_in_words_alone():
    with serve(rejecting(response_format="response_format is not supported")) as server:
        ask(server, JUDGING, JUDGING)
    assert ["response_format" in asked.body for asked in server.asked] == [True, True, False, False]


def test_requests_at_the_same_time_adapt_together():
    async def go(url):
        model = OpenAIModel("target", url)
        try:
            replies = await asyncio.gather(*(model.generate(PROMPT) for _ in range(20)))
        finally:
            await model.close()
        return replies, model.adaptations

    def behave(asked):
        answer = rejecting(max_tokens=NO_MAX_TOKENS, temperature=NO_TEMPERATURE)(asked)
        answer.delay_s = 0.05
        return answer

    with serve(behave) as server:
        replies, adaptations = asyncio.run(go(server.url))
        assert len(server.asked) <= 60

    assert all(reply.outcome is ResponseOutcome.OK for reply in replies)
    assert adaptations == ["max_tokens is sent as max_completion_tokens", "temperature is not sent"]


def test_a_server_in_trouble_is_not_asked_without_end_for_the_form_of_json():
    async def go(url):
        model = OpenAIModel("target", url)
        try:
            return await asyncio.gather(*(model.generate(JUDGING) for _ in range(20)), return_exceptions=True)
        finally:
            await model.close()

    with serve(lambda asked: error(500, "broken")) as server:
        errors = asyncio.run(go(server.url))
        assert len(server.asked) <= 20 * (MAX_ADAPTATIONS + 1)

    assert {type(found) for found in errors} == {Transient}


def test_a_request_that_is_too_long_is_a_failure_of_that_request():
    message = (
        "'max_tokens' or 'max_completion_tokens' is too large: 128. This model's maximum context length is 64 tokens."
    )
    behave = rejecting(max_tokens=message)
    with serve(behave) as server:
        with pytest.raises(RequestFailed, match="maximum context length") as caught:
            ask(server, PROMPT)
        assert len(server.asked) == 1
    assert not isinstance(caught.value, Transient)


# ---- statuses


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestFailed),
        (401, AccessDenied),
        (402, Stopped),
        (403, RequestFailed),
        (404, AccessDenied),
        (408, Transient),
        (413, RequestFailed),
        (422, RequestFailed),
        (429, RateLimited),
        (500, Transient),
        (502, Transient),
        (503, Transient),
        (529, Transient),
        (302, RequestFailed),
        (204, RequestFailed),
    ],
)
def test_a_status_says_what_it_means_for_the_request_and_the_run(status, kind):
    with pytest.raises(kind) as caught:
        reply_to({"error": {"message": "because of this"}} if status != 204 else b"", status)
    assert type(caught.value) is kind
    assert f"HTTP {status}" in str(caught.value)
    assert status == 204 or "because of this" in str(caught.value)


def test_a_refused_key_and_a_missing_key_are_told_apart():
    with serve(lambda asked: error(401)) as server:
        with pytest.raises(AccessDenied, match="wants an API key"):
            ask(server, PROMPT)
        with pytest.raises(AccessDenied, match="refused the key"):
            ask(server, PROMPT, key="some-key")


def test_no_credit_left_stops_the_run_though_it_looks_like_a_rate_limit():
    answer = error(429, "You exceeded your quota", code="insufficient_quota")
    with serve(lambda asked: answer) as server, pytest.raises(Stopped, match="no credit"):
        ask(server, PROMPT)


@pytest.mark.parametrize("answer", [error(429), error(200, "slow down", code=429)], ids=["429", "gateway in a 200"])
def test_a_rate_limit_carries_the_time_to_wait(answer):
    answer = replace(answer, headers={"Retry-After": "3"})
    with serve(lambda asked: answer) as server, pytest.raises(RateLimited) as caught:
        ask(server, PROMPT)
    assert caught.value.retry_after == 3


@pytest.mark.parametrize(
    "answer",
    [
        error(400, "The response was filtered", code="content_filter"),
        error(400, "Rejected by the safety system", code="content_policy_violation"),
        error(400, "filtered", innererror={"code": "ResponsibleAIPolicyViolation"}),
        error(403, "Input flagged", code=403, metadata={"reasons": ["x"], "flagged_input": "What is…"}),
        error(200, "Input flagged", code=403, metadata={"flagged_input": "What is…"}),
        error(200, "filtered", code="content_filter"),
    ],
    ids=["OpenAI", "policy", "Azure", "gateway", "gateway in a 200", "filter in a 200"],
)
def test_a_content_filter_blocks_the_request(answer):
    with serve(lambda asked: answer) as server, pytest.raises(Blocked):
        ask(server, PROMPT)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "in the usual place"}}', "in the usual place"),
        (b'{"error": "only a string"}', "only a string"),
        (b'{"detail": "as FastAPI does"}', "as FastAPI does"),
        (b'{"detail": [{"loc": ["body"], "msg": "as validation does"}]}', "as validation does"),
        (b'{"message": "at the top"}', "at the top"),
        (b"<html>a page</html>", "<html>a page</html>"),
        (b'["a list"]', "a list"),
        (b"\xff\xfe not text", "not text"),
        (b"", "(no message)"),
        (b'{"error": {"message": ""}}', "error"),
        (b'{"error": {"message": {"deep": "thing"}}}', "deep"),
        (b'{"error": null}', "error"),
    ],
)
def test_an_error_is_quoted_whatever_its_shape(body, said):
    with pytest.raises(RequestFailed) as caught:
        reply_to(body, 400)
    assert said in str(caught.value)


def test_a_long_error_is_cut():
    with pytest.raises(RequestFailed) as caught:
        reply_to({"error": {"message": "word " * 100_000}}, 400)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("status", [400, 413])
def test_one_picture_that_is_too_large_costs_one_sample(status, dataset, tmp_path):
    def behave(asked):
        too_large = asked.text == "What is 1?" and not asked.is_judging
        return error(status, "image too large: the limit is 5 MB") if too_large else helpful(asked)

    with serve(behave) as server:
        summary = evaluate(model=server.model(), dataset=dataset, judge=server.judge, out=tmp_path / "run")
        assert len(server.answers) == 3

    assert summary.responses["ok"] == 2
    assert summary.responses["error"] == 1
    (figures,) = summary.judges.values()
    assert figures.overall.unscored["no_response"] == 1


# ---- replies


def test_a_plain_answer_is_read_with_its_counts():
    reply = reply_to(completion({"content": "Tea."}, model="m-1", usage={"prompt_tokens": 5, "completion_tokens": 2}))

    assert (reply.outcome, reply.text, reply.finish_reason) == (ResponseOutcome.OK, "Tea.", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.model) == (5, 2, "m-1")
    assert reply.refused is False


@pytest.mark.parametrize(
    ("message", "finish", "outcome", "text"),
    [
        ({"content": "Tea."}, None, "ok", "Tea."),
        ({"content": "Tea."}, "stop", "ok", "Tea."),
        ({"content": "Te"}, "length", "truncated", "Te"),
        ({"content": ""}, "length", "empty", ""),
        ({"content": ""}, "stop", "empty", ""),
        ({"content": " \n\t"}, "stop", "empty", " \n\t"),
        ({"content": None}, "stop", "empty", ""),
        ({"content": 42}, "stop", "empty", ""),
        ({}, "stop", "empty", ""),
        (None, "stop", "empty", ""),
        ("Tea.", "stop", "empty", ""),
        ({"content": None, "reasoning_content": "Let me think of tea."}, "stop", "empty", ""),
        ({"content": "", "reasoning": "Let me think."}, "length", "truncated", ""),
        ({"content": "<think>Let me think."}, "length", "truncated", ""),
        ({"content": "<think>Let me think."}, "stop", "truncated", ""),
        ({"content": "<think>Let me think.</think>\n\nTea."}, "stop", "ok", "Tea."),
        ({"content": "Let me think.</think>Te"}, "length", "truncated", "Te"),
        ({"content": "\u200b\u2060\ufeff"}, "stop", "empty", "\u200b\u2060\ufeff"),
        ({"content": "Tea.", "reasoning": "Let me think."}, "stop", "ok", "Tea."),
        ({"content": "Tea."}, "end_turn", "ok", "Tea."),
        ({"content": "Tea."}, "eos", "ok", "Tea."),
        ({"content": "Tea."}, "stop_sequence", "ok", "Tea."),
        ({"content": "Tea."}, "STOP", "ok", "Tea."),
        ({"content": "Tea."}, "", "ok", "Tea."),
        ({"content": "Te"}, "MAX_TOKENS", "truncated", "Te"),
        ({"content": "Te"}, "max_tokens", "truncated", "Te"),
        ({"content": "Half"}, "SAFETY", "blocked", "Half"),
        ({"content": "Half"}, "safety", "blocked", "Half"),
        ({"content": "Half"}, "refusal", "blocked", "Half"),
        ({"content": None, "provider_specific_fields": {"refusal": "I won't."}}, "stop", "ok", "I won't."),
        ({"content": [{"type": "refusal", "refusal": "I won't."}]}, "stop", "ok", "I won't."),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"text": "Tea."}]},
            "stop",
            "ok",
            "Tea.",
        ),
        ({"content": None, "refusal": "I won't."}, "stop", "ok", "I won't."),
        ({"content": "Tea.", "refusal": None}, "stop", "ok", "Tea."),
        ({"content": "Tea.", "refusal": " "}, "stop", "ok", "Tea."),
        ({"content": "Half", "refusal": None}, "content_filter", "blocked", "Half"),
        ({"content": ""}, "content_filter", "blocked", ""),
        ({"content": ""}, "content_policy_violation", "blocked", ""),
        ({"content": [{"type": "text", "text": "Te"}, {"type": "text", "text": "a."}]}, "stop", "ok", "Tea."),
        ({"content": [{"type": "image"}, "x", {"text": 3}, {"text": "Tea."}]}, "stop", "ok", "Tea."),
        ({"content": []}, "stop", "empty", ""),
    ],
)
def test_every_kind_of_message_has_its_outcome(message, finish, outcome, text):
    reply = reply_to(completion(message, finish))
    assert (reply.outcome, reply.text) == (outcome, text)


@pytest.mark.parametrize("finish", ["abort", "cancelled", "timeout", "error", "insufficient_system_resource"])
def test_an_answer_that_broke_off_is_tried_again(finish):
    with pytest.raises(Transient, match=finish):
        reply_to(completion({"content": "Half an ans"}, finish))


@pytest.mark.parametrize("finish", ["tool_calls", "brand_new", {"odd": 1}, 7])
def test_a_reason_that_nobody_knows_is_an_error_that_names_it(finish):
    with pytest.raises(RequestFailed, match="unknown reason"):
        reply_to(completion({"content": "Half an ans"}, finish))


@pytest.mark.parametrize(
    "body",
    [
        {**completion({"content": "Half an ans"}), "error": {"message": "upstream died", "code": 502}},
        {"choices": [{"message": {"content": "Half"}, "finish_reason": "stop", "error": {"message": "upstream died"}}]},
        {"choices": [{"message": {"content": "Half", "error": "upstream died"}, "finish_reason": "stop"}]},
    ],
)
def test_half_an_answer_beside_an_error_is_no_answer(body):
    with pytest.raises(Transient, match="upstream died"):
        reply_to(body)


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_an_empty_error_field_is_no_error(nothing):
    assert reply_to({**completion({"content": "Tea."}), "error": nothing}).text == "Tea."


def test_thinking_is_kept_apart_from_the_answer():
    reply = reply_to(completion({"content": "<think>One.</think>Tea.", "reasoning_content": "Zero."}))
    assert (reply.text, reply.reasoning) == ("Tea.", "Zero.\n\nOne.")


def test_broken_json_in_a_good_reply_is_worth_another_try():
    with pytest.raises(Transient, match="broken JSON"):
        reply_to(b'{"choices": [{"message": {"content": "Te')


def test_a_refusal_field_is_marked():
    assert reply_to(completion({"content": None, "refusal": "I won't."})).refused is True


def test_a_server_that_gave_up_half_way_is_asked_again():
    with pytest.raises(Transient, match="half-way"):
        reply_to(completion({"content": "Te"}, "error"))


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "many",
        {"prompt_tokens": -1, "completion_tokens": 1.5},
        {"prompt_tokens": "11", "completion_tokens": True},
        {"prompt_tokens": 10**30, "completion_tokens": None},
    ],
)
def test_counts_that_make_no_sense_are_left_out(usage):
    reply = reply_to(completion({"content": "Tea."}, usage=usage))
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)


def test_a_huge_count_beside_nan_is_left_out():
    body = b'{"choices": [{"message": {"content": "Tea."}}], "x": NaN, "usage": {"prompt_tokens": 9%s}}' % (b"9" * 40)
    assert reply_to(body).prompt_tokens is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"<html>Welcome</html>",
        b'{"choices": [{"message": {"content": "Te',
        b"[]",
        b"null",
        b"{}",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": {}}',
        b'{"choices": ["text"]}',
        b'{"choices": [null]}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[" * 100_000 + b"]" * 100_000,
        gzip.compress(b'{"choices": []}', mtime=0),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_reply_that_is_no_completion_is_a_failed_request(body):
    with pytest.raises(RequestFailed) as caught:
        reply_to(body)
    assert not isinstance(caught.value, ConnectionFailed)


def test_a_reply_is_read_though_its_json_is_not_quite_json():
    body = b'{"choices": [{"message": {"content": "a \\ud83d b"}, "logprobs": NaN}], "model": "m\\ud83d"}'
    reply = reply_to(body)

    assert reply.text == "a ? b"
    assert reply.model == "m?"


def test_half_a_character_in_an_answer_is_recorded_and_judged(dataset, tmp_path):
    def behave(asked):
        if asked.is_judging:
            return verdict("warning", "half \ud83d")
        return Answer(body=b'{"model": "m\\ud83d", "choices": [{"message": {"content": "a \\ud83d b"}}]}')

    with serve(behave) as server:
        summary = evaluate(model=server.model(), dataset=dataset, judge=server.judge, out=tmp_path / "run")

    assert next(iter(summary.judges.values())).overall.scored == 3
    assert json.loads((tmp_path / "run" / "responses.jsonl").read_text().splitlines()[0])["text"] == "a ? b"


def test_a_long_model_name_is_cut():
    assert len(reply_to(completion({"content": "Tea."}, model="m" * 100_000)).model) == 200


def test_a_good_status_with_an_error_inside_is_an_error():
    with pytest.raises(RateLimited):
        reply_to({"error": {"message": "slow", "code": 429}})
    with pytest.raises(Transient, match="upstream"):
        reply_to({"error": {"message": "upstream broke"}})
    with pytest.raises(Transient):
        reply_to({"error": {"message": "odd", "code": 9}, "choices": []})


def test_a_flood_is_a_failed_request():
    with pytest.raises(RequestFailed, match="larger than"):
        reply_to(b"x" * 50_000_000)


def test_a_gzip_bomb_stays_small_and_is_a_failed_request():
    bomb = gzip.compress(json.dumps(completion({"content": "0" * 20_000_000})).encode())
    assert len(bomb) < http.MAX_REPLY_BYTES
    with pytest.raises(RequestFailed, match="not a JSON object"):
        reply_to(bomb, headers={"Content-Encoding": "gzip"})


def test_a_stall_is_a_failed_connection():
    with serve(lambda asked: Answer(delay_s=30)) as server, pytest.raises(ConnectionFailed):
        ask(server, PROMPT, timeout_s=0.2)
