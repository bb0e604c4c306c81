"""One server with one model behind it: where it is, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.models.api import catalog
from vlsbench.models.api.http import Client
from vlsbench.models.api.keys import OPENAI_URL


class Endpoint:
    """What models behind a server have in common.

    Args:
        model: The name the server knows the model by.
        base_url: Up to and including ``/v1``.
        key: API key; sent to this server's origin only, never written anywhere.
        timeout_s: Limit for one request in seconds.
        headers: As for `Client`.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        key: str | None,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self._client = Client(base_url, key, timeout_s, headers=headers)
        self._has_key = key is not None
        self._root: str | None = None

    @property
    def addresses(self) -> list[str]:
        """The server's base URL."""
        return [self.base_url]

    @property
    def roots(self) -> list[str]:
        """What the server says is behind the model's name, once it was asked and where it says so."""
        return [self._root] if self._root is not None else []

    @property
    def adaptations(self) -> list[str]:
        """What had to be changed for this server, in words, for the manifest."""
        return []

    @property
    def notice(self) -> str:
        """What requests wait for: nothing but the server."""
        return ""

    @property
    def doubt(self) -> str:
        """What the user should know of the server: nothing."""
        return ""

    async def meet(self) -> None:
        """Ask the server what it serves. OpenAI itself is not asked: its replies name the version.

        Raises:
            ConnectionFailed: No answer came.
        """
        if self.base_url != OPENAI_URL:
            self._root = await catalog.root_of(self._client, self.model)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
