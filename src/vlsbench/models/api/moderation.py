"""OpenAI's moderation endpoint, and servers that speak like it.

Format: POST ``{base}/moderations`` with ``model`` and ``input``: a text, or a list of parts with at most one image.
The reply holds one result with ``flagged`` and a score between 0 and 1 for each category.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlsbench.core.errors import RequestFailed
from vlsbench.core.pictures import every
from vlsbench.core.surrogates import sayable
from vlsbench.core.types import Image
from vlsbench.models.api import failures, keys
from vlsbench.models.api.body import HOLE, pieces
from vlsbench.models.api.endpoint import Endpoint
from vlsbench.models.api.failures import ErrorDetail
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.api.openai import parse_ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderated:
    """What the endpoint says: whether it flags the input, the highest score of any category, and what it flags."""

    flagged: bool
    score: float | None
    categories: tuple[str, ...]
    model: str


class Moderation(Endpoint):
    """A moderation model behind a server.

    Args:
        model: The name the server knows it by.
        base_url: Up to and including ``/v1``.
        key: API key; sent to this server's origin only, never written anywhere.
        timeout_s: Limit for one request in seconds.
    """

    @property
    def name(self) -> str:
        """``moderation:NAME``, wherever the server is."""
        return f"moderation:{self.model}"

    async def moderate(self, text: str, image: Image | None) -> Moderated:
        """Ask about one input.

        Args:
            text: May be empty where there is an image.
            image: At most one, which is what the endpoint takes.

        Raises:
            Transient: Worth another try (`RateLimited`, `ConnectionFailed`, 5xx).
            Blocked: A gateway's content filter refused the request.
            RequestFailed: This request will not succeed, or the reply is no moderation.
            AccessDenied: No request will: wrong key, or unknown model.
            Stopped: No request will for now: the account has no credit left.
            ImageProblem: The image file is gone or changed.
        """
        if len(every(image)) > 1:
            raise RequestFailed("the sample has several images, and a moderation request takes one")
        answer = await self._client.post("/moderations", await self._body(text, image))
        body = failures.loads(answer.body)
        if answer.status == 200 and isinstance(body, dict) and not body.get("error"):
            return self._read(body)
        detail = ErrorDetail(answer.body, self._client.hide)
        if answer.status == 200:
            if not detail.has_error:
                raise RequestFailed("the server's reply is not a JSON object; is the address right (…/v1)?")
            answer = HTTPAnswer(status=detail.status or 500, body=b"", retry_after=answer.retry_after)
        address = f"{self.base_url}/moderations"
        raise failures.error_for(answer, detail, self.model, address, has_key=self._has_key)

    async def _body(self, text: str, image: Image | None) -> list[bytes]:
        asked: object = text
        if image is not None:
            url = f"data:{image.media_type};base64,{HOLE}"
            words = [{"type": "text", "text": text}] if text else []
            asked = [*words, {"type": "image_url", "image_url": {"url": url}}]
        images = [] if image is None else [await image.base64()]
        return pieces({"model": self.model, "input": asked}, images)

    def _read(self, body: dict[str, object]) -> Moderated:
        results = body.get("results")
        result = results[0] if isinstance(results, list) and len(results) == 1 else None
        flagged = result.get("flagged") if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(flagged, bool):
            raise RequestFailed("the server's reply does not hold one result with 'flagged'")
        scores = _scores(result.get("category_scores"))
        found = result.get("categories")
        named = [name for name, hit in found.items() if hit is True] if isinstance(found, dict) else []
        model = body.get("model")
        return Moderated(
            flagged=flagged,
            score=max(scores, default=None),
            categories=tuple(self._sayable(name) for name in named),
            model=self._sayable(model) if isinstance(model, str) else self.name,
        )

    def _sayable(self, text: str) -> str:
        return sayable(self._client.hide(text))[: failures.MAX_NAME]


def load(rest: str, key_env: str | None, timeout_s: float) -> Moderation:
    """The moderation model of ``NAME`` or ``NAME@URL``.

    Raises:
        UserError: The reference is incomplete, or the key it needs is missing.
    """
    name, url = parse_ref(rest, "moderation")
    return Moderation(name, url, keys.key_for(url, key_env, [url]), timeout_s)


def canonical(rest: str) -> str:
    """The name that `load` would give; nothing is contacted, no key is looked for.

    Raises:
        UserError: The reference is incomplete.
    """
    return Moderation(*parse_ref(rest, "moderation"), None, 1.0).name


def _scores(found: object) -> list[float]:
    values = found.values() if isinstance(found, dict) else ()
    return [float(x) for x in values if isinstance(x, int | float) and not isinstance(x, bool) and 0 <= x <= 1]
