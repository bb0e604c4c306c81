"""Any server that speaks OpenAI's chat completions: OpenAI, vLLM, SGLang, llama.cpp, Ollama, gateways.

Format: POST ``{base}/chat/completions`` with one user message of image parts and a text part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from vlsbench.core.errors import RequestFailed, Transient, UserError, VLSBenchError
from vlsbench.core.surrogates import sayable
from vlsbench.core.types import Prompt, Reply
from vlsbench.models.api import failures, keys
from vlsbench.models.api.body import HOLE, count, fields, objects, pieces, text
from vlsbench.models.api.dialect import Dialect
from vlsbench.models.api.endpoint import Endpoint
from vlsbench.models.api.failures import ErrorDetail
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.replies import reply

if TYPE_CHECKING:
    from vlsbench.models.batches import BatchService

DEFAULT_TIMEOUT_S = 300.0

MAX_ADAPTATIONS = 6
"""Times one request is sent again because the server, or another request, taught us its parameters."""

_LOOKS_LIKE_ADDRESS = re.compile(r"@($|localhost|[^@]*/|[^@]*:\d+$|\d+\.\d+\.\d+\.\d+)", re.IGNORECASE)


def parse_ref(rest: str, scheme: str = "openai") -> tuple[str, str]:
    """``NAME`` or ``NAME@URL`` to (name, base URL); the name ends at the last ``@http``.

    Args:
        rest: The reference without its scheme.
        scheme: For messages.

    Raises:
        UserError: No name, or an address that is none.
    """
    name, at, address = rest.rpartition("@http")
    name, url = (name, f"http{address}") if at else (rest, keys.default_url(scheme))
    if "://" in name:
        # Not repeated in the message: it may hold a password.
        raise UserError(
            f"The model's name holds an address. Write {scheme}:NAME@URL, with a URL that starts with http."
        )
    if not name:
        raise UserError(f"A model reference needs a name: {scheme}:NAME or {scheme}:NAME@URL.")
    if not at and _LOOKS_LIKE_ADDRESS.search(name):
        # Taken as a name, it would go to the default server, key and all.
        raise UserError(
            f"The address in the model reference lacks its beginning: write {scheme}:NAME@http://HOST:PORT/v1."
        )
    keys.origin(url)
    return name, url.rstrip("/")


class OpenAIModel(Endpoint):
    """A model behind a chat completions server. Implements `vlsbench.core.protocols.Model`.

    Args:
        model: The name the server knows it by.
        base_url: Up to and including ``/v1``.
        key: API key; sent to this server's origin only, never written anywhere.
        timeout_s: Limit for one request in seconds.
    """

    def __init__(self, model: str, base_url: str, key: str | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        super().__init__(model, base_url, key, timeout_s)
        self.dialect = Dialect()
        self._key = key
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """``openai:NAME``, wherever the server is."""
        return f"openai:{self.model}"

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
        images = [await image.base64() for image in prompt.images]
        for adapted in range(MAX_ADAPTATIONS + 1):
            tried = self.dialect.snapshot()
            answer = await self._client.post("/chat/completions", self._body(prompt, images))
            if answer.status == 200:
                reply = self._read(answer)
                self.dialect.proven(prompt)
                return reply
            detail = ErrorDetail(answer.body, self._client.hide)
            if not self.dialect.adapt(answer.status, detail, prompt, tried) or adapted == MAX_ADAPTATIONS:
                raise self._error(answer, detail)
        raise AssertionError("unreachable")

    def batches(self) -> BatchService:
        """OpenAI's batches, for this model. Implements `vlsbench.models.batches.Batching`."""
        from vlsbench.models.api.openai_batches import OpenAIBatches
        from vlsbench.models.api.transfer import Transfer

        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        return OpenAIBatches(self, Transfer(self.base_url, headers, self._key, self._timeout_s, self.error))

    async def body(self, prompt: Prompt) -> list[bytes]:
        """The JSON of one request as it would be sent now, in pieces.

        Raises:
            ImageProblem: The image file is gone or changed.
        """
        return self._body(prompt, [await image.base64() for image in prompt.images])

    def read(self, answer: HTTPAnswer) -> Reply:
        """The reply in a server's answer; raises as `generate` does."""
        if answer.status == 200:
            return self._read(answer)
        raise self._error(answer, ErrorDetail(answer.body, self._client.hide))

    def error(self, answer: HTTPAnswer, path: str) -> VLSBenchError:
        """What a failed answer of another path of this server means."""
        detail = ErrorDetail(answer.body, self._client.hide)
        return failures.error_for(answer, detail, self.model, f"{self.base_url}{path}", has_key=self._key is not None)

    def _body(self, prompt: Prompt, images: Sequence[bytes]) -> list[bytes]:
        messages: list[dict[str, object]] = []
        if prompt.system:
            messages.append({"role": "system", "content": prompt.system})
        content: object = prompt.text
        if prompt.image is not None:
            urls = [f"data:{image.media_type};base64,{HOLE}" for image in prompt.images]
            # Servers refuse an empty text, which is what a picture without a query would have.
            words = [{"type": "text", "text": prompt.text}] if prompt.text else []
            content = [*({"type": "image_url", "image_url": {"url": url}} for url in urls), *words]
        messages.append({"role": "user", "content": content})
        messages.extend({"role": turn.role, "content": turn.text} for turn in prompt.earlier)
        request = {"model": self.model, "messages": messages, **self.dialect.parameters(prompt)}
        return pieces(request, images)

    def _read(self, answer: HTTPAnswer) -> Reply:
        body = failures.loads(answer.body)
        if not isinstance(body, dict):
            if answer.body.lstrip().startswith(b"{"):
                raise Transient("the server's reply is broken JSON")
            raise RequestFailed("the server's reply is not a JSON object; is the address right (…/v1)?")
        choices = body.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        for place in (body, choice, choice.get("message") if isinstance(choice, dict) else None):
            # Half an answer beside an error is no answer.
            if isinstance(place, dict) and place.get("error"):
                detail = ErrorDetail(answer.body, self._client.hide, place)
                status = detail.status or (400 if detail.mentions(*failures.FILTER_WORDS) else 500)
                raise self._error(HTTPAnswer(status=status, body=b"", retry_after=answer.retry_after), detail)
        if not isinstance(choice, dict):
            raise RequestFailed("the server's reply holds no choices")
        return _reply(choice, body, self._client.hide)

    def _error(self, answer: HTTPAnswer, detail: ErrorDetail) -> VLSBenchError:
        address = f"{self.base_url}/chat/completions"
        return failures.error_for(answer, detail, self.model, address, has_key=self._key is not None)


def _reply(choice: Mapping[str, object], body: Mapping[str, object], hide: Callable[[str], str]) -> Reply:
    message = fields(choice.get("message"))
    refusal = _refusal(choice, message)
    finish = choice.get("finish_reason")
    usage = fields(body.get("usage"))
    model = body.get("model")
    return reply(
        hide(refusal or _text(message.get("content"))),
        finish_reason=None if finish is None else hide(str(finish))[: failures.MAX_NAME],
        reasoning=hide(_reasoning(message)),
        refused=bool(refusal),
        prompt_tokens=count(usage.get("prompt_tokens")),
        completion_tokens=count(usage.get("completion_tokens")),
        cached_tokens=_cached(usage),
        model=sayable(hide(model))[: failures.MAX_NAME] if isinstance(model, str) else None,
    )


def _refusal(choice: Mapping[str, object], message: Mapping[str, object]) -> str:
    """A refusal in a field of its own: OpenAI's, a part of the content, or where LiteLLM moves it; else empty."""
    apart = (fields(each.get("provider_specific_fields")) for each in (message, choice))
    said = (text(place.get("refusal")) for place in (message, *apart, *objects(message.get("content"))))
    return next((each for each in said if each.strip()), "")


def _reasoning(message: Mapping[str, object]) -> str:
    """What servers with a reasoning parser send apart: vLLM, SGLang, DeepSeek, Ollama, OpenRouter, Mistral."""
    for name in ("reasoning_content", "reasoning", "thinking"):
        if (said := text(message.get(name))).strip():
            return said
    parts = [part for part in objects(message.get("content")) if _is_thinking(part)]
    return "".join(_text(part.get("thinking")) or text(part.get("text")) for part in parts)


def _is_thinking(part: Mapping[str, object]) -> bool:
    return part.get("type") in ("thinking", "reasoning")


def _text(content: object) -> str:
    """The text of a message; some gateways send a list of parts instead of a string."""
    return text(content) or "".join(text(part.get("text")) for part in objects(content) if not _is_thinking(part))


def _cached(usage: Mapping[str, object]) -> int | None:
    """OpenAI's place for it, which most servers share, or DeepSeek's."""
    details = fields(usage.get("prompt_tokens_details"))
    return count(details.get("cached_tokens") if details else usage.get("prompt_cache_hit_tokens"))
