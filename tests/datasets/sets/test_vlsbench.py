import json
from collections import Counter

import pytest

from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets import BadRecord, load


def test_a_record_becomes_a_sample(make_vlsbench, make_row):
    folder = make_vlsbench([make_row(7)])
    dataset = load(f"vlsbench:{folder}")
    assert list(dataset) == [
        Sample(
            id="7",
            text="What can I bake with these 7 things?",
            image="imgs/7.png",
            category="Violent",
            sub_category="Public Violence and Rioting",
            source="generation",
            description="A kitchen table with flour and eggs.",
            safety_reason="Nothing is wrong here.",
            expect=Expect.HARMFUL,
        )
    ]
    assert dataset.name == f"vlsbench:{folder}"
    assert dataset.root == folder


def test_it_can_be_read_again_in_the_same_order(make_vlsbench):
    dataset = load(f"vlsbench:{make_vlsbench()}")
    assert list(dataset) == list(dataset)
    assert [sample.id for sample in dataset] == ["0", "1", "2"]


def test_the_older_revision_has_no_descriptions(make_vlsbench, make_row):
    row = make_row(0)
    del row["image_description"], row["safety_reason"]
    (sample,) = load(f"vlsbench:{make_vlsbench([row])}")
    assert (sample.description, sample.safety_reason) == ("", "")


def test_the_quirks_of_the_release_are_kept(make_vlsbench, make_row):
    rows = [
        make_row(0, instruction=""),
        make_row(1, sub_category="Cybercrime"),
        make_row(2, image_path="imgs/1.png"),
        make_row(3, instruction=make_row(1)["instruction"]),
    ]
    samples = list(load(f"vlsbench:{make_vlsbench(rows)}"))
    assert samples[0].text == ""
    assert (samples[1].category, samples[1].sub_category) == ("Violent", "Cybercrime")
    assert samples[2].image == samples[1].image
    assert samples[3].text == samples[1].text


def test_a_byte_order_mark_is_tolerated(make_vlsbench):
    folder = make_vlsbench()
    file = folder / "data.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(list(load(f"vlsbench:{folder}"))) == 3


@pytest.mark.parametrize("field", ["instruction_id", "instruction", "image_path", "category", "sub_category", "source"])
def test_a_missing_field_is_named_with_its_record(make_vlsbench, make_row, field):
    bad = make_row(41)
    del bad[field]
    label = "" if field == "instruction_id" else r" \(id 41\)"
    with pytest.raises(BadRecord, match=rf"data.json, record 1{label}: the field '{field}' is missing"):
        list(load(f"vlsbench:{make_vlsbench([make_row(0), bad])}"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"instruction": None}, "'instruction' should be a text, but is null"),
        ({"instruction": 3}, "'instruction' should be a text, but is a number"),
        ({"image_path": ["imgs/0.png"]}, "'image_path' should be a text, but is a list"),
        ({"image_path": ""}, "'image_path' is empty"),
        ({"category": {}}, "'category' should be a text, but is an object"),
        ({"image_description": True}, "'image_description' should be a text, but is true or false"),
        ({"instruction_id": None}, "'instruction_id' should be a text or a whole number, but is None"),
        ({"instruction_id": True}, "'instruction_id' should be a text or a whole number, but is True"),
        ({"instruction_id": 1.5}, "'instruction_id' should be a text or a whole number, but is 1.5"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(make_vlsbench, make_row, changes, problem):
    with pytest.raises(BadRecord, match=problem):
        list(load(f"vlsbench:{make_vlsbench([make_row(0, **changes)])}"))


def test_a_record_that_is_no_object_is_named(make_vlsbench, make_row):
    with pytest.raises(BadRecord, match="record 1: should be an object, but is a text"):
        list(load(f"vlsbench:{make_vlsbench([make_row(0), 'hello'])}"))


def test_a_missing_folder_says_how_to_get_the_data(tmp_path):
    with pytest.raises(DatasetError, match=r"There is no folder .*nowhere\. Run: vlsbench data fetch vlsbench"):
        load(f"vlsbench:{tmp_path / 'nowhere'}")


def test_a_file_in_place_of_the_folder_is_told_apart(make_vlsbench):
    with pytest.raises(DatasetError, match="is a file; vlsbench:DIR takes the folder"):
        load(f"vlsbench:{make_vlsbench() / 'data.json'}")


def test_a_folder_without_data_json_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"There is no data.json in"):
        load(f"vlsbench:{tmp_path}")


def test_the_parent_folder_gets_the_right_one_proposed(make_vlsbench):
    folder = make_vlsbench()
    with pytest.raises(DatasetError, match=rf"Did you mean vlsbench:{folder}\?"):
        load(f"vlsbench:{folder.parent}")


def test_missing_images_are_noticed_at_once(make_vlsbench):
    folder = make_vlsbench(pictures=False)
    (folder / "imgs").rmdir()
    with pytest.raises(DatasetError, match=rf"{folder} has no folder imgs with the images\. Run: vlsbench data fetch"):
        load(f"vlsbench:{folder}")


def test_packed_images_are_noticed(make_vlsbench):
    folder = make_vlsbench(pictures=False)
    (folder / "imgs").rmdir()
    (folder / "imgs.tar").write_bytes(b"")
    with pytest.raises(DatasetError, match=rf"Unpack them: tar -xf {folder}/imgs.tar -C {folder}"):
        load(f"vlsbench:{folder}")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'[{"instruction_id": 0', "is not JSON"),
        (b"", "is not JSON"),
        (b"\xff\xfe[\x00]\x00", "is not JSON"),
        (b"null", "should hold a list of records, but holds null"),
    ],
)
def test_a_data_json_of_another_kind_is_refused_on_opening(make_vlsbench, content, problem):
    folder = make_vlsbench()
    (folder / "data.json").write_bytes(content)
    with pytest.raises(DatasetError, match=problem):
        load(f"vlsbench:{folder}")


def test_one_record_alone_is_no_set_of_records(make_vlsbench):
    folder = make_vlsbench()
    (folder / "data.json").write_bytes(b'{"instruction_id": 0}')
    with pytest.raises(BadRecord, match="record instruction_id: should be an object, but is a number"):
        list(load(f"vlsbench:{folder}"))


def test_a_file_of_other_records_is_told_apart(make_vlsbench):
    with pytest.raises(DatasetError, match="Wanted: instruction_id, instruction"):
        list(load(f"vlsbench:{make_vlsbench([{'id': 1, 'query': 'What?'}])}"))


def test_an_unusable_record_can_be_noted_instead_of_raised(make_vlsbench, make_row):
    dataset = load(f"vlsbench:{make_vlsbench([3, make_row(1), make_row(2, category=None)])}")
    noted = []
    assert [sample.id for sample in dataset.scan(noted.append)] == ["1"]
    assert [(bad.where, bad.record) for bad in noted] == [("data.json, record 0", ""), ("data.json, record 2", "2")]


def test_the_released_file_loads_whole(released_records):
    folder = released_records
    samples = list(load(f"vlsbench:{folder}"))
    assert len(samples) == 2241
    images = Counter(sample.image for sample in samples)
    assert Counter(images.values()) == {1: 1957 - 162 - 61, 2: 162, 3: 61}
    assert [sample.id for sample in samples if not sample.text] == ["1685"]
    assert sum(n > 1 for n in Counter(sample.text for sample in samples).values()) == 14
    assert len({(sample.category, sample.sub_category) for sample in samples}) == 21
    released = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    assert [sample.id for sample in samples] == [str(row["instruction_id"]) for row in released]
