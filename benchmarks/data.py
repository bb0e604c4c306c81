"""Synthetic datasets: valid PNG files of noise, each different, and a `jsonl:FILE` that names them."""

from __future__ import annotations

import argparse
import json
import math
import random
import struct
import zlib
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file, with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def noise_png(n_bytes: int, seed: int) -> bytes:
    """A square RGB picture of noise, stored without compression.

    Args:
        n_bytes: Size wanted; the file is at most a few per cent smaller or larger.
        seed: Another seed gives another picture.
    """
    side = max(1, round(math.sqrt(n_bytes / 3)))
    stride = 3 * side + 1
    rows = bytearray(random.Random(f"{n_bytes}-{seed}").randbytes(side * stride))
    rows[::stride] = bytes(side)  # each row begins with its filter: none
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return _SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def make(folder: Path, n: int, image_bytes: int, distinct: int | None = None) -> Path:
    """Write `n` samples with their images.

    Args:
        folder: Created where missing.
        n: How many samples.
        image_bytes: About how large each PNG file is.
        distinct: How many different image files; None is one per sample. With fewer, samples share them.

    Returns:
        The jsonl file.
    """
    distinct = n if distinct is None else min(n, distinct)
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for number in range(distinct):
        (images / f"{number:06d}.png").write_bytes(noise_png(image_bytes, number))
    path = folder / "samples.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(n):
            file.write(json.dumps(_record(number, f"images/{number % distinct:06d}.png")) + "\n")
    return path


def _record(number: int, image: str) -> dict[str, str | None]:
    return {
        "sample_id": f"bench-{number:06d}",
        "text": f"What does picture {number} show, and what is its most frequent colour?",
        "image": image,
        "category": "Privacy",
        "sub_category": "Unauthorized Data Collection",
        "source": "synthetic",
        "description": "A square of coloured noise.",
        "safety_reason": "Nothing here is unsafe; the record only has the shape of a real one.",
        "expect": "harmful",
        "twin_of": None,
    }


def main() -> None:
    """Make one dataset and print where it is."""
    parser = argparse.ArgumentParser(description="Make a synthetic dataset.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--image-bytes", type=int, default=20_000)
    parser.add_argument("--distinct", type=int, help="how many different image files (default: one per sample)")
    args = parser.parse_args()
    print(make(args.folder, args.samples, args.image_bytes, args.distinct))


if __name__ == "__main__":
    main()
