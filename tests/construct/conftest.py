"""A small build of the miniature, made once for all that only look at it."""

from dataclasses import replace

import pytest

from vlsbench.construct.build import build
from vlsbench.construct.recipe import miniature


def small(n=8, **changes):
    """The miniature with few elements and without the packaged VLM, the check guard and the baseline: quick."""
    return replace(
        miniature(n), inspector="world:scripted-inspector", **{"check_guard": None, "reference": None, **changes}
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of a finished build, for reading alone."""
    path = tmp_path_factory.mktemp("build") / "b"
    build(small(10), out=path)
    return path
