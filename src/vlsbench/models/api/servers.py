"""One model behind several servers: the least loaded is asked, one that fails rests, and its requests move on.

Nothing is lost or asked for twice by that: an answer is recorded once, by the one process that asks for it. A server
that died with requests on their way costs what it had done of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vlsbench.core import metering
from vlsbench.core.errors import (
    AccessDenied,
    ConnectionFailed,
    RateLimited,
    RequestFailed,
    Stopped,
    Transient,
    UserError,
    VLSBenchError,
)
from vlsbench.core.names import same_model
from vlsbench.core.types import Image, Prompt, Reply
from vlsbench.models.api.addresses import ServerList
from vlsbench.models.api.endpoint import Endpoint
from vlsbench.models.api.moderation import Moderated, Moderation
from vlsbench.models.api.openai import OpenAIModel

E = TypeVar("E", bound=Endpoint)
T = TypeVar("T")

REST_S, LONGEST_REST_S = 2.0, 60.0
"""How long a server rests after a failure, doubled with each further one; longer where it says so itself."""

_FAULTS = 3
"""So many answers in a row that are no answers (HTTP 500, broken JSON) and a server rests; one may be the request's."""

_DROPPED = 2
"""A request during which so many servers fell silent is moved no further: it may be what fells them."""

_LOOK_EVERY_S = 1.0


@dataclass(slots=True, kw_only=True)
class _Place(Generic[E]):
    """A server with what is known of it. Until its first answer, and after a rest, one request tries it."""

    endpoint: E
    in_flight: int = 0
    is_met: bool = False
    is_trusted: bool = False
    rests_until: float = 0.0
    failures: int = 0
    was_told: bool = False
    refusal: str = ""
    denial: str = ""

    @property
    def rests_s(self) -> float:
        return max(0.0, self.rests_until - time.monotonic())

    def rank(self) -> tuple[int, int]:
        """The lower the better."""
        if self.rests_s:
            return 2, self.in_flight
        return (0 if self.is_trusted or not self.in_flight else 1), self.in_flight

    def answered(self) -> None:
        self.is_trusted, self.failures, self.rests_until, self.denial = True, 0, 0.0, ""

    def failed(self, error: VLSBenchError) -> None:
        told = error.retry_after if isinstance(error, Transient) else None
        if self.rests_s and told is None:
            return  # sent before the failure that made it rest: the same one again
        self.failures += 1
        if isinstance(error, AccessDenied | Stopped) and not self.refusal:
            self.denial = f"{self.endpoint.base_url} does none of the work: {str(error).rstrip('.')}."
        at_once = isinstance(error, ConnectionFailed | RateLimited | AccessDenied | Stopped) or told is not None
        if at_once or self.failures >= _FAULTS:
            rest_s = min(LONGEST_REST_S, REST_S * 2 ** min(self.failures - 1, 16))
            self.rests_until = time.monotonic() + (rest_s if told is None else told)
            self.was_told, self.is_trusted = told is not None, False


class Servers(Generic[E]):
    """Several servers of one model.

    Args:
        model: The name by which they know it.
        listed: Where they are.
        make: Makes the model at one address.
    """

    def __init__(self, model: str, listed: ServerList, make: Callable[[str], E]) -> None:
        self.model = model
        self.listed = listed
        self._make = make
        self._places: dict[str, _Place[E]] = {}
        self._root: str | None = None

    @property
    def addresses(self) -> list[str]:
        """The servers that are, or were, in the list."""
        return list(dict.fromkeys((*self._places, *self.listed.now())))

    @property
    def roots(self) -> list[str]:
        """What the servers say is behind the model's name."""
        return list(dict.fromkeys(root for place in self._accepted() for root in place.endpoint.roots))

    @property
    def adaptations(self) -> list[str]:
        """What had to be changed for some server, and who was left out."""
        changed = [text for place in self._accepted() for text in place.endpoint.adaptations]
        left_out = [text for place in self._places.values() if (text := place.refusal or place.denial)]
        return list(dict.fromkeys((*changed, *left_out)))

    @property
    def notice(self) -> str:
        """What the run waits for, or an empty text."""
        return self.listed.notice

    @property
    def doubt(self) -> str:
        """Who is left out or denies what it is asked, and why, and what in the list is no address."""
        listed = [place for url in self.listed.now() if (place := self._places.get(url)) is not None]
        refusals = (place.refusal or place.denial for place in listed)
        return " ".join(filter(None, (*refusals, self.listed.doubt)))

    async def meet(self) -> None:
        """Ask every server what it serves; one that is not there yet is asked when it is first needed.

        Raises:
            UserError: They serve different models.
        """
        places = self._listed()
        met = await asyncio.gather(*(self._meet(place) for place in places), return_exceptions=True)
        for problem in met:
            if isinstance(problem, BaseException) and not isinstance(problem, RequestFailed | AccessDenied):
                raise problem
        if refused := [place.refusal for place in places if place.refusal]:
            raise UserError(f"The servers do not serve one model. {' '.join(refused)}")

    async def ask(self, call: Callable[[E], Awaitable[T]]) -> T:
        """Send a request to the least loaded server, and on to others where that fails.

        Raises:
            VLSBenchError: No server answered, or one says that the request is at fault.
        """
        tried: dict[str, VLSBenchError] = {}
        while (place := await self._next(tried)) is not None:
            place.in_flight += 1
            try:
                await self._meet(place)
                if tried:
                    metering.sent(again=True)
                found = await call(place.endpoint)
            except (Transient, AccessDenied, Stopped) as error:
                place.failed(error)
                tried[place.endpoint.base_url] = error
                if sum(isinstance(one, ConnectionFailed) and one.reached for one in tried.values()) >= _DROPPED:
                    raise
            except RequestFailed:
                place.answered()
                raise
            else:
                place.answered()
                return found
            finally:
                place.in_flight -= 1
        raise self._failure(tried)

    async def close(self) -> None:
        """Close all connections."""
        for place in self._places.values():
            await place.endpoint.close()

    async def _next(self, tried: dict[str, VLSBenchError]) -> _Place[E] | None:
        """The server to ask; None where all were tried or said when to come back."""
        while not (places := self._listed()):  # noqa: ASYNC110 - a file tells nobody that it has changed
            await asyncio.sleep(_LOOK_EVERY_S)
        free = [place for place in places if place.endpoint.base_url not in tried and not place.refusal]
        free = [place for place in free if not (place.was_told and place.rests_s)]
        return min(free, key=_Place.rank, default=None)

    def _failure(self, tried: dict[str, VLSBenchError]) -> VLSBenchError:
        """What it means that no server answered: of their errors the one that leaves most hope."""
        waits = [place.rests_s for place in self._accepted() if place.was_told and place.rests_s]
        if not tried and waits:
            return RateLimited("all servers ask to wait", retry_after=min(waits))
        kinds = (RateLimited, ConnectionFailed, Transient, Stopped, AccessDenied)
        errors = sorted(tried.values(), key=lambda error: [isinstance(error, kind) for kind in kinds].index(True))
        if not errors:
            return AccessDenied(" ".join(place.refusal for place in self._places.values()))
        first = errors[0]
        if isinstance(first, ConnectionFailed) and len(errors) > 1:
            return ConnectionFailed(f"none of {len(errors)} servers answered: {first}", reached=first.reached)
        return first

    def _accepted(self) -> list[_Place[E]]:
        return [place for place in self._places.values() if not place.refusal]

    def _listed(self) -> list[_Place[E]]:
        for url in self.listed.now():
            if url not in self._places:
                self._places[url] = _Place(endpoint=self._make(url))
        return [self._places[url] for url in self.listed.now()]

    async def _meet(self, place: _Place[E]) -> None:
        """Ask a server once what it serves.

        Raises:
            AccessDenied: Another model than the others.
        """
        if not place.is_met:
            await place.endpoint.meet()
            place.is_met = True
            for root in place.endpoint.roots:
                self._root = self._root or root
                if not same_model(root, self._root):
                    place.refusal = f"{place.endpoint.base_url} is left out: it serves {root}, others {self._root}."
        if place.refusal:
            raise AccessDenied(place.refusal)


class ServedModel(Servers[OpenAIModel]):
    """A chat model behind several servers. Implements `vlsbench.core.protocols.Model`."""

    @property
    def name(self) -> str:
        """``openai:NAME``, wherever the servers are."""
        return f"openai:{self.model}"

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises:
            VLSBenchError: As `OpenAIModel.generate`, once no server is left to ask.
        """
        return await self.ask(lambda model: model.generate(prompt))


class ServedModeration(Servers[Moderation]):
    """A moderation model behind several servers."""

    @property
    def name(self) -> str:
        """``moderation:NAME``, wherever the servers are."""
        return f"moderation:{self.model}"

    async def moderate(self, text: str, image: Image | None) -> Moderated:
        """Ask about one input.

        Raises:
            VLSBenchError: As `Moderation.moderate`, once no server is left to ask.
        """
        return await self.ask(lambda model: model.moderate(text, image))
