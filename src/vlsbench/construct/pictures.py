"""Pictures: painted and inspected in turn until one shows what it should, or taken as they are."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from vlsbench.construct import safety
from vlsbench.construct.elements import Element
from vlsbench.construct.painters.protocol import PaintPrompt
from vlsbench.construct.painters.studio import PictureStore, Studio
from vlsbench.construct.recipe import Recipe
from vlsbench.construct.roles import Fields, Role, Shape
from vlsbench.construct.steps import Done, Step, StepOutcome, digest
from vlsbench.core import images
from vlsbench.core.errors import ImageProblem
from vlsbench.core.images import ImageFile

INSPECTED: Shape = {"caption": str, "minors": bool, "visible": bool, "realistic": bool, "better_prompt": str}

MISFIT = "the element does not show"


class Easel:
    """Paints what is asked for, looks at it, and tries again with a better prompt.

    Args:
        recipe: Attempts, size and seed.
        steps: ``paint``, ``inspect`` and ``picture``.
        studio: Who paints.
        inspector: Who looks.
        gallery: Where the pictures are.
    """

    def __init__(
        self, recipe: Recipe, steps: Mapping[str, Step], studio: Studio | None, inspector: Role, gallery: PictureStore
    ) -> None:
        self._recipe = recipe
        self._steps = steps
        self._studio = studio
        self._inspector = inspector
        self._gallery = gallery

    async def paint(self, key: str, wanted: str, description: str) -> Done:
        """A picture as ``{"sha256", "image", "attempts", "seed", "prompt", "caption"}``.

        The loop's end is a step of its own: a continued build must not try an earlier attempt again once one fits, nor
        put another picture in the place of one that a finished record has.

        Args:
            key: What it is for.
            wanted: What it must show, in a few words.
            description: What the painter is asked for first.
        """
        given = {"wanted": wanted, "description": description}
        return await self._steps["picture"](key, given, lambda: self._loop(key, wanted, description), self.holds)

    async def _loop(self, key: str, wanted: str, description: str) -> Done:
        prompt, failed = description, Done(outcome=StepOutcome.DROPPED, reason=MISFIT)
        for attempt in range(self._recipe.attempts):
            seed = int(digest(self._recipe.seed, key, attempt), 16) % 2**31
            made = await self._painted(f"{key}#{attempt}", prompt, seed)
            if made.outcome is StepOutcome.DROPPED:
                return Done(outcome=made.outcome, reason=made.reason, requests=0)
            if not made.is_ok:
                failed = made
                continue
            seen = await self._inspected(f"{key}#{attempt}", made.output, wanted, prompt)
            if seen.is_ok and seen.output["visible"] and seen.output["realistic"]:
                found = {
                    "sha256": made.output["sha256"],
                    "image": made.output["image"],
                    "bytes": made.output["bytes"],
                    "attempts": attempt + 1,
                    "seed": seed,
                    "prompt": prompt,
                    "caption": seen.output["caption"],
                    "painter": made.model,
                    "inspector": seen.model,
                }
                return Done(outcome=StepOutcome.OK, output=found, requests=0)
            if seen.outcome is StepOutcome.DROPPED:
                return Done(outcome=seen.outcome, reason=seen.reason, requests=0)
            if seen.is_ok:
                prompt = str(seen.output["better_prompt"]) or prompt
            else:
                failed = seen
        # Refused to the end is a failure, and tried again; misfits alone are an answer.
        return Done(outcome=failed.outcome, reason=failed.reason, requests=0)

    async def _painted(self, key: str, prompt: str, seed: int) -> Done:
        studio, brush = self._studio, self._recipe.brush
        if studio is None:
            raise AssertionError("nobody paints in a recipe without a painter")
        if safety.names_minors(prompt):
            return Done(outcome=StepOutcome.DROPPED, reason=safety.MINORS, requests=0)
        asked = PaintPrompt(text=prompt, seed=seed, width=brush.width, height=brush.height)
        given = {"prompt": prompt, "seed": seed, "width": brush.width, "height": brush.height}
        return await self._steps["paint"](key, given, lambda: studio.paint(asked), self.holds)

    async def _inspected(self, key: str, picture: Fields, wanted: str, prompt: str) -> Done:
        def decide(said: Fields) -> Done:
            if said["minors"]:
                self.discard(picture)
                return Done(outcome=StepOutcome.DROPPED, reason=safety.MINORS)
            return Done(outcome=StepOutcome.OK, output=dict(said))

        async def look() -> Done:
            values = {"element": wanted, "prompt": prompt}
            return await self._inspector.ask(values, INSPECTED, decide, self.open(picture))

        given = {"sha256": picture["sha256"], "wanted": wanted, "prompt": prompt}
        return await self._steps["inspect"](key, given, look)

    async def take(self, element: Element) -> Done:
        """A picture that exists already, checked and kept, as ``{"sha256", "image"}``."""
        given = await asyncio.to_thread(_stamp, element.image)
        return await self._steps["picture"](
            element.id, given, lambda: asyncio.to_thread(self._taken, element), self.holds
        )

    def holds(self, done: Done) -> bool:
        """Whether the picture of a result, if it has one, is still there."""
        return not done.is_ok or self._gallery.holds(done.output)

    def shows(self, picture: Fields) -> bool:
        """Whether a picture that was kept is still there."""
        return self._gallery.holds(picture)

    def open(self, picture: Fields) -> ImageFile:
        """A picture that was kept."""
        return self._gallery.open(picture["sha256"], picture["image"])

    def discard(self, picture: Fields) -> None:
        """Remove a picture that nobody may keep."""
        self._gallery.discard(picture["image"])

    def _taken(self, element: Element) -> Done:
        inside = element.image.startswith("data:")
        data = images.from_data_uri(element.image) if inside else images.read_file(Path(element.image))[0]
        return Done(outcome=StepOutcome.OK, output=self._gallery.keep(data), requests=0)


def _stamp(image: str) -> dict[str, object]:
    """What changes whenever a picture's file does; its bytes are not read."""
    if image.startswith("data:"):
        return {"uri": hashlib.sha256(image.encode()).hexdigest()}
    try:
        found = os.stat(image)
    except (OSError, ValueError) as error:
        raise ImageProblem(f"no image file at {image}") from error
    return {"file": image, "size": found.st_size, "changed": found.st_mtime_ns}
