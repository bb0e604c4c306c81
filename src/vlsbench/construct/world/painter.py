"""The painter of the miniature: draws what a prompt describes, or something else, and keeps a record of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vlsbench.construct import lines
from vlsbench.construct.painters.protocol import Painted, PaintPrompt
from vlsbench.construct.world import facts
from vlsbench.construct.world.errs import ERRS, chance
from vlsbench.core.errors import Blocked, RequestFailed
from vlsbench.miniworld import language, scenes
from vlsbench.store.journal import Journal

NAME = "world:painter"


class Record:
    """What each painted picture really shows, by its hash: for measuring alone.

    Args:
        path: The journal; made where missing.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._told = set(read(path))

    def add(self, sha256: str, item: str) -> None:
        """One more picture."""
        if sha256 not in self._told:
            self._told.add(sha256)
            self._journal.append({"sample_id": sha256, "item": item})

    def close(self) -> None:
        """Sync and close."""
        self._journal.close()


def read(path: Path) -> dict[str, str]:
    """What each picture shows, by its hash."""
    return {row["sample_id"]: row["item"] for row in lines.read(path)}


class WorldPainter:
    """Draws scenes of the miniature. Implements `Painter`.

    Args:
        record: Told what each picture really shows; None to keep no record.
    """

    name = NAME
    settings: Mapping[str, str] = {}

    def __init__(self, record: Record | None = None) -> None:
        self._record = record

    async def paint(self, prompt: PaintPrompt) -> Painted:
        """Paint one picture.

        Raises:
            Blocked: By chance, as a safety filter would.
            RequestFailed: The prompt describes no scene of the world.
        """
        asked = facts.scene_of(prompt.text)
        if asked is None:
            raise RequestFailed(f"{NAME} paints scenes of the miniature world alone")
        rng = chance("brush", prompt.text, prompt.seed)
        if rng.random() < ERRS.painter_is_blocked:
            raise Blocked(
                "the painter's safety filter refused the prompt (by chance, as in the miniature's assumptions)"
            )
        item = asked["item"]
        if rng.random() < ERRS.painter_paints_another_item:
            item = rng.choice([other for other in language.ORDINARY if other not in (item, asked["item2"])])
        scene = scenes.compose(rng, item, asked["colour"], held_out=True)
        layout = next(name for name, words in scenes.LAYOUTS.items() if words == asked["place"])
        second = _second(rng.uniform(49, 57), asked["item2"], asked["colour2"]) if asked["item2"] else None
        scene = replace(scene, layout=layout, x=28.0, second=second)
        data = facts.signed(scenes.png(scenes.draw(scene)), item)
        if self._record is not None:
            self._record.add(_sha256(data), item)
        return Painted(data=data, model=self.name)


def _second(x: float, item: str, colour: str) -> scenes.Second:
    return scenes.Second(item=item, colour=colour, x=x, y=11.0, radius=6.0)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
