"""What a model is shown in place of a sample, where that is not the sample itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from vlsbench.types import Image, Sample


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
