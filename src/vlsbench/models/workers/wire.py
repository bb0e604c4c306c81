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
from vlsbench.core.pictures import together
from vlsbench.core.types import GuardReading, Prompt, Reply

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
    """A request: its prompt without images, whether a guard's reading is wanted, and the images' bytes and facts."""

    prompt: Prompt
    guard: bool
    data: tuple[bytes, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, prompt: Prompt, *, guard: bool) -> Asked:
        """A request whose images have been read.

        Raises:
            ImageProblem: An image cannot be read any more.
        """
        data = tuple(image.read() for image in prompt.images)
        facts = tuple((image.sha256, image.media_type) for image in prompt.images)
        return cls(prompt=replace(prompt, image=None) if data else prompt, guard=guard, data=data, facts=facts)


def pack_requests(requests: Sequence[tuple[int, Asked]]) -> tuple[bytes, list[bytes]]:
    """Numbered requests as one text of bytes, and their images beside it, in order."""
    rows = [(number, asked.prompt, asked.guard, asked.facts) for number, asked in requests]
    return pickle.dumps(rows, protocol=5), [data for _, asked in requests for data in asked.data]


def unpack_requests(packed: bytes, images: Sequence[bytes]) -> list[tuple[int, Prompt, bool]]:
    """The requests with their numbers, and whether each wants a guard's reading."""
    left = iter(images)
    found = []
    for number, prompt, guard, facts in pickle.loads(packed):  # noqa: S301 - from our own driver
        travelled = [TravelledImage(next(left), *each) for each in facts]
        found.append((number, replace(prompt, image=together(travelled)) if travelled else prompt, guard))
    return found


def pack_answers(width: int, answers: Sequence[tuple[int, Answer | Failure]]) -> bytes:
    """What a worker gives back: how many requests it wants at once now, and finished ones by number."""
    return pickle.dumps((width, answers), protocol=5)


def unpack_answers(packed: bytes) -> tuple[int, list[tuple[int, Answer | Failure]]]:
    """The same, for the driver."""
    width, answers = pickle.loads(packed)  # noqa: S301 - from our own worker
    return width, answers
