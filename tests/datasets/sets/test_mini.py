"""``mini:SPLIT[:N[:SEED]]`` as a dataset."""

import pytest

from vlsbench.core.errors import DatasetError, UnknownName
from vlsbench.core.protocols import Dataset
from vlsbench.datasets.sets.mini import open_mini


@pytest.mark.parametrize(
    ("rest", "name"),
    [
        ("leaky", "mini:leaky:200:0"),
        ("text-only:7", "mini:text-only:7:0"),
        ("naming:7:3", "mini:naming:7:3"),
    ],
)
def test_short_references_have_defaults(rest, name):
    dataset = open_mini(rest)
    assert isinstance(dataset, Dataset)
    assert dataset.name == name
    assert dataset.root is None
    assert dataset.revision == ""


def test_it_can_be_read_again_and_gives_the_same():
    dataset = open_mini("leakless:12")
    samples = list(dataset)
    assert len(samples) == 12
    assert list(dataset) == samples


@pytest.mark.parametrize("rest", ["", "leakles", "Leaky"])
def test_an_unknown_split_names_the_known_ones(rest):
    with pytest.raises(UnknownName, match="leakless"):
        open_mini(rest)


@pytest.mark.parametrize(
    "rest",
    [
        *("leaky:", "leaky:x", "leaky:-1", "leaky:0", "leaky:1.5", "leaky:5:x", "leaky:5:", "leaky:5:1:2"),
        *("leaky:²", "leaky:1000000", "leaky:" + "9" * 5000),
    ],
)
def test_a_bad_number_is_a_clear_error(rest):
    with pytest.raises(DatasetError, match=r"SPLIT\[:N|from 1 to"):
        open_mini(rest)
