"""Models behind a provider's own interface: one JSON request for one reply, on our HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlsbench.core.errors import RequestFailed, Transient, VLSBenchError
from vlsbench.core.types import Prompt, Reply
from vlsbench.models.api import failures
from vlsbench.models.api.dialect import rejects
from vlsbench.models.api.endpoint import Endpoint
from vlsbench.models.api.failures import ErrorDetail
from vlsbench.models.api.http import HTTPAnswer
from vlsbench.models.providers.wire import Optional, Wire, pieces

if TYPE_CHECKING:
    from vlsbench.models.batches import BatchService


class Omissions:
    """What a provider's model turned out not to take, learned from what it rejects.

    Args:
        wire: Says what may be left out.
    """

    def __init__(self, wire: Wire) -> None:
        self.dropped: frozenset[str] = frozenset()
        self.adaptations: list[str] = []
        self._wire = wire

    def adapt(self, answer: HTTPAnswer, detail: ErrorDetail, prompt: Prompt, tried: frozenset[str]) -> bool:
        """Learn from a rejection.

        Args:
            answer: What came back.
            detail: Its body.
            prompt: The request that was rejected.
            tried: What it left out; requests in flight may be behind.

        Returns:
            Whether the request is worth sending again at once.
        """
        if answer.status not in (400, 422):
            return False
        if tried != self.dropped:
            return True
        for parameter in self._wire.optional:
            if parameter.name in self.dropped or not self._wire.sends(prompt, parameter.name):
                continue
            if _is_rejected(parameter, detail):
                self.dropped |= {parameter.name}
                self.note(f"{parameter.name} is not sent")
                return True
        return False

    def note(self, text: str) -> None:
        """Something to tell the manifest, once."""
        if text not in self.adaptations:
            self.adaptations.append(text)


def _is_rejected(parameter: Optional, detail: ErrorDetail) -> bool:
    if parameter.plain:
        return detail.mentions(*parameter.words)
    return any(rejects(detail, word) for word in parameter.words)


class NativeModel(Endpoint):
    """A model behind its provider's interface. Implements `vlsbench.core.protocols.Model`.

    Args:
        wire: How requests and replies are written.
        model: The name the provider knows it by.
        url: The provider's address, or that of a server which speaks like it.
        key: API key; sent to this server's origin only, never written anywhere.
        timeout_s: Limit for one request in seconds.
    """

    def __init__(self, wire: Wire, model: str, url: str, key: str | None, timeout_s: float) -> None:
        super().__init__(model, wire.base(url), key, timeout_s, headers=wire.headers(key))
        self.wire = wire
        self.key = key
        self.timeout_s = timeout_s
        self._omissions = Omissions(wire)

    @property
    def name(self) -> str:
        """``anthropic:NAME``, ``gemini:NAME``: a model is the same wherever it runs."""
        return f"{self.wire.scheme}:{self.model}"

    @property
    def adaptations(self) -> list[str]:
        """What had to be left out, in words, for the manifest."""
        return list(self._omissions.adaptations)

    async def meet(self) -> None:
        """Nothing to ask: every reply names the model's version."""

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
        for _ in range(len(self.wire.optional) + 2):
            tried = self._omissions.dropped
            request = self.wire.request(self.model, prompt, tried)
            answer = await self._client.post(self.wire.path(self.model), pieces(request, images))
            if answer.status == 200:
                self._note_seed(prompt)
                return self.read(answer)
            detail = ErrorDetail(answer.body, self._client.hide)
            if not self._omissions.adapt(answer, detail, prompt, tried):
                break
        raise self.error(answer, self.wire.path(self.model))

    def _note_seed(self, prompt: Prompt) -> None:
        if prompt.seed is not None and all(parameter.name != "seed" for parameter in self.wire.optional):
            self._omissions.note("seed is not sent: this interface has none")

    def batches(self) -> BatchService:
        """The provider's batches, for this model. Implements `vlsbench.models.batches.Batching`."""
        from vlsbench.models.api.transfer import Transfer
        from vlsbench.models.providers.anthropic_batches import AnthropicBatches
        from vlsbench.models.providers.gemini_batches import GeminiBatches

        wire = Transfer(self.base_url, self.wire.headers(self.key), self.key, self.timeout_s, self.error)
        return AnthropicBatches(self, wire) if self.wire.scheme == "anthropic" else GeminiBatches(self, wire)

    async def body(self, prompt: Prompt) -> list[bytes]:
        """The JSON of one request as it would be sent now, in pieces.

        Raises:
            ImageProblem: The image file is gone or changed.
        """
        request = self.wire.request(self.model, prompt, self._omissions.dropped)
        return pieces(request, [await image.base64() for image in prompt.images])

    def read(self, answer: HTTPAnswer) -> Reply:
        """The reply in a server's answer; raises as `generate` does."""
        if answer.status != 200:
            raise self.error(answer, self.wire.path(self.model))
        body = failures.loads(answer.body)
        if not isinstance(body, dict):
            if answer.body.lstrip().startswith(b"{"):
                raise Transient("the server's reply is broken JSON")
            raise RequestFailed("the server's reply is not a JSON object; is the address right?")
        if body.get("error"):
            status = ErrorDetail(answer.body, self._client.hide).status or 500
            raise self.error(
                HTTPAnswer(status=status, body=answer.body, retry_after=answer.retry_after),
                self.wire.path(self.model),
            )
        return self.wire.reply(body, self._client.hide)

    def error(self, answer: HTTPAnswer, path: str) -> VLSBenchError:
        """What a failed answer of a path of this server means."""
        detail = ErrorDetail(answer.body, self._client.hide)
        return self.wire.error(answer, detail, self.model) or failures.error_for(
            answer, detail, self.model, f"{self.base_url}{path}", has_key=self.key is not None
        )
