"""Any server that speaks OpenAI's chat completions: OpenAI, vLLM, SGLang, llama.cpp, Ollama, gateways.

Format: POST ``{base}/chat/completions`` with one user message of an image part and a text part.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import urlsplit

import orjson

from vlsbench.errors import AccessDenied, Blocked, RateLimited, RequestFailed, Stopped, Transient, UserError
from vlsbench.models import keys
from vlsbench.models.dialect import Dialect
from vlsbench.models.http import Answer, Client
from vlsbench.types import Prompt, Reply, ResponseOutcome

DEFAULT_TIMEOUT_S = 300.0

_HOLE = f"image-{secrets.token_hex(16)}"
"""Stands in the JSON for the image's base64, which is sent from where it lies instead of being copied in."""

MAX_ADAPTATIONS = 6
"""Times one request is sent again because the server, or another request, taught us its parameters."""

MAX_NAME = 200
"""Characters kept of the model name a server reports, which goes to the manifest."""

_SET_A_KEY = "name the variable that holds it with --model-key-env or --judge-key-env, or set VLSBENCH_API_KEY"
_FILTER_WORDS = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation")


_LOOKS_LIKE_ADDRESS = re.compile(r"@($|localhost|[^@]*/|[^@]*:\d+$|\d+\.\d+\.\d+\.\d+)", re.IGNORECASE)


def parse_ref(rest: str) -> tuple[str, str]:
    """``NAME`` or ``NAME@URL`` to (name, base URL); the name ends at the last ``@http``.

    Raises:
        UserError: No name, or an address that is none.
    """
    name, at, address = rest.rpartition("@http")
    name, url = (name, f"http{address}") if at else (rest, keys.default_url())
    if "://" in name:
        # Not repeated in the message: it may hold a password.
        raise UserError("The model's name holds an address. Write openai:NAME@URL, with a URL that starts with http.")
    if not name:
        raise UserError("A model reference needs a name: openai:NAME or openai:NAME@URL.")
    if not at and _LOOKS_LIKE_ADDRESS.search(name):
        # Taken as a name, it would go to the default server, key and all.
        raise UserError(
            "The address in the model reference lacks its beginning: write openai:NAME@http://HOST:PORT/v1."
        )
    keys.origin(url)
    return name, url.rstrip("/")


def name_of(model: str, base_url: str) -> str:
    """``openai:NAME``, with the address where it is not OpenAI's own."""
    return f"openai:{model}" if base_url == keys.OPENAI_URL else f"openai:{model}@{base_url}"


class OpenAIModel:
    """A model behind a chat completions server. Implements `vlsbench.types.Model`.

    Args:
        model: The name the server knows it by.
        base_url: Up to and including ``/v1``.
        key: API key; sent to this server's origin only, never written anywhere.
        timeout_s: Limit for one request in seconds.
    """

    def __init__(self, model: str, base_url: str, key: str | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.model = model
        self.base_url = base_url
        self.dialect = Dialect()
        self._client = Client(base_url, key, timeout_s)
        self._has_key = key is not None

    @property
    def name(self) -> str:
        """``openai:NAME``, with the address where it is not OpenAI's own."""
        return name_of(self.model, self.base_url)

    @property
    def adaptations(self) -> list[str]:
        """What had to be changed for this server, in words, for the manifest."""
        return list(self.dialect.adaptations)

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises:
            Transient: Worth another try (`RateLimited`, `ConnectionFailed`, 5xx).
            Blocked: The provider's content filter refused the request.
            RequestFailed: This request will not succeed.
            AccessDenied: No request will: wrong key, or unknown model.
            Stopped: No request will for now: the account has no credit left.
            ImageProblem: The image file is gone or changed.
        """
        image = await prompt.image.base64() if prompt.image is not None else None
        for adapted in range(MAX_ADAPTATIONS + 1):
            tried = self.dialect.snapshot()
            answer = await self._client.post("/chat/completions", self._body(prompt, image))
            if answer.status == 200:
                reply = self._read(answer)
                self.dialect.proven(prompt)
                return reply
            detail = _Detail(answer.body, self._client.hide)
            if not self.dialect.adapt(answer.status, detail, prompt, tried) or adapted == MAX_ADAPTATIONS:
                self._raise(answer, detail)
        raise AssertionError("unreachable")

    def _body(self, prompt: Prompt, image: bytes | None) -> list[bytes]:
        messages: list[dict[str, Any]] = []
        if prompt.system:
            messages.append({"role": "system", "content": prompt.system})
        content: str | list[dict[str, Any]] = prompt.text
        if prompt.image is not None:
            url = f"data:{prompt.image.media_type};base64,{_HOLE}"
            content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": prompt.text}]
        messages.append({"role": "user", "content": content})
        messages.extend({"role": turn.role, "content": turn.text} for turn in prompt.earlier)
        request = {"model": self.model, "messages": messages, **self.dialect.parameters(prompt)}
        # Half of a surrogate pair cannot be sent; json escapes what orjson would refuse.
        text = json.dumps(request, ensure_ascii=True).encode()
        if image is None:
            return [text]
        head, _, tail = text.partition(_HOLE.encode())
        return [head, image, tail]

    def _read(self, answer: Answer) -> Reply:
        body = _loads(answer.body)
        if not isinstance(body, dict):
            raise RequestFailed("the server's reply is not a JSON object; is the address right (…/v1)?")
        choices = body.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            detail = _Detail(answer.body, self._client.hide)
            if detail.has_error:
                status = detail.status or (400 if detail.mentions(*_FILTER_WORDS) else 500)
                self._raise(Answer(status=status, body=b"", retry_after=answer.retry_after), detail)
            raise RequestFailed("the server's reply holds no choices")
        return _reply(choices[0], body, self._client.hide)

    def _raise(self, answer: Answer, detail: _Detail) -> NoReturn:
        """Turn a failed status into the error that says what it means for this request and for the run."""
        status, message = answer.status, f"HTTP {answer.status}: {detail.message}"
        if (detail.mentions(*_FILTER_WORDS) and status in (400, 403, 422)) or detail.flagged:
            raise Blocked(message)
        if status == 401:
            hint = "refused the key; check it" if self._has_key else f"wants an API key; {_SET_A_KEY}"
            raise AccessDenied(f"{self._where()} {hint}. {message}")
        if status == 404:
            raise AccessDenied(
                f"{self._where()} does not know the model or the path {self.base_url}/chat/completions; check name and "
                f"address (…/v1). {message}"
            )
        if status == 402 or (status == 429 and detail.mentions("insufficient_quota")):
            raise Stopped(f"{self._where()} reports that the account has no credit left. {message}")
        if status == 429:
            raise RateLimited(message, retry_after=answer.retry_after)
        if status in (408, 409, 425) or status >= 500:
            raise Transient(message, retry_after=answer.retry_after)
        raise RequestFailed(message)

    def _where(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{self.model} at {parts.scheme}://{parts.netloc}"

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


class _Detail:
    """What an error body says, whatever shape the server gave it."""

    def __init__(self, body: bytes, hide: Callable[[str], str]) -> None:
        parsed = _loads(body)
        error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
        self.has_error = isinstance(parsed, dict) and parsed.get("error") is not None
        self.fields: dict[str, Any] = error if isinstance(error, dict) else {}
        text = self.fields.get("message") or self.fields.get("detail") or (error if isinstance(error, str) else None)
        if text is None:
            text = body[:4000].decode(errors="replace")
        self.message = " ".join(hide(str(text)).split())[:400] or "(no message)"
        self._all = body[:4000].decode(errors="replace").lower()

    @property
    def status(self) -> int | None:
        """The HTTP status a gateway put into the body of a 200."""
        code = self.fields.get("code")
        return code if isinstance(code, int) and 400 <= code < 600 else None

    @property
    def param(self) -> str:
        return str(self.fields.get("param") or "")

    @property
    def flagged(self) -> bool:
        """OpenRouter's mark of a request that its moderation refused."""
        metadata = self.fields.get("metadata")
        return isinstance(metadata, dict) and bool(metadata.get("flagged_input"))

    def mentions(self, *words: str) -> bool:
        return any(word in self._all for word in words)


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        # Python's own parser takes what orjson refuses and servers send: NaN, half surrogates.
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _reply(choice: dict[str, Any], body: dict[str, Any], hide: Callable[[str], str]) -> Reply:
    message = choice.get("message")
    fields: dict[str, Any] = message if isinstance(message, dict) else {}
    refusal = fields.get("refusal")
    refused = isinstance(refusal, str) and bool(refusal.strip())
    text = str(refusal) if refused else _text(fields.get("content"))
    finish = choice.get("finish_reason")
    finish = finish if isinstance(finish, str) else None
    if finish == "error":
        raise Transient("the server gave up half-way (finish_reason: error)")
    if finish in _FILTER_WORDS:
        outcome, error = ResponseOutcome.BLOCKED, f"finish_reason: {finish}"
    elif not text.strip():
        outcome, error = ResponseOutcome.EMPTY, ""
    elif finish == "length":
        outcome, error = ResponseOutcome.TRUNCATED, ""
    else:
        outcome, error = ResponseOutcome.OK, ""
    usage = body.get("usage")
    counts: dict[str, Any] = usage if isinstance(usage, dict) else {}
    model = body.get("model")
    return Reply(
        outcome=outcome,
        text=hide(text),
        error=error,
        finish_reason=finish if finish is None else hide(finish)[:MAX_NAME],
        prompt_tokens=_count(counts.get("prompt_tokens")),
        completion_tokens=_count(counts.get("completion_tokens")),
        model=_sayable(hide(model))[:MAX_NAME] if isinstance(model, str) else None,
        refused=refused,
    )


def _text(content: object) -> str:
    """The text of a message; some gateways send a list of parts instead of a string."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _sayable(text: str) -> str:
    """The text without halves of surrogate pairs, which the manifest cannot hold."""
    return text.encode(errors="replace").decode()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
