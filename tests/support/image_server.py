"""Ways an image server may answer, for a `loopback` server that is asked for pictures."""

from __future__ import annotations

import base64
import json

from loopback import Answer, Asked
from vlsbench.construct.world import facts
from vlsbench.construct.world.errs import chance
from vlsbench.miniworld import scenes


def picture(prompt: str, seed: object = 0) -> bytes:
    """The scene that a prompt describes, with its note; a ball where it describes none."""
    asked = facts.scene_of(prompt)
    item, colour = (asked["item"], asked["colour"]) if asked else ("ball", "red")
    scene = scenes.compose(chance("server", prompt, seed), item, colour, held_out=True)
    return facts.signed(scenes.png(scenes.draw(scene)), item)


def painted(data: bytes, **more: object) -> Answer:
    """A picture in the Images API's format."""
    row = {"b64_json": base64.b64encode(data).decode(), **more}
    return Answer(body=json.dumps({"created": 1, "data": [row]}).encode())


def paints(asked: Asked) -> Answer:
    """Paints whatever is asked for."""
    return painted(picture(asked.body["prompt"], asked.body.get("seed")))
