"""The install line fits what is there: an installed package, or a clone alone."""

from importlib import metadata

import pytest

from vlsbench.core.extras import how_to_install


@pytest.mark.parametrize(
    ("is_installed", "said"),
    [(True, "pip install 'vlsbench[hf]'"), (False, "pip install '.[hf]' (in the clone of vlsbench)")],
)
def test_the_install_line_fits_how_the_package_came(monkeypatch, is_installed, said):
    def distribution(name):
        if not is_installed:
            raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    assert how_to_install("hf") == said
