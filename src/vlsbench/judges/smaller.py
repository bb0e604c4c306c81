"""Any judge, shown images that are scaled down."""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.downsizing import smaller
from vlsbench.core.protocols import Baseline, Detailed, Judge
from vlsbench.core.types import Image, Response, Sample, Verdict


class DownsizingJudge:
    """A judge that sees no image larger than a longest side. Implements `vlsbench.core.protocols.Judge`.

    Args:
        inner: The judge.
        max_side: The longest side in pixels; part of what makes two judges the same.
    """

    def __init__(self, inner: Judge, max_side: int) -> None:
        self.inner = inner
        self._max_side = max_side

    @property
    def name(self) -> str:
        """The judge's reference."""
        return self.inner.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the judge."""
        return self.inner.labels

    @property
    def settings(self) -> Mapping[str, str]:
        """Those of the judge, and the longest side."""
        return {**self.inner.settings, "image_max_side": str(self._max_side)}

    @property
    def details(self) -> Mapping[str, str]:
        """Those of the judge, where it has any."""
        return self.inner.details if isinstance(self.inner, Detailed) else {}

    @property
    def baseline(self) -> bool:
        """Whether the judge is one."""
        return isinstance(self.inner, Baseline) and self.inner.baseline

    async def judge(self, sample: Sample, response: Response, image: Image | None) -> Verdict:
        """Judge one answer."""
        return await self.inner.judge(sample, response, smaller(image, self._max_side))
