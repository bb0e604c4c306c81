"""Any server that speaks OpenAI's Images API: OpenAI, vLLM-Omni, SGLang, LocalAI, gateways.

Format: POST ``{base}/images/generations``, answered with ``data[0].b64_json``. Servers differ in what else they
take: what one refuses is left out from then on, and noted. A seed is a wish: what came is hashed, never what
was asked for.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from vlsbench import models
from vlsbench.construct.painters.protocol import Painted, PaintPrompt
from vlsbench.core.errors import RequestFailed, VLSBenchError
from vlsbench.models.api import failures, keys
from vlsbench.models.api.failures import ErrorDetail
from vlsbench.models.api.http import Client, HTTPAnswer
from vlsbench.models.api.openai import parse_ref

SCHEME = "openai-image"

MAX_REPLY_BYTES = 64_000_000
"""A noisy picture of 2048 x 2048 pixels is 13 MB of base64."""

_OPTIONAL = ("seed", "response_format", "size")
"""Parameters that are left out where a server refuses them."""


def load(rest: str, key_env: str | None, refs_in_use: tuple[str, ...], timeout_s: float) -> OpenAIPainter:
    """The painter of ``openai-image:NAME[@URL]``.

    Args:
        rest: The reference without its scheme.
        key_env: Environment variable that holds its key.
        refs_in_use: The models of the build, which decide which key goes where.
        timeout_s: Limit for one request in seconds.

    Raises:
        UserError: The reference is incomplete, or the key it needs is missing.
    """
    name, url = parse_ref(rest, SCHEME)
    others = models.served_at(refs_in_use)
    return OpenAIPainter(name, url, keys.key_for(url, key_env, [url, *others]), timeout_s)


class OpenAIPainter:
    """An image server. Implements `Painter`.

    Args:
        model: The name the server knows it by.
        base_url: Up to and including ``/v1``.
        key: API key; sent to this server's origin only, never written anywhere.
        timeout_s: Limit for one request in seconds.
    """

    settings: Mapping[str, str] = {}

    def __init__(self, model: str, base_url: str, key: str | None, timeout_s: float) -> None:
        self.model = model
        self.base_url = base_url
        self._client = Client(base_url, key, timeout_s, max_reply_bytes=MAX_REPLY_BYTES)
        self._has_key = key is not None
        self._left_out: list[str] = []

    @property
    def name(self) -> str:
        """``openai-image:NAME``, wherever the server is."""
        return f"{SCHEME}:{self.model}"

    @property
    def adaptations(self) -> list[str]:
        """What the server does not take."""
        return [f"{SCHEME}: {name} is left out" for name in self._left_out]

    async def paint(self, prompt: PaintPrompt) -> Painted:
        """Paint one picture.

        Raises:
            Transient: Worth another try (`RateLimited`, `ConnectionFailed`, 5xx).
            Blocked: The server's safety filter refused.
            RequestFailed: This request will not succeed, or what came is no picture.
            AccessDenied: No request will: wrong key, or unknown model.
        """
        for _ in range(len(_OPTIONAL) + 1):
            asked = [name for name in _OPTIONAL if name not in self._left_out]
            answer = await self._client.post("/images/generations", [self._body(prompt, asked)])
            if answer.status == 200:
                return self._read(answer)
            detail = ErrorDetail(answer.body, self._client.hide)
            refused = [name for name in asked if answer.status in (400, 422) and _is_about(detail, name)]
            if not refused:
                raise self._error(answer, detail)
            self._left_out += [name for name in refused if name not in self._left_out]
        raise RequestFailed("the server refuses every parameter of a picture")

    def _body(self, prompt: PaintPrompt, asked: list[str]) -> bytes:
        more = {
            "seed": prompt.seed,
            "response_format": "b64_json",
            "size": f"{prompt.width}x{prompt.height}",
        }
        body = {"model": self.model, "prompt": prompt.text, "n": 1, **{name: more[name] for name in asked}}
        return json.dumps(body, ensure_ascii=True).encode()

    def _read(self, answer: HTTPAnswer) -> Painted:
        body = failures.loads(answer.body)
        rows = body.get("data") if isinstance(body, dict) else None
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else None
        if row is None:
            raise RequestFailed("the server's reply holds no picture; is the address that of an image server (…/v1)?")
        encoded, revised = row.get("b64_json"), row.get("revised_prompt")
        if not isinstance(encoded, str):
            gave = "an address in place of a picture" if isinstance(row.get("url"), str) else "no picture"
            raise RequestFailed(f"the server gave {gave}; start it so that it answers with b64_json")
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RequestFailed(f"the server's picture is not base64 ({error})") from error
        return Painted(data=data, model=self.name, revised_prompt=revised if isinstance(revised, str) else "")

    def _error(self, answer: HTTPAnswer, detail: ErrorDetail) -> VLSBenchError:
        address = f"{self.base_url}/images/generations"
        return failures.error_for(answer, detail, self.model, address, has_key=self._has_key)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


def _is_about(detail: ErrorDetail, name: str) -> bool:
    """Whether an error names a parameter as the culprit; a filter's refusal names none."""
    if detail.mentions(*failures.FILTER_WORDS):
        return False
    return detail.param == name or detail.mentions(f"'{name}'", f'"{name}"', f"`{name}`", f": {name}")
