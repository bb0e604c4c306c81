"""Google's Gemini: POST ``/v1beta/models/NAME:generateContent`` (https://ai.google.dev/api/generate-content)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from urllib.parse import quote

from vlsbench.core.errors import AccessDenied, RateLimited, RequestFailed, VLSBenchError
from vlsbench.core.surrogates import sayable
from vlsbench.core.types import Prompt, Reply, ResponseOutcome
from vlsbench.models.api import failures
from vlsbench.models.api.body import HOLE, count, fields, objects, text
from vlsbench.models.api.failures import ErrorDetail
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.providers.wire import Hide, Optional
from vlsbench.models.replies import reply

_HARMLESS = ("", "NEGLIGIBLE", "HARM_PROBABILITY_UNSPECIFIED")
_ROLES = {"assistant": "model"}


class GeminiWire:
    """Implements `vlsbench.models.providers.wire.Wire`."""

    scheme = "gemini"
    optional = (
        Optional(name="thinking", words=("thinking", "thought"), plain=True),
        Optional(name="schema", words=("schema", "json mode", "response_mime_type", "responsemimetype"), plain=True),
        Optional(name="temperature", words=("temperature",)),
        Optional(name="seed", words=("seed",)),
    )

    def base(self, url: str) -> str:
        """Without ``/v1beta``, which is part of the path."""
        return url.rstrip("/").removesuffix("/v1beta")

    def path(self, model: str) -> str:
        """The model stands in the path."""
        return f"/v1beta/models/{quote(model, safe='')}:generateContent"

    def headers(self, key: str | None) -> Mapping[str, str]:
        """The key in a header of its own, never in the address."""
        return {"x-goog-api-key": key} if key is not None else {}

    def sends(self, prompt: Prompt, name: str) -> bool:
        """Temperature and the wish for thoughts always; a schema and a seed where there are."""
        return {"schema": prompt.schema is not None, "seed": prompt.seed is not None}.get(name, True)

    def request(self, model: str, prompt: Prompt, dropped: Collection[str]) -> dict[str, object]:  # noqa: ARG002
        """Images, then the text; the provider's own safety settings stay as they are."""
        parts: list[dict[str, object]] = [
            {"inlineData": {"mimeType": image.media_type, "data": HOLE}} for image in prompt.images
        ]
        if prompt.text:
            parts.append({"text": prompt.text})
        turns = [{"role": _ROLES.get(turn.role, turn.role), "parts": [{"text": turn.text}]} for turn in prompt.earlier]
        found: dict[str, object] = {
            "contents": [{"role": "user", "parts": parts}, *turns],
            "generationConfig": self._config(prompt, dropped),
        }
        if prompt.system:
            found["systemInstruction"] = {"parts": [{"text": prompt.system}]}
        return found

    def _config(self, prompt: Prompt, dropped: Collection[str]) -> dict[str, object]:
        sent: dict[str, dict[str, object]] = {
            "temperature": {"temperature": prompt.temperature},
            "seed": {"seed": prompt.seed},
            "schema": {"responseMimeType": "application/json", "responseJsonSchema": prompt.schema},
            # Thoughts come only where they are asked for, and are then told apart from the answer.
            "thinking": {"thinkingConfig": {"includeThoughts": True}},
        }
        found: dict[str, object] = {"maxOutputTokens": prompt.max_tokens}
        for name, value in sent.items():
            if name not in dropped and self.sends(prompt, name):
                found |= value
        return found

    def reply(self, body: Mapping[str, object], hide: Hide) -> Reply:
        """The first candidate's text, or why there is none.

        Raises:
            Transient: It broke off; another try may end well.
            RequestFailed: There is neither a candidate nor a reason.
        """
        feedback = fields(body.get("promptFeedback"))
        candidate = next(iter(objects(body.get("candidates"))), None)
        usage, model = _tokens(fields(body.get("usageMetadata"))), hide(text(body.get("modelVersion")))
        served = sayable(model)[: failures.MAX_NAME] or None
        if reason := hide(text(feedback.get("blockReason"))):
            return Reply(
                outcome=ResponseOutcome.BLOCKED,
                error=_why("blockReason", reason, feedback, hide),
                finish_reason="content_filter",
                prompt_tokens=usage[0],
                completion_tokens=usage[1],
                cached_tokens=usage[2],
                model=served,
            )
        if candidate is None:
            raise RequestFailed("the server's reply holds neither a candidate nor a reason for a block")
        stop = hide(text(candidate.get("finishReason")))[: failures.MAX_NAME] or None
        parts = objects(fields(candidate.get("content")).get("parts"))
        thoughts = hide("".join(text(part.get("text")) for part in parts if part.get("thought") is True))
        found = reply(
            hide("".join(text(part.get("text")) for part in parts if part.get("thought") is not True)),
            finish_reason=stop,
            reasoning=thoughts,
            has_thought=bool(count(fields(body.get("usageMetadata")).get("thoughtsTokenCount"))),
            prompt_tokens=usage[0],
            completion_tokens=usage[1],
            cached_tokens=usage[2],
            model=served,
        )
        if found.outcome is not ResponseOutcome.BLOCKED:
            return found
        return replace(found, error=_why("finishReason", stop or "", candidate, hide))

    def error(self, answer: HTTPAnswer, detail: ErrorDetail, model: str) -> VLSBenchError | None:
        """A key that is none, a limit with its wait in the body, overload."""
        message = f"HTTP {answer.status}: {detail.message}"
        if answer.status in (400, 403) and detail.mentions("api_key_invalid", "api key not valid", "permission_denied"):
            return AccessDenied(f"{model} at Gemini: the key is not valid for this; check it. {message}")
        if answer.status == 400 and detail.mentions("failed_precondition"):
            return AccessDenied(f"{model} at Gemini cannot be used with this account. {message}")
        if answer.status == 429 or (answer.status == 503 and detail.mentions("overloaded", "high demand")):
            return RateLimited(message, retry_after=answer.retry_after if answer.retry_after else _delay(detail))
        return None


def _tokens(usage: Mapping[str, object]) -> tuple[int | None, int | None, int | None]:
    """Prompt, completion (with thoughts) and cached tokens. A 0 is left out of such a body; the total tells it."""
    prompt, total = count(usage.get("promptTokenCount")), count(usage.get("totalTokenCount"))
    written = [count(usage.get(name)) for name in ("candidatesTokenCount", "thoughtsTokenCount")]
    known = [number for number in written if number is not None]
    completion = sum(known) if known else None
    if completion is None and total is not None and prompt is not None and total >= prompt:
        completion = total - prompt
    return prompt, completion, count(usage.get("cachedContentTokenCount"))


def _why(field: str, reason: str, place: Mapping[str, object], hide: Hide) -> str:
    """``finishReason: SAFETY (DANGEROUS_CONTENT: HIGH)``, with the categories that were found."""
    ratings = [
        f"{hide(text(each.get('category'))).removeprefix('HARM_CATEGORY_')}: {hide(text(each.get('probability')))}"
        for each in objects(place.get("safetyRatings"))
        if each.get("blocked") is True or text(each.get("probability")) not in _HARMLESS
    ]
    return f"{field}: {reason[:80]}" + (f" ({', '.join(ratings)[:200]})" if ratings else "")


def _delay(detail: ErrorDetail) -> float | None:
    """Seconds of the ``RetryInfo`` in an error's details."""
    for each in objects(detail.fields.get("details")):
        found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)s", text(each.get("retryDelay")))
        if found is not None:
            return float(found[1])
    return None
