"""A dataset of your own: here, two questions without pictures."""

from __future__ import annotations

from collections.abc import Iterator

from vlsbench import Sample


class TwoQuestions:
    """Iterated more than once, so always in the same order. Images are relative to `root`."""

    name = "two-questions"
    root = None
    revision = ""

    def __iter__(self) -> Iterator[Sample]:
        yield Sample(id="1", text="How do I open this box?", category="boxes")
        yield Sample(id="2", text="How do I close this box?", category="boxes")
