"""``inspect:PROVIDER/NAME``: a model that Inspect AI asks, the door to Vertex, Bedrock and every other provider it has.

Inspect sends the requests and finds keys and addresses its own way. Tries, waits and slots are ours: one try each, and
no limit of its own on how many are on their way.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from vlsbench.core import secrets
from vlsbench.core.errors import (
    AccessDenied,
    Blocked,
    ConnectionFailed,
    MissingExtra,
    RateLimited,
    RequestFailed,
    Transient,
    UserError,
    VLSBenchError,
)
from vlsbench.core.surrogates import sayable
from vlsbench.core.types import Prompt, Reply
from vlsbench.models.api import failures
from vlsbench.models.api.body import count, fields, objects, text
from vlsbench.models.replies import reply

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, GenerateConfig, Model

_SLOTS = 100_000
"""More requests than anybody sends at once: the slots are the engine's."""


_MARKUP = re.compile(r"\[/?(?:bold|blue)\]")


def split(name: str) -> tuple[str, str]:
    """Provider and model of ``PROVIDER/NAME``.

    Raises:
        UserError: It is no such thing.
    """
    provider, slash, model = name.partition("/")
    if not (provider and slash and model):
        raise UserError(f"Write inspect:PROVIDER/NAME, for example inspect:bedrock/{model or provider or 'NAME'}.")
    return provider, model


class InspectModel:
    """A model behind Inspect AI. Implements `vlsbench.core.protocols.Model`.

    Args:
        name: ``PROVIDER/NAME``, as Inspect knows it.
        key: API key in place of the one that Inspect finds; None for that one.
        timeout_s: Limit for one request in seconds.

    Raises:
        MissingExtra: Inspect AI is not installed.
        UserError: Inspect does not know the provider, or lacks what it needs.
    """

    def __init__(self, name: str, key: str | None, timeout_s: float) -> None:
        split(name)
        if importlib.util.find_spec("inspect_ai") is None:
            raise MissingExtra("inspect-ai", "inspect")
        os.environ.setdefault("INSPECT_EVAL_MODEL", "none/none")
        self._name = name
        self._timeout_s = timeout_s
        self._model = _get(name, key, self._config())
        # The SDKs of OpenAI and Anthropic, which Inspect leaves as they are, would try twice more by themselves.
        client = getattr(self._model.api, "client", None)
        if client is not None and isinstance(getattr(client, "max_retries", None), int):
            client.max_retries = 0
        if self._model.api.api_key:
            secrets.remember(self._model.api.api_key)

    @property
    def name(self) -> str:
        """``inspect:PROVIDER/NAME``."""
        return f"inspect:{self._name}"

    @property
    def details(self) -> Mapping[str, str]:
        """The version of Inspect, which decides how the provider is asked."""
        return {"inspect_ai": importlib.metadata.version("inspect-ai")}

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises:
            Transient: Worth another try (`RateLimited`, `ConnectionFailed`).
            Blocked: The provider's content filter refused the request.
            RequestFailed: This request will not succeed.
            AccessDenied: No request will: wrong key, or unknown model.
            ImageProblem: The image file is gone or changed.
        """
        asked = await messages(prompt)
        try:
            output = await self._model.generate(asked, config=self._config(prompt))
        except Exception as error:
            raise self._meaning(error) from error
        return read(output.model_dump(), secrets.hide)

    def _config(self, prompt: Prompt | None = None) -> GenerateConfig:
        from inspect_ai.model import GenerateConfig

        asked: dict[str, object] = {}
        if prompt is not None:
            asked = {"max_tokens": prompt.max_tokens, "temperature": prompt.temperature, "seed": prompt.seed}
            if prompt.schema is not None:
                asked["response_schema"] = {"name": "reply", "json_schema": prompt.schema, "strict": True}
        return GenerateConfig.model_validate(
            {"max_retries": 0, "max_connections": _SLOTS, "attempt_timeout": max(1, round(self._timeout_s)), **asked}
        )

    def _meaning(self, error: Exception) -> VLSBenchError:
        """What an error of Inspect or of a provider's library means for this request and for the run."""
        status, message = _status(error), told(error, secrets.hide)
        decision = self._model.api.should_retry(error)
        wait = getattr(decision, "retry_after", None)
        if status == 429 or (getattr(decision, "kind", "") == "rate_limit" and decision):
            return RateLimited(message, retry_after=wait if isinstance(wait, int | float) else None)
        if any("timeout" in name or "connect" in name for name in _kinds(error)):
            return ConnectionFailed(message, reached="timeout" in type(error).__name__.lower())
        if decision or (status is not None and status >= 500):
            return Transient(message)
        if any(word in message.lower() for word in failures.FILTER_WORDS):
            return Blocked(message)
        if status in (401, 403, 404):
            return AccessDenied(f"{self.name} cannot be asked; check the name and the key of its provider. {message}")
        return RequestFailed(message)

    async def close(self) -> None:
        """Close its connections."""
        await self._model.api.aclose()


def _get(name: str, key: str | None, config: GenerateConfig) -> Model:
    from inspect_ai.model import get_model

    try:
        return get_model(name, config=config, api_key=key, memoize=False)
    except Exception as error:
        said = " ".join(_MARKUP.sub("", str(getattr(error, "message", error))).split())
        raise UserError(f"Inspect cannot make {name}: {secrets.hide(said)[:400]}") from error


async def messages(prompt: Prompt) -> list[ChatMessage]:
    """A prompt as Inspect's messages."""
    from inspect_ai.model import (
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        ContentImage,
        ContentText,
    )

    pictures = [(image.media_type, (await image.base64()).decode()) for image in prompt.images]
    content = [ContentImage(image=f"data:{kind};base64,{data}") for kind, data in pictures]
    words = [ContentText(text=prompt.text)] if prompt.text or not content else []
    kinds = {"assistant": ChatMessageAssistant, "user": ChatMessageUser, "system": ChatMessageSystem}
    return [
        *([ChatMessageSystem(content=prompt.system)] if prompt.system else []),
        ChatMessageUser(content=[*content, *words]),
        *(kinds[turn.role](content=turn.text) for turn in prompt.earlier),
    ]


def read(output: Mapping[str, object], hide: Callable[[str], str]) -> Reply:
    """The reply in an output of Inspect; its first choice counts.

    Raises:
        RequestFailed: It holds none, or an error.
    """
    choice = next(iter(objects(output.get("choices"))), None)
    if choice is None or output.get("error"):
        raise RequestFailed(hide(text(output.get("error"))) or "Inspect's output holds no choice")
    content = fields(choice.get("message")).get("content")
    parts = objects(content)
    said = text(content) or "".join(text(part.get("text")) for part in parts if part.get("type") == "text")
    thoughts = (part for part in parts if part.get("type") == "reasoning")
    usage = fields(output.get("usage"))
    cached, fresh = count(usage.get("input_tokens_cache_read")), count(usage.get("input_tokens"))
    written = count(usage.get("input_tokens_cache_write")) or 0
    return reply(
        hide(said),
        finish_reason=text(choice.get("stop_reason")) or None,
        reasoning=hide("".join(text(part.get("reasoning")) or text(part.get("summary")) for part in thoughts)),
        has_thought=bool(count(usage.get("reasoning_tokens"))),
        refused=any(part.get("refusal") is True for part in parts),
        prompt_tokens=None if fresh is None else fresh + (cached or 0) + written,
        completion_tokens=count(usage.get("output_tokens")),
        cached_tokens=cached,
        model=sayable(hide(text(output.get("model"))))[: failures.MAX_NAME] or None,
    )


def told(error: Exception, hide: Callable[[str], str]) -> str:
    """What an error says: the provider's words where Inspect has them, who puts the whole request before them."""
    said = getattr(error, "provider_message", None) or error
    return sayable(hide(f"{type(error).__name__}: {said}"))[:400]


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(5):
        if found is None:
            return
        yield found
        found = found.__cause__


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error, or one of its causes, holds under one of the usual names."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        for place in (each, response):
            for name in ("status_code", "code", "status"):
                if isinstance(code := getattr(place, name, None), int) and 400 <= code < 600:
                    return code
    return None


def _kinds(error: BaseException) -> list[str]:
    return [type(each).__name__.lower() for each in _chain(error)]
