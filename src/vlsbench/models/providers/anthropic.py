"""Anthropic's Messages: POST ``/v1/messages``, version 2023-06-01 (https://platform.claude.com/docs/en/api/messages)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from vlsbench.core.errors import AccessDenied, Blocked, RateLimited, RequestFailed, Stopped, VLSBenchError
from vlsbench.core.finish import Ending, ending
from vlsbench.core.surrogates import sayable
from vlsbench.core.thinking import is_blank
from vlsbench.core.types import Prompt, Reply, ResponseOutcome
from vlsbench.models.api import failures
from vlsbench.models.api.body import HOLE, count, fields, objects, text
from vlsbench.models.api.failures import ErrorDetail
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.providers.wire import Hide, Optional
from vlsbench.models.replies import reply

VERSION = "2023-06-01"

_OVERLOADED = 529
_NO_CREDIT = ("credit balance", "spend limit", "enforced_spend_limit_reached", "api usage limits")


class AnthropicWire:
    """Implements `vlsbench.models.providers.wire.Wire`."""

    scheme = "anthropic"
    optional = (
        Optional(name="temperature", words=("temperature",)),
        Optional(name="schema", words=("output_config", "output_format", "schema", "structured output"), plain=True),
    )

    def base(self, url: str) -> str:
        """Without ``/v1``, which is part of the path."""
        return url.rstrip("/").removesuffix("/v1")

    def path(self, model: str) -> str:  # noqa: ARG002 - the model stands in the request
        """The same for every model."""
        return "/v1/messages"

    def headers(self, key: str | None) -> Mapping[str, str]:
        """The version, and the key in a header of its own."""
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key is not None else {})}

    def sends(self, prompt: Prompt, name: str) -> bool:
        """Temperature always; a schema where there is one."""
        return name == "temperature" or (name == "schema" and prompt.schema is not None)

    def request(self, model: str, prompt: Prompt, dropped: Collection[str]) -> dict[str, object]:
        """Images, then the text. There is no seed in this interface."""
        content: list[dict[str, object]] = [
            {"type": "image", "source": {"type": "base64", "media_type": image.media_type, "data": HOLE}}
            for image in prompt.images
        ]
        if prompt.text:  # an empty block is refused
            content.append({"type": "text", "text": prompt.text})
        turns = [{"role": turn.role, "content": turn.text} for turn in prompt.earlier]
        found: dict[str, object] = {
            "model": model,
            "max_tokens": prompt.max_tokens,
            "messages": [{"role": "user", "content": content}, *turns],
        }
        if prompt.system:
            found["system"] = prompt.system
        if "temperature" not in dropped:
            found["temperature"] = prompt.temperature
        if prompt.schema is not None and "schema" not in dropped:
            found["output_config"] = {"format": {"type": "json_schema", "schema": prompt.schema}}
        return found

    def reply(self, body: Mapping[str, object], hide: Hide) -> Reply:
        """Its text blocks; what it thought stands in blocks of their own.

        A refusal that comes with words is an answer, marked as refused; without any, the request was blocked.

        Raises:
            Transient: It broke off; another try may end well.
            RequestFailed: It holds no content, or ended for a reason that nobody knows.
        """
        if not isinstance(body.get("content"), list):
            raise RequestFailed("the server's reply holds no content; is the address right?")
        blocks = objects(body["content"])
        said = hide("".join(text(block.get("text")) for block in blocks if block.get("type") == "text"))
        stop = hide(text(body.get("stop_reason")))[: failures.MAX_NAME] or None
        refused = ending(stop) is Ending.BLOCKED
        usage = fields(body.get("usage"))
        cached, read = count(usage.get("cache_read_input_tokens")), count(usage.get("input_tokens"))
        # What was read from the cache or written to it is not part of the tokens that were read anew.
        prompt_tokens = (
            read + (cached or 0) + (count(usage.get("cache_creation_input_tokens")) or 0) if read is not None else None
        )
        found = reply(
            said,
            finish_reason="stop" if refused and not is_blank(said) else stop,
            reasoning=hide("".join(text(block.get("thinking")) for block in blocks)),
            has_thought=any(block.get("type") == "redacted_thinking" for block in blocks),
            refused=refused,
            prompt_tokens=prompt_tokens,
            completion_tokens=count(usage.get("output_tokens")),
            cached_tokens=cached,
            model=sayable(hide(text(body.get("model"))))[: failures.MAX_NAME] or None,
        )
        if not refused:
            return found
        category = text(fields(body.get("stop_details")).get("category"))
        why = f"stop_reason: {stop}" + (f" (category: {hide(category)[:80]})" if category else "")
        return replace(found, finish_reason=stop, error=why if found.outcome is ResponseOutcome.BLOCKED else "")

    def error(self, answer: HTTPAnswer, detail: ErrorDetail, model: str) -> VLSBenchError | None:
        """Overload, no credit left, no permission, output that was withheld."""
        message = f"HTTP {answer.status}: {detail.message}"
        if answer.status in (400, 403, 429) and detail.mentions(*_NO_CREDIT):
            return Stopped(
                f"{model} at Anthropic: the account has no credit left, or its spending limit is reached. {message}"
            )
        if answer.status == _OVERLOADED:
            return RateLimited(message, retry_after=answer.retry_after)
        if answer.status == 403:
            return AccessDenied(f"{model} at Anthropic: the key may not use this model. {message}")
        if answer.status == 400 and detail.mentions("content filtering policy"):
            return Blocked(message)
        return None
