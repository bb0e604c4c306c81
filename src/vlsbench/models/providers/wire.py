"""What a provider's wire format has to tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vlsbench.core.errors import VLSBenchError
from vlsbench.core.types import Prompt, Reply
from vlsbench.models.api.failures import ErrorDetail
from vlsbench.models.api.http import HTTPAnswer

Hide = Callable[[str], str]
"""Takes keys out of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optional:
    """A parameter that some models of a provider refuse, and that can be left out.

    `words` (lower case) are those by which a rejection names it. With `plain`, the word alone will do, for a provider
    that says no more than what is wrong about a schema.
    """

    name: str
    words: tuple[str, ...]
    plain: bool = False


class Wire(Protocol):
    """A provider's format. It holds no state."""

    @property
    def scheme(self) -> str:
        """What references to its models begin with."""
        ...

    @property
    def optional(self) -> Sequence[Optional]:
        """What may be left out of a request."""
        ...

    def base(self, url: str) -> str:
        """The address that paths are added to, from one that a user wrote."""
        ...

    def path(self, model: str) -> str:
        """Where a request goes, below the base address."""
        ...

    def headers(self, key: str | None) -> Mapping[str, str]:
        """What goes along with it to the provider's own origin, the key among them."""
        ...

    def request(self, model: str, prompt: Prompt, dropped: Collection[str]) -> dict[str, object]:
        """The fields of a request, with a `vlsbench.models.api.body.HOLE` for each image.

        Args:
            model: The name the provider knows the model by.
            prompt: What is asked.
            dropped: Names of `optional` that are left out.
        """
        ...

    def sends(self, prompt: Prompt, name: str) -> bool:
        """Whether a request would hold an optional parameter, were it not left out."""
        ...

    def reply(self, body: Mapping[str, object], hide: Hide) -> Reply:
        """The reply in a body that is no error.

        Raises:
            Transient: It broke off; another try may end well.
            RequestFailed: It holds no reply.
        """
        ...

    def error(self, answer: HTTPAnswer, detail: ErrorDetail, model: str) -> VLSBenchError | None:
        """What a failure means where that is the provider's own way; None for one like everybody's."""
        ...
