"""A server on loopback that speaks the documented interfaces of Anthropic, Gemini and OpenAI, and is strict about it.

Required headers, unknown fields, shapes of images: what a provider would refuse is refused in its own way, so that a
request which comes through here is one that the provider would take. Its replies are read by the official SDKs in
`tests/models/providers/test_official_sdks.py`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

import loopback

KEY = "a-key-of-a-test"

_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}

Positive = Annotated[int, msgspec.Meta(ge=1)]
Filled = Annotated[str, msgspec.Meta(min_length=1)]
MediaType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Refuses what it does not know."""


# ---- Anthropic: POST /v1/messages


class Source(Strict):
    type: Literal["base64"]
    media_type: MediaType
    data: Filled


class ImageBlock(Strict, tag="image", tag_field="type"):
    source: Source


class TextBlock(Strict, tag="text", tag_field="type"):
    text: Filled


class Message(Strict):
    role: Literal["user", "assistant"]
    content: Filled | Annotated[list[ImageBlock | TextBlock], msgspec.Meta(min_length=1)]


class JsonFormat(Strict):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(Strict):
    format: JsonFormat


class MessagesRequest(Strict):
    model: Filled
    max_tokens: Positive
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    system: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    output_config: OutputConfig | None = None


# ---- Gemini: POST /v1beta/models/NAME:generateContent


class Blob(Strict):
    mimeType: MediaType  # noqa: N815 - as Google writes it
    data: Filled


class Part(Strict):
    text: str | None = None
    inlineData: Blob | None = None  # noqa: N815


class Content(Strict):
    parts: Annotated[list[Part], msgspec.Meta(min_length=1)]
    role: Literal["user", "model"] | None = None


class ThinkingConfig(Strict):
    includeThoughts: bool = False  # noqa: N815


class GenerationConfig(Strict):
    maxOutputTokens: Positive | None = None  # noqa: N815
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    seed: int | None = None
    responseMimeType: Literal["text/plain", "application/json"] = "text/plain"  # noqa: N815
    responseJsonSchema: dict[str, Any] | None = None  # noqa: N815
    thinkingConfig: ThinkingConfig | None = None  # noqa: N815


class GenerateRequest(Strict):
    contents: Annotated[list[Content], msgspec.Meta(min_length=1)]
    generationConfig: GenerationConfig | None = None  # noqa: N815
    systemInstruction: Content | None = None  # noqa: N815


# ---- OpenAI: POST /v1/chat/completions


class ImageUrl(Strict):
    url: Filled


class ImagePart(Strict, tag="image_url", tag_field="type"):
    image_url: ImageUrl


class TextPart(Strict, tag="text", tag_field="type"):
    text: Filled


class ChatMessage(Strict):
    role: Literal["system", "user", "assistant"]
    content: str | list[ImagePart | TextPart]


class ChatRequest(Strict):
    model: Filled
    messages: Annotated[list[ChatMessage], msgspec.Meta(min_length=1)]
    max_tokens: Positive | None = None
    temperature: float | None = None
    seed: int | None = None
    response_format: dict[str, Any] | None = None


# ---- what was asked, and what is said


@dataclass
class Request:
    """One request, whoever's interface it came by."""

    provider: str
    model: str
    text: str
    images: list[bytes]
    headers: Mapping[str, str]
    fields: dict[str, Any]
    number: int


@dataclass
class Said:
    """How the server answers; `stop` and `blocked` are in the provider's own words."""

    text: str | None = "A plain answer."
    thinking: str = ""
    stop: str | None = None
    blocked: str | None = None
    category: str | None = None
    usage: dict[str, int] | None = None
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


Behaviour = Callable[[Request], Said]

USAGE = {
    "anthropic": {
        "input_tokens": 11,
        "output_tokens": 3,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 0,
    },
    "gemini": {"promptTokenCount": 15, "candidatesTokenCount": 3, "totalTokenCount": 18, "cachedContentTokenCount": 4},
    "openai": {"prompt_tokens": 15, "completion_tokens": 3, "total_tokens": 18},
}
"""What each says of a request of 15 tokens, of which it had seen 4 before, and of a reply of 3."""

_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_STATUS |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
_KINDS |= {413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}


def fault(provider: str, status: int, message: str = "no", details: list[Any] | None = None, **headers: str) -> Said:
    """An error as a provider writes it."""
    found: dict[str, Any] = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
    if provider == "gemini":
        found |= {"details": details} if details else {}
    else:
        found = {"type": _KINDS.get(status, "api_error"), "message": message}
    body = {"type": "error", "error": found} if provider == "anthropic" else {"error": found}
    spelt = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(status=status, body=json.dumps(body).encode(), headers=spelt)


_GENERATE = re.compile(r"/v1(?:beta)?/models/([^/]+):generateContent")
_VERSIONS = ("2023-06-01", "2026-10-21")


class Refusal(Exception):
    """What a provider would not take."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Providers(loopback.Loopback):
    """The server; `requests` lists the sound requests in order of arrival, `refused` why others were none."""

    def __init__(self, speak: Behaviour) -> None:
        super().__init__(lambda _: loopback.Answer())
        self.speak = speak
        self.requests: list[Request] = []
        self.refused: list[str] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ref(self, provider: str, name: str = "target") -> str:
        return f"{provider}:{name}@{self.root}{'/v1' if provider == 'openai' else ''}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        provider, read = _interface(request)
        try:
            _check_headers(provider, request)
            found = read(request.path, raw)
            if request.headers.get("anthropic-version") == "2026-10-21" and "temperature" in json.loads(raw):
                raise Refusal(400, "temperature: Extra inputs are not permitted")
        except (Refusal, msgspec.ValidationError, msgspec.DecodeError) as error:
            self.refused.append(str(error))
            said = fault(provider, getattr(error, "status", 400), str(error))
        else:
            asked = Request(
                provider, *found, headers=request.headers, fields=json.loads(raw), number=len(self.requests)
            )
            self.requests.append(asked)
            said = self.speak(asked)
        body = said.body if said.body is not None else json.dumps(_WRITE[provider](said)).encode()
        return web.Response(status=said.status, body=body, headers=said.headers, content_type="application/json")


def _interface(request: web.Request) -> tuple[str, Callable[[str, bytes], tuple[str, str, list[bytes]]]]:
    if request.path == "/v1/messages":
        return "anthropic", _read_anthropic
    if _GENERATE.fullmatch(request.path):
        return "gemini", _read_gemini
    return "openai", _read_openai


def _check_headers(provider: str, request: web.Request) -> None:
    headers = request.headers
    sent = {
        # In the newer way or in the older one; that one is taken where both are there.
        "anthropic": headers.get("x-api-key", headers.get("Authorization", "").removeprefix("Bearer ")),
        "gemini": headers.get("x-goog-api-key"),
        "openai": headers.get("Authorization", "").removeprefix("Bearer "),
    }
    if request.method != "POST" or request.content_type != "application/json":
        raise Refusal(400, "send JSON by POST")
    if request.query_string:
        raise Refusal(400, "a key in the address ends up in logs")
    if sent[provider] != KEY:
        if provider == "gemini":
            raise Refusal(400, "API key not valid. Please pass a valid API key.")
        raise Refusal(401, "invalid key")
    if provider == "anthropic" and headers.get("anthropic-version") not in _VERSIONS:
        raise Refusal(400, "anthropic-version: header is required")


def _picture(data: str, media_type: str, *, url_safe: bool = False) -> bytes:
    try:
        # Google takes both alphabets; its SDK writes the one of addresses.
        found = base64.b64decode(data.translate(str.maketrans("-_", "+/")) if url_safe else data, validate=True)
    except binascii.Error as error:
        raise Refusal(400, f"image: no base64: {error}") from error
    if next((kind for magic, kind in _MAGIC.items() if found.startswith(magic)), None) != media_type:
        raise Refusal(400, f"image: the bytes are no {media_type}")
    return found


def _read_anthropic(_: str, raw: bytes) -> tuple[str, str, list[bytes]]:
    asked = msgspec.json.decode(raw, type=MessagesRequest)
    first = asked.messages[0]
    if first.role != "user":
        raise Refusal(400, "messages: first message must use the user role")
    blocks = [TextBlock(first.content)] if isinstance(first.content, str) else first.content
    images = [_picture(b.source.data, b.source.media_type) for b in blocks if isinstance(b, ImageBlock)]
    return asked.model, "".join(b.text for b in blocks if isinstance(b, TextBlock)), images


def _read_gemini(path: str, raw: bytes) -> tuple[str, str, list[bytes]]:
    asked = msgspec.convert(_camel(msgspec.json.decode(raw)), GenerateRequest)
    config = asked.generationConfig or GenerationConfig()
    if config.responseJsonSchema is not None and config.responseMimeType != "application/json":
        raise Refusal(400, "a response schema needs response_mime_type application/json")
    for content in asked.contents:
        if any((part.text is None) == (part.inlineData is None) for part in content.parts):
            raise Refusal(400, "contents.parts: exactly one of text and inlineData")
    parts = asked.contents[0].parts
    images = [_picture(p.inlineData.data, p.inlineData.mimeType, url_safe=True) for p in parts if p.inlineData]
    found = _GENERATE.fullmatch(path)
    return found[1] if found else "", "".join(part.text or "" for part in parts), images


def _camel(value: Any) -> Any:
    """Names as proto writes them in JSON; it reads those with underscores as well, which Google's SDK sends."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_(\w)", lambda found: found[1].upper(), name): each for name, each in value.items()}
    return {name: each if name == "responseJsonSchema" else _camel(each) for name, each in named.items()}


def _read_openai(path: str, raw: bytes) -> tuple[str, str, list[bytes]]:
    if path != "/v1/chat/completions":
        raise Refusal(404, f"unknown path {path}")
    asked = msgspec.json.decode(raw, type=ChatRequest)
    content = next(m.content for m in asked.messages if m.role == "user")
    parts = [TextPart(content)] if isinstance(content, str) else content
    images = []
    for part in parts:
        if isinstance(part, ImagePart):
            head, _, data = part.image_url.url.partition(";base64,")
            images.append(_picture(data, head.removeprefix("data:")))
    return asked.model, "".join(p.text for p in parts if isinstance(p, TextPart)), images


def _anthropic(said: Said) -> dict[str, Any]:
    thinking = [{"type": "thinking", "thinking": said.thinking, "signature": "s"}] if said.thinking else []
    words = [{"type": "text", "text": said.text, "citations": None}] if said.text is not None else []
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-served",
        "content": [*thinking, *words],
        "stop_reason": said.stop or "end_turn",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": said.category, "explanation": None} if said.category else None,
        "usage": USAGE["anthropic"] if said.usage is None else said.usage,
    }


def _gemini(said: Said) -> dict[str, Any]:
    usage = USAGE["gemini"] if said.usage is None else said.usage
    found: dict[str, Any] = {"usageMetadata": usage, "modelVersion": "gemini-served", "responseId": "r"}
    ratings = (
        {"safetyRatings": [{"category": f"HARM_CATEGORY_{said.category}", "probability": "HIGH"}]}
        if said.category
        else {}
    )
    if said.blocked is not None:
        return {**found, "promptFeedback": {"blockReason": said.blocked, **ratings}}
    thoughts = [{"text": said.thinking, "thought": True}] if said.thinking else []
    parts = [*thoughts, *([{"text": said.text}] if said.text is not None else [])]
    content = {"content": {"role": "model", **({"parts": parts} if parts else {})}}
    return {**found, "candidates": [{**content, "finishReason": said.stop or "STOP", "index": 0, **ratings}]}


def _openai(said: Said) -> dict[str, Any]:
    message = {"role": "assistant", "content": said.text, "refusal": None}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-served",
        "choices": [{"index": 0, "message": message, "finish_reason": said.stop or "stop", "logprobs": None}],
        "usage": USAGE["openai"] if said.usage is None else said.usage,
    }


_WRITE: dict[str, Callable[[Said], dict[str, Any]]] = {"anthropic": _anthropic, "gemini": _gemini, "openai": _openai}


@contextmanager
def serve(speak: Behaviour = lambda _: Said()) -> Iterator[Providers]:
    """A running server."""
    with loopback.serve(server=Providers(speak)) as running:
        assert isinstance(running, Providers)
        yield running
