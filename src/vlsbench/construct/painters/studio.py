"""A painter at work: asked again where that may help, its pictures checked and kept under their hash."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path

from vlsbench.construct.painters.protocol import Painted, Painter, PaintPrompt
from vlsbench.construct.steps import Done, StepOutcome
from vlsbench.core import images
from vlsbench.core.errors import Blocked, ImageProblem, RequestFailed, VLSBenchError
from vlsbench.core.images import ImageFile
from vlsbench.core.pixels import decode
from vlsbench.run.loading import patience
from vlsbench.run.throttle import Gate, persist
from vlsbench.store.journal import write_atomically

_BLACK = 8
"""The brightest level (of 255) of a picture that filters leave in place of what they took away."""


class Gallery:
    """The pictures of a build, each under the hash of its bytes.

    Args:
        folder: The build's folder; pictures are in ``images/`` in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()

    def keep(self, data: bytes) -> tuple[str, str]:
        """Check a picture and keep it; its hash, and its path from the build's folder.

        Raises:
            ImageProblem: It is none.
            Stopped: It cannot be written.
        """
        facts = images.check(data)
        place = f"images/{facts.sha256}.{facts.extension}"
        with self._writing:  # two threads may have the same picture
            if not (self._folder / place).exists():
                write_atomically(self._folder / place, data)
        return facts.sha256, place

    def open(self, sha256: str, place: str) -> ImageFile:
        """A picture that was kept."""
        return ImageFile(self._folder / place, sha256)

    def discard(self, place: str) -> None:
        """Remove a picture that nobody may keep."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / place).unlink()


class Studio:
    """Paints, checks and keeps.

    Args:
        painter: Who paints.
        gate: Its slots; the caller holds one.
        gallery: Where the pictures go.
    """

    def __init__(self, painter: Painter, gate: Gate, gallery: Gallery) -> None:
        self.painter = painter
        self.gate = gate
        self._gallery = gallery
        self._patience = patience()

    async def paint(self, prompt: PaintPrompt) -> Done:
        """One picture, as ``{"sha256", "image", "revised_prompt"}``.

        Raises:
            Blocked: A filter refused, or blackened the picture.
            RequestFailed: There is no picture, or none that can be read.
        """
        painted = await persist(lambda: self._once(prompt), self.gate, self._patience)
        try:
            sha256, place = await asyncio.to_thread(self._keep, painted.data)
        except ImageProblem as error:
            raise RequestFailed(f"the painter gave back something that is no picture: {error}") from error
        output = {"sha256": sha256, "image": place, "revised_prompt": painted.revised_prompt}
        return Done(outcome=StepOutcome.OK, output=output, model=painted.model)

    def _keep(self, data: bytes) -> tuple[str, str]:
        if _is_black(data):
            raise Blocked("the picture is black, which is what a painter's safety filter leaves of one")
        return self._gallery.keep(data)

    async def _once(self, prompt: PaintPrompt) -> Painted:
        try:
            found: object = await self.painter.paint(prompt)
        except VLSBenchError:
            raise
        except Exception as error:
            raise RequestFailed(f"{type(error).__name__}: {error}") from error
        if not isinstance(found, Painted):
            raise RequestFailed(f"the painter gave back, instead of a Painted, something of type {type(found).__name__}")
        return found


def _is_black(data: bytes) -> bool:
    highest: object = decode(data).convert("L").getextrema()[1]
    return isinstance(highest, int | float) and highest <= _BLACK
