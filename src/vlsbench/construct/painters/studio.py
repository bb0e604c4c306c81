"""A painter at work: asked again where that may help, its pictures checked and kept under their hash."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path

from vlsbench.construct.painters.protocol import Painted, Painter, PaintPrompt
from vlsbench.construct.steps import Done, StepOutcome
from vlsbench.core import images
from vlsbench.core.errors import Blocked, ImageProblem, RequestFailed, Stopped, VLSBenchError
from vlsbench.core.images import ImageFile
from vlsbench.core.pixels import decode
from vlsbench.core.protocols import returned
from vlsbench.run.loading import patience
from vlsbench.run.throttle import Gate, persist

_BLACK = 8
"""The brightest level (of 255) of a picture that filters leave in place of what they took away."""


Picture = Mapping[str, object]
"""A picture that was kept: its hash, its path from the build's folder, and its size in bytes."""


class PictureStore:
    """The pictures of a build, each under the hash of its bytes.

    Args:
        folder: The build's folder; pictures are in ``images/`` in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()

    def keep(self, data: bytes) -> Picture:
        """Check a picture and keep it.

        It is not synced: after a power failure `holds` finds what is missing, and it is painted again.

        Raises:
            ImageProblem: It is none.
            Stopped: It cannot be written.
        """
        facts = images.check(data)
        place = f"images/{facts.sha256}.{facts.extension}"
        path = self._folder / place
        try:
            with self._writing:  # two threads may have the same picture
                if not path.exists():
                    part = path.with_name(f".{path.name}.part")
                    part.write_bytes(data)
                    part.replace(path)
        except OSError as error:
            raise Stopped(f"Cannot write {path}: {error.strerror}.") from error
        return {"sha256": facts.sha256, "image": place, "bytes": len(data)}

    def holds(self, picture: Picture) -> bool:
        """Whether a picture that was kept is still there, whole."""
        try:
            return (self._folder / str(picture["image"])).stat().st_size == picture["bytes"]
        except (OSError, KeyError):
            return False

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

    def __init__(self, painter: Painter, gate: Gate, gallery: PictureStore) -> None:
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
            kept = await asyncio.to_thread(self._keep, painted.data)
        except ImageProblem as error:
            raise RequestFailed(f"the painter gave back something that is no picture: {error}") from error
        output = {**kept, "revised_prompt": painted.revised_prompt}
        return Done(outcome=StepOutcome.OK, output=output, model=painted.model)

    def _keep(self, data: bytes) -> Picture:
        if _is_black(data):
            raise Blocked("the picture is black, which is what a painter's safety filter leaves of one")
        return self._gallery.keep(data)

    async def _once(self, prompt: PaintPrompt) -> Painted:
        try:
            return returned(await self.painter.paint(prompt), Painted, "painter")
        except VLSBenchError:
            raise
        except Exception as error:
            raise RequestFailed(f"{type(error).__name__}: {error}") from error


def _is_black(data: bytes) -> bool:
    highest: object = decode(data).convert("L").getextrema()[1]
    return isinstance(highest, int | float) and highest <= _BLACK
