"""What a painter has to be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintPrompt:
    """One request: what to show, the seed, and width and height in pixels. Servers may ignore all but the text."""

    text: str
    seed: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """The file of a picture, not yet checked; `model` as the painter names itself, and the prompt it really used."""

    data: bytes
    model: str
    revised_prompt: str = ""


@runtime_checkable
class Painter(Protocol):
    """Anything that paints. `name` and `settings` identify it: what its pictures depend on beside the request."""

    @property
    def name(self) -> str:
        """Its reference."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What else its pictures depend on."""
        ...

    async def paint(self, prompt: PaintPrompt) -> Painted:
        """Paint one picture.

        Raises:
            Blocked: A safety filter refused.
            Transient: Worth another try.
            RequestFailed: This request will not succeed.
        """
        ...
