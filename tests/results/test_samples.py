"""The samples of a run as its figures need them."""

from run_folders import HandMade
from vlsbench import stats
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


def listed(name, *images, group=""):
    return samples.ListedSample(
        id=name,
        category="",
        sub_category="",
        source="",
        harmful=True,
        cluster=images[0] if images else samples.alone(name),
        twin_of=None,
        group=group,
        more_images=images[1:],
    )


def test_samples_that_share_any_picture_are_one_cluster_directly_or_through_others():
    items = [listed("a", "1", "2"), listed("b", "2"), listed("c", "3", None, "1"), listed("d", "4", "5"), listed("e")]
    of = samples.pictures(items)
    assert of[0] == of[1] == of[2]
    assert len({of[0], *of[3:]}) == 3


def test_where_samples_have_one_picture_each_their_clusters_are_its_hashes():
    assert samples.pictures([listed("a", "1"), listed("b", "1"), listed("c")]) == ["1", "1", "sample c"]


def test_the_interval_widens_where_only_the_second_pictures_are_shared():
    """Forty samples with a picture of their own, and a second one that decides for four of them at a time."""
    hits = [number // 4 % 2 == 0 for number in range(40)]
    alone = samples.dependence([listed(str(n), f"own {n}", f"second {n}") for n in range(40)])
    shared = samples.dependence([listed(str(n), f"own {n}", f"second {n // 4}") for n in range(40)])
    one, other = stats.rate_of(hits, alone), stats.rate_of(hits, shared)
    assert (one.clusters, other.clusters) == (40, 10)
    assert other.high - other.low > 1.7 * (one.high - one.low)
    twins = [(listed(f"h{n}", f"own {n}", f"second {n // 4}"), listed(f"b{n}")) for n in range(40)]
    assert samples.dependence_of_pairs(twins).clusters == 10
