"""What models, judges, datasets and views have to be able to do.

Anything with these members fits; nothing has to be derived from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from vlsbench.core.types import GuardReading, Image, Prompt, Reply, Response, Sample, Verdict


@runtime_checkable
class Model(Protocol):
    """Anything that answers prompts.

    `name` is the reference it was made from; it is part of a run's identity. `generate` raises
    `RequestFailed` (or a subclass, which decides about another try) instead of returning made-up text. A
    model that holds connections or memory may also have an ``async def close(self)``.
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

    `name` and `settings` identify it: two judges with equal name and settings give comparable verdicts.
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
    """A named, ordered, re-iterable stream of samples."""

    @property
    def name(self) -> str:
        """The dataset's reference."""
        ...

    @property
    def root(self) -> Path | None:
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
