"""What travels between the driver and its workers: requests, images, answers, and errors as values.

Pickled once, here, into bytes: Ray hands bytes on as they are, and its own serializer costs several times as much.
Both ends run the same version of this package, which is checked before the first request.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vlsbench.core import errors
from vlsbench.core.errors import RequestFailed, Transient, VLSBenchError
from vlsbench.core.types import GuardReading, Image, Prompt, Reply

Answer = Reply | GuardReading


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A worker that has loaded its model: what it is, and where; `width` is how many requests it wants at once."""

    width: int
    details: dict[str, str]
    version: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error of ours as a value, for Ray would wrap an exception into one of its own."""

    kind: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """An error on its way; one that is not ours becomes a failed request."""
        if isinstance(error, VLSBenchError):
            return cls(kind=type(error).__name__, message=str(error))
        return cls(kind=RequestFailed.__name__, message=f"{type(error).__name__}: {error}")

    def revived(self) -> VLSBenchError:
        """The error that it was."""
        kind = getattr(errors, self.kind, RequestFailed)
        if issubclass(kind, Transient):
            return Transient(self.message)
        # Some build their message from other arguments; this one is built already.
        error: VLSBenchError = kind.__new__(kind, self.message)
        error.args = (self.message,)
        return error


class TravelledImage:
    """An image whose bytes came along. Implements `vlsbench.core.types.Image`."""

    __slots__ = ("_data", "media_type", "sha256")

    def __init__(self, data: bytes, sha256: str, media_type: str) -> None:
        self._data = data
        self.sha256 = sha256
        self.media_type = media_type

    def read(self) -> bytes:
        """The bytes, which were checked before they left."""
        return self._data

    async def base64(self) -> bytes:
        """The bytes in base64."""
        return base64.b64encode(self._data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its prompt without the image, whether a guard's reading is wanted, and what the image's bytes are."""

    prompt: Prompt
    guard: bool
    data: bytes | None = None
    sha256: str = ""
    media_type: str = ""

    @classmethod
    def of(cls, prompt: Prompt, *, guard: bool) -> Asked:
        """A request whose image has been read.

        Raises:
            ImageProblem: The image cannot be read any more.
        """
        image = prompt.image
        if image is None:
            return cls(prompt=prompt, guard=guard)
        data = image.read()
        return cls(
            prompt=replace(prompt, image=None), guard=guard, data=data, sha256=image.sha256, media_type=image.media_type
        )


def pack_requests(requests: Sequence[tuple[int, Asked]]) -> tuple[bytes, list[bytes]]:
    """Numbered requests as one text of bytes, and their images beside it, in order."""
    rows = [
        (number, asked.prompt, asked.guard, None if asked.data is None else (asked.sha256, asked.media_type))
        for number, asked in requests
    ]
    return pickle.dumps(rows, protocol=5), [asked.data for _, asked in requests if asked.data is not None]


def unpack_requests(packed: bytes, images: Sequence[bytes]) -> list[tuple[int, Prompt, bool]]:
    """The requests with their numbers, and whether each wants a guard's reading."""
    left = iter(images)
    return [
        (number, prompt if image is None else _with_image(prompt, TravelledImage(next(left), *image)), guard)
        for number, prompt, guard, image in pickle.loads(packed)  # noqa: S301 - from our own driver
    ]


def _with_image(prompt: Prompt, image: Image) -> Prompt:
    return replace(prompt, image=image)


def pack_answers(width: int, answers: Sequence[tuple[int, Answer | Failure]]) -> bytes:
    """What a worker gives back: how many requests it wants at once now, and finished ones by number."""
    return pickle.dumps((width, answers), protocol=5)


def unpack_answers(packed: bytes) -> tuple[int, list[tuple[int, Answer | Failure]]]:
    """The same, for the driver."""
    width, answers = pickle.loads(packed)  # noqa: S301 - from our own worker
    return width, answers
