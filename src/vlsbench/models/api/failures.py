"""What a server's failures mean, for one request and for the whole run. Knows HTTP errors, not what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson

from vlsbench.core.errors import AccessDenied, Blocked, RateLimited, RequestFailed, Stopped, Transient, VLSBenchError
from vlsbench.models.api import keys
from vlsbench.models.api.http import HTTPAnswer

MAX_NAME = 200
"""Characters kept of the model name a server reports, which goes to the manifest."""

FILTER_WORDS = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation", "moderation_blocked")
"""How servers say that a content filter was at work."""


class ErrorDetail:
    """What an error body says, whatever shape the server gave it.

    Args:
        body: The whole body.
        hide: Takes keys out of what is kept of it.
        place: The part of it that holds ``error``, where it is not the body itself.
    """

    def __init__(self, body: bytes, hide: Callable[[str], str], place: object = None) -> None:
        parsed = loads(body) if place is None else place
        error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
        self.has_error = isinstance(parsed, dict) and parsed.get("error") is not None
        self.fields: dict[str, object] = error if isinstance(error, dict) else {}
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
        """The request parameter that the server names as the culprit, or an empty text."""
        return str(self.fields.get("param") or "")

    @property
    def flagged(self) -> bool:
        """OpenRouter's mark of a request that its moderation refused."""
        metadata = self.fields.get("metadata")
        return isinstance(metadata, dict) and bool(metadata.get("flagged_input"))

    def mentions(self, *words: str) -> bool:
        """Whether any of the words (lower case) occurs in the body."""
        return any(word in self._all for word in words)


def loads(body: bytes) -> object:
    """A JSON body, or None where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        # Python's own parser takes what orjson refuses and servers send: NaN, half surrogates.
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def error_for(answer: HTTPAnswer, detail: ErrorDetail, model: str, address: str, *, has_key: bool) -> VLSBenchError:
    """The error that says what a failed status means for this request and for the run.

    Args:
        answer: The server's reply.
        detail: Its body.
        model: The name of the model that was asked.
        address: The full address that was asked.
        has_key: Whether a key was sent.
    """
    parts = urlsplit(address)
    where = f"{model} at {parts.scheme}://{parts.netloc}"
    status, message = answer.status, f"HTTP {answer.status}: {detail.message}"
    if (detail.mentions(*FILTER_WORDS) and status in (400, 403, 422)) or detail.flagged:
        return Blocked(message)
    if status == 401:
        hint = "refused the key; check it" if has_key else f"wants an API key; {keys.how_to_send(address)}"
        return AccessDenied(f"{where} {hint}. {message}")
    if status == 404:
        return AccessDenied(
            f"{where} does not know the model or the path {address}; check name and address (…/v1). {message}"
        )
    if status == 402 or (status == 429 and detail.mentions("insufficient_quota")):
        return Stopped(f"{where} reports that the account has no credit left. {message}")
    if status == 429:
        return RateLimited(message, retry_after=answer.retry_after)
    if status in (408, 409, 425) or status >= 500:
        return Transient(message, retry_after=answer.retry_after)
    return RequestFailed(message)
