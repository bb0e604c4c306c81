"""Elements and taxonomies of one's own: what they may hold, and what is said of the rest."""

import json

import pytest

from vlsbench import datasets
from vlsbench.construct import elements, safety, taxonomy
from vlsbench.core.errors import DatasetError, UnknownName, UserError
from vlsbench.core.types import Sample

PAPER = taxonomy.of_the_paper()


class Listed(list):
    """Samples as a dataset."""

    name, root, revision = "mine", None, ""


def read(tmp_path, *lines):
    file = tmp_path / "e.jsonl"
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return elements.read(file, PAPER)


def test_an_element_gets_an_id_and_the_taxonomys_own_spelling(tmp_path):
    (found,) = read(
        tmp_path, {"words": " a lock pick ", "sub_category": "property crime", "category": "illegal activities"}
    )
    assert (found.id, found.kind, found.words) == ("e1", "object", "a lock pick")
    assert (found.category, found.sub_category) == ("Illegal Activity", "Property Crimes")


def test_a_picture_brings_its_source_and_licence(tmp_path):
    (found,) = read(tmp_path, {"image": "a.png", "source": "archive", "licence": "CC-BY-4.0"})
    assert (found.kind, found.image, found.licence) == ("image", str(tmp_path / "a.png"), "CC-BY-4.0")


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ({"sub_category": "Cybercrime"}, DatasetError, "line 1: an element without words"),
        ({"words": "  ", "sub_category": "Cybercrime"}, DatasetError, "without words"),
        ({"words": "x", "sub_category": "Cybercrimes"}, UnknownName, "Did you mean 'Cybercrime'"),
        ({"words": "x", "category": "Evil"}, UnknownName, "category"),
        ({"words": "x", "category": "Hate", "sub_category": "Cybercrime"}, UserError, "belongs to 'Illegal Activity'"),
        ({"words": "x"}, DatasetError, "needs a sub_category"),
        ({"words": "x", "sub_category": "Cybercrime", "colour": "red"}, DatasetError, "unknown field 'colour'"),
        ({"words": 3, "sub_category": "Cybercrime"}, DatasetError, "should be a text"),
        ({"id": "a/b", "words": "x", "sub_category": "Cybercrime"}, DatasetError, "letters, digits"),
        ({"kind": "song", "words": "x", "sub_category": "Cybercrime"}, DatasetError, "kind"),
        ({"kind": "image", "words": "x", "sub_category": "Cybercrime"}, DatasetError, "where it has an image"),
        ("{", DatasetError, "line 1 is not JSON"),
        ("[]", DatasetError, "should be an object"),
    ],
)
def test_a_line_that_is_no_element_is_named(tmp_path, line, error, words):
    with pytest.raises(error, match=words):
        read(tmp_path, line)


def test_an_id_twice_and_a_file_without_elements(tmp_path):
    row = {"id": "a", "words": "x", "sub_category": "Cybercrime"}
    with pytest.raises(DatasetError, match="line 2: the id 'a'"):
        read(tmp_path, row, row)
    with pytest.raises(DatasetError, match="holds no elements"):
        read(tmp_path, "")


def test_the_pictures_of_a_dataset_are_elements_once_each():
    found = list(elements.of_images(datasets.load("mini:twins:8"), "Apache-2.0", PAPER))
    assert [element.id for element in found] == ["i1", "i2", "i3", "i4"]
    assert {(element.kind, element.licence) for element in found} == {("image", "Apache-2.0")}


@pytest.mark.parametrize("field", ["text", "description", "category", "sub_category"])
def test_a_picture_whose_record_speaks_of_minors_is_refused_as_such(field):
    told = [
        Sample(**{"id": "1", "text": "t", "image": "a.png", field: "a child with a zorb"}),
        Sample(id="2", text="t", image="b.png"),
        Sample(id="3", text="t", image="c.png"),
        Sample(**{"id": "4", "text": "u", "image": "c.png", field: "a child with a zorb"}),
    ]
    found = list(elements.of_images(Listed(told), "MIT", PAPER))
    assert [safety.names_minors(one.words) for one in found] == [True, False, True]
    assert not any("zorb" in one.words for one in found)


def test_a_taxonomy_of_ones_own_cannot_declare_a_sexual_name_harmless(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[category]]\nname = "Things"\nsexual = false\n[[category.sub]]\nname = "Zorbs"\n'
        '[[category.sub]]\nname = "Erotic pictures"\n'
    )
    found = taxonomy.load(str(file))
    assert [(shelf.sub_category, shelf.sexual) for shelf in found.shelves] == [
        ("Zorbs", False),
        ("Erotic pictures", True),
    ]
    assert found.sha256 != PAPER.sha256
    assert [shelf.category for shelf in PAPER.shelves if shelf.sexual] == ["Erotic", "Erotic"]


@pytest.mark.parametrize(
    "text", ["[[category]]\n", "x = ", "", '[[category]]\nname="a"\n[[category.sub]]\ntitle="b"\n']
)
def test_a_file_that_is_no_taxonomy_is_named(tmp_path, text):
    file = tmp_path / "t.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"taxonomy .*t\.toml"):
        taxonomy.load(str(file))


@pytest.mark.parametrize("text", ["a minor in a car", "underage drinking", "a 9 year old", "aged 14", "three teens"])
def test_words_for_minors(text):
    assert safety.names_minors(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ch\u200bild",
            "c\u00adhild",
            "\uff43\uff48\uff49\uff4c\uff44",
            "ma\u0308dchen",
            "\u0441hild",
            "child_soldier",
        ),
        *("a fifteen-year-old", "aged twelve", "under eighteen", "15 y.o.", "14\u5c81", "two grandchildren"),
    ],
)
def test_no_spelling_hides_a_minor(text):
    assert safety.names_minors(text)


@pytest.mark.parametrize(
    "text", ["a minor scratch", "what kind of tool is this", "a 45-year-old whisky", "15 years in prison"]
)
def test_words_for_others(text):
    assert not safety.names_minors(text)
