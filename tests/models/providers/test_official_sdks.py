"""The providers' own SDKs against the server that our models are tested with: it speaks as the providers do."""

from __future__ import annotations

import pytest

from builders import tiny_png
from providers import KEY, Said, fault, serve

PNG = tiny_png(3)


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def claude(server):
    anthropic = pytest.importorskip("anthropic")
    with anthropic.Anthropic(base_url=server.root, api_key=KEY, max_retries=0) as client:

        def create(**more):
            import base64

            source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
            content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
            messages = [{"role": "user", "content": content}]
            return client.messages.create(model="claude", max_tokens=64, messages=messages, **more)

        yield create


@pytest.fixture
def gemini(server):
    genai = pytest.importorskip("google.genai")
    client = genai.Client(api_key=KEY, http_options=genai.types.HttpOptions(base_url=server.root))

    def generate(**more):
        part = genai.types.Part.from_bytes(data=PNG, mime_type="image/png")
        config = genai.types.GenerateContentConfig(max_output_tokens=64, temperature=0, **more)
        return client.models.generate_content(model="gemini", contents=[part, "What is this?"], config=config)

    yield generate
    client.close()


@pytest.fixture
def chat(server):
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key=KEY, max_retries=0) as client:

        def create(**more):
            import base64

            url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
            content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is this?"}]
            messages = [{"role": "user", "content": content}]
            return client.chat.completions.create(model="gpt", max_tokens=64, messages=messages, **more)

        yield create


def test_anthropics_sdk_is_understood_and_understands(server, claude):
    server.speak = lambda _: Said(text="Eggs.", thinking="Hm.", stop="refusal", category="bio")
    found = claude(system="Be brief.")
    assert [block.type for block in found.content] == ["thinking", "text"]
    assert (found.content[1].text, found.stop_reason, found.stop_details.category) == ("Eggs.", "refusal", "bio")
    assert (found.usage.input_tokens, found.usage.cache_read_input_tokens, found.usage.output_tokens) == (11, 4, 3)
    (asked,) = server.requests
    assert (asked.provider, asked.model, asked.text, asked.images) == ("anthropic", "claude", "What is this?", [PNG])
    assert server.refused == []


def test_anthropics_sdk_names_the_faults(server, claude):
    import anthropic

    for status, kind in (
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (529, anthropic.APIStatusError),
    ):
        server.speak = lambda _, status=status: fault("anthropic", status, "said so", retry_after="7")
        with pytest.raises(kind) as raised:
            claude()
        assert "said so" in str(raised.value)
        assert raised.value.response.headers["retry-after"] == "7"


def test_anthropics_schema_is_where_the_sdk_puts_it(server, claude):
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    claude(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert server.requests[0].fields["output_config"]["format"]["schema"] == schema


def test_googles_sdk_is_understood_and_understands(server, gemini):
    server.speak = lambda _: Said(text="Eggs.", thinking="Hm.", stop="MAX_TOKENS", category="HARASSMENT")
    schema = {"type": "object", "properties": {"label": {"type": "string"}}}
    found = gemini(
        system_instruction="Be brief.",
        seed=7,
        response_mime_type="application/json",
        response_json_schema=schema,
        thinking_config={"include_thoughts": True},
    )
    candidate = found.candidates[0]
    assert [(part.text, part.thought) for part in candidate.content.parts] == [("Hm.", True), ("Eggs.", None)]
    assert (candidate.finish_reason.name, candidate.safety_ratings[0].probability.name) == ("MAX_TOKENS", "HIGH")
    assert (found.usage_metadata.prompt_token_count, found.usage_metadata.cached_content_token_count) == (15, 4)
    assert found.model_version == "gemini-served"
    (asked,) = server.requests
    assert (asked.provider, asked.model, asked.text, asked.images) == ("gemini", "gemini", "What is this?", [PNG])
    assert asked.fields["generationConfig"]["responseJsonSchema"] == schema
    assert server.refused == []


def test_googles_sdk_reads_a_block_and_names_the_faults(server, gemini):
    from google.genai import errors

    server.speak = lambda _: Said(blocked="PROHIBITED_CONTENT")
    assert gemini().prompt_feedback.block_reason.name == "PROHIBITED_CONTENT"
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]
    server.speak = lambda _: fault("gemini", 429, "said so", details)
    with pytest.raises(errors.ClientError) as raised:
        gemini()
    assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert raised.value.details["error"]["details"] == details


def test_openais_sdk_is_understood_and_understands(server, chat):
    found = chat(temperature=0)
    assert (found.choices[0].message.content, found.usage.prompt_tokens) == ("A plain answer.", 15)
    (asked,) = server.requests
    assert (asked.provider, asked.model, asked.images) == ("openai", "gpt", [PNG])
    assert server.refused == []


def test_what_a_provider_would_not_take_is_refused(server, claude, gemini):
    import anthropic
    from google.genai import errors

    with pytest.raises(anthropic.BadRequestError, match="unknown field"):
        claude(extra_body={"seed": 3})
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs are not permitted"):
        claude(extra_body={"temperature": 0.0})
    with pytest.raises(errors.ClientError, match="response_mime_type"):
        gemini(response_json_schema={"type": "object"})
    assert len(server.refused) == 3
