"""What one server understands, learned from what it rejects, once."""

import json

import pytest

from vlsbench.core.types import Prompt
from vlsbench.models.api.dialect import Dialect
from vlsbench.models.api.failures import ErrorDetail

SCHEMA = {"type": "object"}
PLAIN = Prompt(text="q", seed=1)
JUDGING = Prompt(text="q", schema=SCHEMA)


def detail(message, **fields):
    body = {"error": {"message": message, "type": "invalid_request_error", **fields}}
    return ErrorDetail(json.dumps(body).encode(), str)


def rejected(dialect, message, prompt=PLAIN, status=400, **fields):
    return dialect.adapt(status, detail(message, **fields), prompt, dialect.snapshot())


def test_at_first_everything_is_asked_for():
    assert Dialect().parameters(Prompt(text="q", max_tokens=5, temperature=0.5, seed=3, schema=SCHEMA)) == {
        "max_tokens": 5,
        "temperature": 0.5,
        "seed": 3,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
        },
    }


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
            "max_tokens",
        ),
        ("max_tokens is deprecated, please use max_completion_tokens", None),
    ],
)
def test_the_token_limit_is_renamed_once(message, param):
    dialect = Dialect()

    assert rejected(dialect, message, param=param)
    assert "max_completion_tokens" in dialect.parameters(PLAIN)
    assert "max_tokens" not in dialect.parameters(PLAIN)
    assert not rejected(dialect, message, param=param)
    assert dialect.adaptations == ["max_tokens is sent as max_completion_tokens"]


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4872 in the messages, "
        "128 in max_tokens). Please reduce max_tokens or max_completion_tokens instead.",
        "'max_tokens' or 'max_completion_tokens' is too large: 9000. The maximum context length is 4096.",
        "max_tokens is too large: 9000. This model supports at most 4096 completion tokens.",
        "Invalid value for max_tokens: must be at least 16 (max_completion_tokens)",
    ],
)
@pytest.mark.parametrize("param", ["max_tokens", None])
def test_a_request_that_does_not_fit_teaches_nothing(message, param):
    dialect = Dialect()
    assert not rejected(dialect, message, param=param)
    assert dialect.parameters(PLAIN) == Dialect().parameters(PLAIN)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "temperature",
            "Unsupported value: 'temperature' does not support 0. Only the default (1) value is supported.",
        ),
        ("temperature", "invalid temperature: only 1 is allowed for this model"),
        ("temperature", "`temperature` may only be set to 1 when thinking is enabled"),
        ("temperature", "`temperature` is deprecated for this model."),
        ("seed", "Unrecognized request argument supplied: seed"),
        ("seed", "Extra inputs are not permitted: seed"),
        ("seed", "generate() got an unexpected keyword argument 'seed'"),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_fixed_parameter_is_left_out_from_then_on(name, message, status):
    dialect = Dialect()

    assert rejected(dialect, message, status=status)
    assert name not in dialect.parameters(PLAIN)
    assert len(dialect.parameters(PLAIN)) == 2
    assert not rejected(dialect, message, status=status)
    assert dialect.adaptations == [f"{name} is not sent"]


def test_a_value_out_of_range_is_the_users_to_change():
    dialect = Dialect()
    assert not rejected(dialect, "Invalid value for 'temperature': must be at most 2.", param="temperature")
    assert not dialect.adaptations


def test_a_message_that_echoes_the_request_does_not_count_where_the_server_names_a_parameter():
    dialect = Dialect()
    message = "This content is not allowed: 'Which temperature and which seed does a bread need?'"
    assert not rejected(dialect, message, param="messages")
    assert not dialect.adaptations


def test_a_seed_that_was_not_sent_is_not_dropped():
    dialect = Dialect()
    assert not rejected(dialect, "Unknown parameter: 'seed'.", prompt=Prompt(text="q"))


@pytest.mark.parametrize("status", [401, 403, 404, 408, 413, 429, 502, 503])
def test_other_statuses_teach_nothing(status):
    dialect = Dialect()
    assert not rejected(dialect, "Unsupported parameter: temperature, response_format", JUDGING, status)


def test_ways_to_ask_for_json_go_from_strict_to_none():
    dialect = Dialect()

    assert rejected(dialect, "response_format json_schema is not supported", JUDGING)
    assert dialect.parameters(JUDGING)["response_format"] == {"type": "json_object", "schema": SCHEMA}
    assert rejected(dialect, "response_format is not supported", JUDGING, 422)
    assert "response_format" not in dialect.parameters(JUDGING)
    assert dialect.adaptations == [
        "JSON is asked for with response_format json_object",
        "JSON is asked for with response_format none",
    ]


def test_a_server_error_puts_an_unproven_form_in_doubt():
    dialect = Dialect()
    assert rejected(dialect, "something broke", JUDGING, 500)
    assert dialect.schema_form == "json_object"


def test_a_server_error_after_a_success_is_only_a_server_error():
    dialect = Dialect()
    dialect.proven(JUDGING)
    assert not rejected(dialect, "something broke", JUDGING, 500)
    assert not rejected(dialect, "bad response_format", JUDGING)


def test_a_success_without_a_schema_proves_no_form():
    dialect = Dialect()
    dialect.proven(PLAIN)
    assert rejected(dialect, "something broke", JUDGING, 500)


def test_a_server_that_fails_in_every_form_is_in_trouble_and_nothing_is_learned():
    dialect = Dialect()

    assert [rejected(dialect, "broken", JUDGING, 500) for _ in range(3)] == [True, True, False]
    assert dialect.schema_form == "json_schema"
    assert dialect.adaptations == []


def test_a_bad_request_about_something_else_leaves_the_form_alone():
    dialect = Dialect()
    rejected(dialect, "response_format is not supported", JUDGING)
    rejected(dialect, "response_format is not supported", JUDGING)

    assert not rejected(dialect, "the image is larger than 5 MB", JUDGING)
    assert dialect.schema_form == "none"
    assert len(dialect.adaptations) == 2


def test_a_request_sent_before_the_server_was_understood_is_sent_again():
    dialect = Dialect()
    tried = dialect.snapshot()
    rejected(dialect, "Unknown parameter: 'seed'.")

    assert dialect.adapt(400, detail("Unknown parameter: 'seed'."), PLAIN, tried)
    assert dialect.adaptations == ["seed is not sent"]


def test_a_request_without_a_schema_never_changes_the_form():
    dialect = Dialect()
    assert not rejected(dialect, "response_format is not supported", PLAIN)
    assert not rejected(dialect, "broken", PLAIN, 500)
