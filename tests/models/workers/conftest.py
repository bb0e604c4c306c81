"""One Ray for the tests of this folder: it takes seconds to start."""

from pathlib import Path

import pytest

from vlsbench.models.workers import cluster
from vlsbench.models.workers.settings import Workers

_SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture(scope="module")
def ray_here():
    """A local Ray that stays until the module's tests are over, whose workers find what tests share."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{_SUPPORT}:{_SUPPORT.parents[1] / 'src'}")
        place = cluster.join(Workers(count=1), on_cpu=True)
        yield
        place.leave()
