"""What models, judges, datasets and views have to be able to do, and what they may be able to do besides.

Anything with these members fits; nothing has to be derived from. `require` says what a custom object lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from vlsbench.core.errors import RequestFailed, UserError
from vlsbench.core.types import GuardReading, Image, Prompt, Reply, Response, Sample, Verdict


@runtime_checkable
class Model(Protocol):
    """Anything that answers prompts.

    `name` is the reference it was made from; it is part of a run's identity. `generate` raises
    `RequestFailed` (or a subclass, which decides about another try) instead of returning made-up text. It
    may also be `Closing`, `Detailed`, `Adapting`, `Served`, `Telling` or `Wrapping`.
    """

    @property
    def name(self) -> str:
        """The model's reference."""
        ...

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        ...


@runtime_checkable
class LocalModel(Protocol):
    """A model in this process, which answers requests in batches."""

    @property
    def name(self) -> str:
        """The model's reference."""
        ...

    @property
    def width(self) -> int:
        """How many requests to keep in flight so that the next batch is ready when one ends."""
        ...

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        ...


@runtime_checkable
class GuardModel(Protocol):
    """A model whose logits are at hand, so that a guard's verdict comes with its probability."""

    @property
    def name(self) -> str:
        """The model's reference."""
        ...

    async def guard(self, prompt: Prompt) -> GuardReading:
        """Read a guard's verdict on a user's turn, or on the answer in `prompt.earlier` that follows it."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Anything that turns a response into a verdict.

    `name` and `settings` identify it: two judges with equal name and settings give comparable verdicts. It
    may also be `Baseline`, `Detailed`, `Adapting` or `Wrapping`.
    """

    @property
    def name(self) -> str:
        """The judge's reference."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels its verdicts may carry; the summary chooses its rates by them."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What else its verdicts depend on: what it sees, the hash of its rubric."""
        ...

    async def judge(self, sample: Sample, response: Response, image: Image | None) -> Verdict:
        """Judge one answer. `image` is None where the sample has none."""
        ...


@runtime_checkable
class Dataset(Protocol):
    """A named, ordered, re-iterable stream of samples.

    It may also be `Stamped`, `Skipping` or `ReadableWithoutImages`.
    """

    @property
    def name(self) -> str:
        """The dataset's reference."""
        ...

    @property
    def root(self) -> Path | str | None:
        """The folder that image references are relative to and must stay inside; None: paths as they are."""
        ...

    @property
    def revision(self) -> str:
        """The pinned revision of the data, or an empty string where there is none."""
        ...

    def __iter__(self) -> Iterator[Sample]:
        """The samples, in an order that never changes."""
        ...


class View(Protocol):
    """What a model is shown in place of a sample; the judge sees the sample itself all the same."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What makes two views the same, its ``name`` for one: part of a run's identity."""
        ...

    def show(self, sample: Sample, image: Image | None) -> tuple[str, Image | None]:
        """The text and the image to show.

        Args:
            sample: The sample, whose image is sound.
            image: Its image, or None where it has none.

        Raises:
            RequestFailed: This sample cannot be shown so; recorded as its failure.
        """
        ...


@runtime_checkable
class Closing(Protocol):
    """A model that holds connections or memory until it is closed."""

    async def close(self) -> None:
        """Let go of them."""
        ...


@runtime_checkable
class Detailed(Protocol):
    """A model or judge that says of itself, for the manifest, what is not part of its identity."""

    @property
    def details(self) -> Mapping[str, str]:
        """Short texts by name: the commit of its weights, the name of its rubric."""
        ...


@runtime_checkable
class Served(Protocol):
    """A model behind one server or several."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where it is asked: base URLs without keys."""
        ...


@runtime_checkable
class Noticing(Protocol):
    """A model whose requests may wait for something else than answers: a server, a worker."""

    @property
    def notice(self) -> str:
        """What its requests wait for at this moment beside answers, or an empty text."""
        ...


@runtime_checkable
class Telling(Served, Noticing, Protocol):
    """A model whose servers can be asked what they serve."""

    @property
    def roots(self) -> Sequence[str]:
        """What the servers say is behind the model's name, as far as they were asked and say so."""
        ...

    @property
    def doubt(self) -> str:
        """What the user should know of its servers, or an empty text."""
        ...

    async def meet(self) -> None:
        """Ask the servers what they serve.

        Raises:
            ConnectionFailed: No answer came; not a reason to give up.
            UserError: They serve different models.
        """
        ...


@runtime_checkable
class Adapting(Protocol):
    """A model that leaves out or rewrites what its server does not take."""

    @property
    def adaptations(self) -> Sequence[str]:
        """What it changed so far, each in a few words."""
        ...


@runtime_checkable
class Wrapping(Protocol):
    """A model, judge or guard around another, whose details and adaptations count as its own."""

    @property
    def inner(self) -> object:
        """What it wraps."""
        ...


@runtime_checkable
class Baseline(Protocol):
    """A judge that may be a mere baseline: shown as one, and never chosen where there is another judge."""

    @property
    def baseline(self) -> bool:
        """Whether it is."""
        ...


@runtime_checkable
class Stamped(Protocol):
    """A dataset that can tell, without being read, whether it has changed."""

    @property
    def stamp(self) -> str:
        """Changes whenever the records may have; empty where that cannot be told."""
        ...


@runtime_checkable
class Skipping(Protocol):
    """A dataset that can begin at any sample without reading those before it."""

    def since(self, start: int) -> Iterator[Sample]:
        """The samples from number `start` (counted from 0) on."""
        ...


@runtime_checkable
class ReadableWithoutImages(Protocol):
    """A dataset whose images lie inside its files, and can be passed over where nobody looks at them."""

    def without_images(self) -> Iterator[Sample]:
        """The samples, each with a short reference in place of its image."""
        ...


T = TypeVar("T")


def require(thing: object, protocol: type, what: str) -> None:
    """Nothing where an object that a user made fits.

    Args:
        thing: The object.
        protocol: `Model`, `Judge`, `Dataset` or another protocol.
        what: What messages call it, for example ``judge``.

    Raises:
        UserError: It lacks something, which the message names.
    """
    if isinstance(thing, type):
        raise UserError(f"The {what} is the class {thing.__name__}; pass an object of it: {thing.__name__}(...).")
    wanted = {
        name: callable(member)
        for base in protocol.__mro__
        if getattr(base, "_is_protocol", False)
        for name, member in vars(base).items()
        if name == "__iter__" or not name.startswith("_")
    }
    lacking = [
        f"`{name}`" if name.startswith("_") or not is_method else f"`{name}()`"
        for name, is_method in wanted.items()
        if not (callable(getattr(thing, name, None)) if is_method else hasattr(thing, name))
    ]
    if lacking:
        raise UserError(
            f"The {what} is neither a reference nor an object that fits: one of type {type(thing).__name__} lacks "
            f"{', '.join(lacking)}."
        )


def returned(said: object, kind: type[T], who: str) -> T:
    """What a user's object gave back, if it is of the type that it should be.

    Raises:
        RequestFailed: It is not.
    """
    if not isinstance(said, kind):
        found = type(said).__name__
        raise RequestFailed(f"the {who} gave back, instead of a {kind.__name__}, something of type {found}")
    return said
