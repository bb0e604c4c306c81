"""The samples of a run as its figures need them."""

from run_folders import HandMade
from vlsbench.results import samples


def test_each_sample_is_listed_once_and_no_more_than_the_run_selected(tmp_path):
    made = HandMade(tmp_path / "run", 2)
    for sample_id in ("a", "a", "b", "c"):
        made.sample(sample_id)
    assert [item.id for item in samples.read(made.read)] == ["a", "b"]


def test_a_sample_with_a_field_that_is_no_text_counts_as_not_listed(tmp_path):
    made = HandMade(tmp_path / "run", 2)
    made.sample("a", category=[1], image_sha256={}, twin_of=5)
    made.sample("b")
    (item,) = samples.read(made.read)
    assert (item.id, item.category, item.cluster, item.twin_of) == ("b", "(none)", "sample b", None)


def test_twins_are_found_whichever_names_the_other(tmp_path):
    made = HandMade(tmp_path / "run", 3)
    made.sample("h", twin_of="b1")
    made.sample("b1", expect="benign")
    made.sample("b2", expect="benign", twin_of="h")
    found = samples.twins(samples.read(made.read))
    assert {key: [twin.id for twin in twins] for key, twins in found.items()} == {"h": ["b1", "b2"]}
