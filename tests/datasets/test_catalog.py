import pytest

from vlsbench.core.errors import DatasetError, UnknownName
from vlsbench.core.protocols import Dataset
from vlsbench.datasets import CATALOG, Ref, find, load


@pytest.mark.parametrize(
    ("text", "name", "subset", "place"),
    [
        ("vlsbench", "vlsbench", "", None),
        ("vlsbench:", "vlsbench", "", None),
        ("vlsbench:some/dir", "vlsbench", "", "some/dir"),
        ("figstep/tiny:/a:b/c", "figstep", "tiny", "/a:b/c"),
        ("jsonl:a/b.jsonl", "jsonl", "", "a/b.jsonl"),
    ],
)
def test_a_reference_is_taken_apart(text, name, subset, place):
    ref = Ref.parse(text)
    assert (ref.name, ref.subset, str(ref.place) if ref.place else None) == (name, subset, place)
    assert str(ref) == text.rstrip(":")


def test_a_tilde_is_expanded_since_the_shell_does_not(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Ref.parse("vlsbench:~/data").place == tmp_path / "data"


def test_an_entry_is_known_by_its_own_name_and_says_all_there_is_to_know():
    for name, entry in CATALOG.items():
        assert entry.name == name
        assert entry.usage.startswith(name)
        assert all((entry.title, entry.size, entry.images, entry.licence, entry.source, entry.get))


def test_an_unknown_dataset_names_the_nearest():
    with pytest.raises(UnknownName, match=r"No dataset named 'figstp'. Did you mean 'figstep'\?"):
        load("figstp:somewhere")
    with pytest.raises(UnknownName, match="vlsbench"):
        find("VLSbench")


def test_an_unknown_subset_names_the_nearest():
    with pytest.raises(UnknownName, match=r"No subset of figstep named 'tny'. Did you mean 'tiny'\?"):
        load("figstep/tny:somewhere")


def test_a_subset_of_a_set_without_subsets_is_refused():
    with pytest.raises(DatasetError, match="vlsbench has no subsets: write vlsbench:DIR"):
        load("vlsbench/tiny:somewhere")


@pytest.mark.parametrize("name", [name for name in CATALOG if name != "mini"])
def test_a_name_without_data_says_how_to_get_it(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(DatasetError, match=f"{name} needs the data.*pass {name}:"):
        load(name)


def test_a_bare_path_is_told_which_reference_to_write(make_jsonl, make_vlsbench):
    file = make_jsonl({"sample_id": "a", "text": "b"})
    with pytest.raises(DatasetError, match=f"for example jsonl:{file}"):
        load(str(file))
    folder = make_vlsbench()
    with pytest.raises(DatasetError, match=f"for example vlsbench:{folder}"):
        load(str(folder))


def test_what_is_loaded_is_a_dataset(make_jsonl):
    assert isinstance(load(f"jsonl:{make_jsonl()}"), Dataset)


def test_the_miniature_world_without_a_split_names_them_all():
    with pytest.raises(DatasetError, match=r"needs a split.*leaky, leakless"):
        load("mini")
