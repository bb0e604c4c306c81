"""Turns a painter's reference into a `Painter`; what a scheme needs is imported only when it is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlsbench.construct.painters.protocol import Painter
from vlsbench.construct.world.painter import NAME as WORLD_PAINTER
from vlsbench.construct.world.painter import Record, WorldPainter
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.run.loading import Effort

if TYPE_CHECKING:
    from vlsbench.construct.recipe import Brush

OPENAI, DIFFUSERS = "openai-image:", "diffusers:"

_KNOWN = ("openai-image:NAME", "openai-image:NAME@URL", "diffusers:REPO_OR_FOLDER", WORLD_PAINTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A painter, and how it is closed. `alone` is True where it paints one picture at a time."""

    painter: Painter
    close: Callable[[], Awaitable[None]]
    alone: bool = False


def name_of(ref: str) -> str:
    """The name that the painter of a reference will have; nothing is loaded or contacted.

    Raises:
        UnknownName: No painter's reference.
        UserError: The reference is incomplete.
    """
    if ref == WORLD_PAINTER:
        return ref
    if ref.startswith(OPENAI):
        from vlsbench.models.api import openai

        return OPENAI + openai.parse_ref(ref.removeprefix(OPENAI), OPENAI[:-1])[0]
    if ref.startswith(DIFFUSERS):
        if ref == DIFFUSERS:
            raise UserError(f"{ref!r} names no model. Write diffusers:REPO_OR_FOLDER.")
        return ref
    raise UnknownName("painter", ref, _KNOWN)


def settings_of(ref: str, brush: Brush) -> dict[str, str]:
    """What the pictures of a painter depend on beside the request; nothing is loaded."""
    if ref.startswith(DIFFUSERS):
        return {"steps": str(brush.steps), "guidance": str(brush.guidance), "together": "1"}
    return {}


def load(
    ref: str, brush: Brush, effort: Effort, key_env: str | None, refs_in_use: tuple[str, ...], record: Record | None
) -> Loaded:
    """The painter of a reference.

    Args:
        ref: As the module says.
        brush: Size, steps, guidance.
        effort: Time limit, and how local models are loaded.
        key_env: Environment variable that holds the painter's API key.
        refs_in_use: The models of the build, which decide which key goes where.
        record: For the miniature's painter.

    Raises:
        UserError: It cannot be made.
    """
    name = name_of(ref)
    if ref == WORLD_PAINTER:
        return Loaded(painter=WorldPainter(record), close=_nothing)
    if ref.startswith(OPENAI):
        from vlsbench.construct.painters import openai_image

        painter = openai_image.load(ref.removeprefix(OPENAI), key_env, refs_in_use, effort.timeout_s)
        return Loaded(painter=painter, close=painter.close)
    from vlsbench.construct.painters import diffusers_local

    local = diffusers_local.load(name, brush, effort.local)
    return Loaded(painter=local, close=local.close, alone=True)


async def _nothing() -> None:
    """There is nothing to close."""
