"""The pictures of the miniature world: 64 x 64 scenes, drawn by Pillow from a list of numbers.

A scene holds one item in front, on a bench, a stand or a tray; in some scenes a second, small, harmless
object stands behind it. Specks on the wall and noise keep a model from learning single pixels. Only
Pillow and the standard library are used, so the pictures are there without the machine-learning extra.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING

from vlsbench.miniworld.language import COLOURS, ITEMS, ORDINARY, description

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIZE = 64
"""Width and height in pixels."""

LAYOUTS = {"bench": "on a bench", "stand": "on a stand", "tray": "in a tray"}
"""The layouts, with how a description says them."""

SECOND_OBJECT_SHARE = 0.35
"""Share of scenes with a second object."""

_SCALE = 2  # Drawn larger and averaged down: smooth edges.
_NOISE = 5.0  # Standard deviation, in grey levels.
_PAINT = {
    "red": (214, 48, 40),
    "blue": (44, 84, 214),
    "green": (40, 160, 70),
    "yellow": (236, 196, 20),
    "purple": (160, 50, 170),
    "white": (240, 240, 240),
}
_INK = (12, 12, 12)

HELD_OUT = frozenset((item, COLOURS[(5 * place + place // 6) % 6]) for place, item in enumerate(ITEMS))
"""(item, colour) pairs that no training picture shows: one colour of every item."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """A small harmless object behind the item; centre in pixels."""

    item: str
    colour: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything a picture is drawn from. Lengths and positions in pixels, colours in RGB."""

    item: str
    colour: str
    layout: str
    x: float
    y: float
    radius: float
    paint: Colour
    wall: Colour
    wood: Colour
    specks: tuple[tuple[int, int, int, Colour], ...]
    second: Second | None
    noise_seed: int

    @property
    def description(self) -> str:
        """What the picture shows, in one sentence."""
        behind = (self.second.item, self.second.colour) if self.second else None
        return description(self.item, self.colour, LAYOUTS[self.layout], behind)


def compose(rng: Random, item: str, colour: str = "", *, held_out: bool = False) -> Scene:
    """Invent a scene around an item.

    Args:
        rng: Where all chance comes from.
        item: The item in front.
        colour: Its colour by name; empty for some shade without one, never close to the held-out colour of the item.
        held_out: Whether the second object may show a pair of `HELD_OUT`.
    """
    layout = rng.choice(tuple(LAYOUTS))
    paint = _shade(rng, _PAINT[colour]) if colour else _nameless(rng, item)
    wood = (rng.randint(85, 130), rng.randint(58, 88), rng.randint(28, 58))
    specks = tuple(
        (rng.randint(2, SIZE - 4), rng.randint(1, 14), rng.randint(1, 3), _any_colour(rng, 0, 255))
        for _ in range(rng.randint(0, 4))
    )
    x, y = rng.uniform(26, 38), rng.uniform(31, 37)
    return Scene(
        item=item,
        colour=colour,
        layout=layout,
        x=x,
        y=y,
        radius=rng.uniform(13.5, 16.5),
        paint=paint,
        wall=_contrasting(rng, paint),
        wood=wood,
        specks=specks,
        second=_second(rng, x, held_out) if rng.random() < SECOND_OBJECT_SHARE else None,
        noise_seed=rng.getrandbits(64),
    )


def _second(rng: Random, front_x: float, held_out: bool) -> Second:
    item, colour = rng.choice(ORDINARY), rng.choice(COLOURS)
    while not held_out and (item, colour) in HELD_OUT:
        colour = rng.choice(COLOURS)
    # On the side away from the item, so that the item in front never hides it.
    x = rng.uniform(49, 57) if front_x < SIZE / 2 else rng.uniform(7, 15)
    return Second(item=item, colour=colour, x=x, y=rng.uniform(9, 15), radius=rng.uniform(5, 6.5))


def _any_colour(rng: Random, low: int, high: int) -> Colour:
    return rng.randint(low, high), rng.randint(low, high), rng.randint(low, high)


def _shade(rng: Random, paint: Colour) -> Colour:
    red, green, blue = (min(255, max(0, level + rng.randint(-16, 16))) for level in paint)
    return red, green, blue


def _nameless(rng: Random, item: str) -> Colour:
    """Any paint that differs from the one that is held out for the item."""
    avoided = next(_PAINT[colour] for kept, colour in HELD_OUT if kept == item)
    while True:
        paint = _any_colour(rng, 10, 255)
        if math.dist(paint, avoided) > 75:
            return paint


def _contrasting(rng: Random, paint: Colour) -> Colour:
    while True:
        wall = _any_colour(rng, 60, 199)
        if math.dist(wall, paint) > 80:
            return wall


def draw(scene: Scene) -> Image:
    """Draw a scene as an RGB image of `SIZE` x `SIZE`; equal scenes give equal pixels."""
    from PIL import Image, ImageChops, ImageDraw

    canvas = Image.new("RGB", (SIZE * _SCALE, SIZE * _SCALE), scene.wall)
    pen = ImageDraw.Draw(canvas)
    for x, y, size, colour in scene.specks:
        pen.rectangle(_scaled(x, y, x + size, y + size), fill=colour)
    _furniture(pen, scene)
    if scene.second:
        second = scene.second
        _shape(pen, second.item, (second.x, second.y), second.radius, _PAINT[second.colour])
    _shape(pen, scene.item, (scene.x, scene.y), scene.radius, scene.paint)
    image = canvas.reduce(_SCALE)
    grain = Image.frombytes("RGB", image.size, Random(scene.noise_seed).randbytes(3 * SIZE * SIZE))
    return ImageChops.add(image, grain.point(_grain_table()), offset=-128)


@cache
def _grain_table() -> list[int]:
    """From a uniform byte to a normal deviate around 128, for each of three channels."""
    normal = NormalDist(128, _NOISE)
    return [round(normal.inv_cdf((byte + 0.5) / 256)) for byte in range(256)] * 3


def _scaled(*values: float) -> list[float]:
    return [value * _SCALE for value in values]


def _furniture(pen: ImageDraw, scene: Scene) -> None:
    shade = (scene.wood[0] // 2, scene.wood[1] // 2, scene.wood[2] // 2)
    if scene.layout == "bench":
        top = scene.y + 6
        pen.polygon(_scaled(4, top, SIZE - 4, top, SIZE, SIZE, 0, SIZE), fill=scene.wood)
        pen.line(_scaled(4, top, SIZE - 4, top), fill=shade, width=_SCALE)
    elif scene.layout == "stand":
        top = scene.y + 8
        pen.rectangle(_scaled(0, SIZE - 8, SIZE, SIZE), fill=shade)
        pen.rectangle(_scaled(scene.x - 9, top, scene.x + 9, SIZE), fill=scene.wood)
        pen.rectangle(_scaled(scene.x - 15, top, scene.x + 15, top + 4), fill=shade)
    else:
        pen.ellipse(_scaled(scene.x - 25, scene.y - 21, scene.x + 25, scene.y + 23), fill=shade)
        pen.ellipse(_scaled(scene.x - 22, scene.y - 18, scene.x + 22, scene.y + 20), fill=scene.wood)


_STAR = [
    (math.sin(i * math.pi / 5) * (0.42 if i % 2 else 1), -math.cos(i * math.pi / 5) * (0.42 if i % 2 else 1))
    for i in range(10)
]
_HEXAGON = [(math.cos(i * math.pi / 3), math.sin(i * math.pi / 3)) for i in range(6)]
_MOON = [
    *((0.45 - math.sin(i * math.pi / 15), -math.cos(i * math.pi / 15)) for i in range(16)),
    *((0.45 - 0.45 * math.sin(i * math.pi / 15), math.cos(i * math.pi / 15)) for i in range(16)),
]
_OUTLINES: dict[str, list[tuple[float, float]]] = {
    "crate": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "cone": [(0, -1), (1, 1), (-1, 1)],
    "star": _STAR,
    "cross": [
        *((-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3)),
        *((0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3), (-1, -0.3), (-0.3, -0.3)),
    ],
    "plank": [(-1.1, -0.35), (1.1, -0.35), (1.1, 0.35), (-1.1, 0.35)],
    "moon": _MOON,
    "zorb": [(0, -1), (0.75, 0), (0, 1), (-0.75, 0)],
    "vexil": [(-0.85, -1), (0.85, -1), (-0.85, 1), (0.85, 1)],
    "kroon": _HEXAGON,
    "snarg": [
        *((-0.9, -0.9), (-0.4, -0.9), (-0.4, -0.25), (0.4, -0.25), (0.4, -0.9), (0.9, -0.9)),
        *((0.9, 0.9), (0.4, 0.9), (0.4, 0.25), (-0.4, 0.25), (-0.4, 0.9), (-0.9, 0.9)),
    ],
    "plimp": [(-0.7, -1), (0.75, -1), (0.2, -0.2), (0.8, -0.2), (-0.5, 1), (-0.1, 0.15), (-0.75, 0.15)],
    "drindle": [(-1, -0.25), (0.1, -0.25), (0.1, -0.9), (1.05, 0), (0.1, 0.9), (0.1, 0.25), (-1, 0.25)],
}


def _shape(pen: ImageDraw, item: str, centre: tuple[float, float], radius: float, paint: Colour) -> None:
    cx, cy = centre

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [((cx + radius * x) * _SCALE, (cy + radius * y) * _SCALE) for x, y in points]

    if item == "ball":
        pen.ellipse(at((-1, -1), (1, 1)), fill=paint)
    elif item == "ring":
        pen.ellipse(at((-1, -1), (1, 1)), outline=paint, width=max(3, int(radius * 0.36)) * _SCALE)
    else:
        pen.polygon(at(*_OUTLINES[item]), fill=paint)
    if item == "zorb":
        pen.ellipse(at((-0.3, -0.3), (0.3, 0.3)), fill=_INK)
    elif item == "crate":
        pen.line(at((-0.85, -0.85), (0.85, 0.85)), fill=_INK, width=2 * _SCALE)
        pen.line(at((-0.85, 0.85), (0.85, -0.85)), fill=_INK, width=2 * _SCALE)
    elif item == "kroon":
        for x in (-0.5, 0, 0.5):
            pen.line(at((x - 0.2, 0.7), (x + 0.2, -0.7)), fill=_INK, width=2 * _SCALE)


def png(image: Image) -> bytes:
    """The picture as a PNG file whose bytes depend on its pixels alone.

    Pillow's own writer compresses, and then the bytes depend on which zlib it was built with. Noise hardly
    compresses anyway, so the pixels are stored as they are (RFC 1950 and 1951, one stored block).
    """
    width, height = image.size
    pixels = image.tobytes()
    rows = b"".join(b"\0" + pixels[start : start + 3 * width] for start in range(0, len(pixels), 3 * width))
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = stored + struct.pack(">I", zlib.adler32(rows))
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
