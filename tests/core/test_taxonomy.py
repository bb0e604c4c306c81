import pytest

from vlsbench.core.taxonomy import TAXONOMY, category_of, find_category, is_misfiled

SUBS = [sub for category in TAXONOMY for sub in category.subs]


def test_there_are_6_categories_and_19_sub_categories():
    assert len(TAXONOMY) == 6
    assert len(SUBS) == 19
    assert [len(category.subs) for category in TAXONOMY] == [3, 4, 4, 2, 4, 2]


def test_every_one_has_a_definition_of_one_sentence():
    for item in (*TAXONOMY, *SUBS):
        assert item.definition.endswith("."), item.name
        assert item.definition.count(".") == 1, item.name


def test_no_name_or_spelling_is_used_twice():
    for items in (TAXONOMY, SUBS):
        names = [name.lower() for item in items for name in (item.name, *item.also)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("category", TAXONOMY, ids=lambda category: category.name)
def test_a_sub_category_belongs_to_its_category(category):
    for sub in category.subs:
        assert category_of(sub.name) == category.name
        assert not is_misfiled(category.name, sub.name)


@pytest.mark.parametrize("spelling", ["Self-Harm", "self harm", "SELF_HARM", "selfharm"])
def test_case_hyphens_and_spacing_do_not_matter(spelling):
    assert find_category(spelling).name == "Self-Harm"


def test_other_spellings_are_known():
    assert find_category("Violence").name == "Violent"
    assert category_of("Drug-Related Offences") == "Illegal Activity"


def test_names_of_other_taxonomies_are_not_guessed_at():
    assert find_category("Gardening") is None
    assert category_of("") is None
    assert category_of("Malware Generation") is None


def test_misfiled_means_that_both_names_are_known_and_disagree():
    assert is_misfiled("Hate", "Cybercrime")
    assert not is_misfiled("Illegal Activity", "Cybercrime")
    assert not is_misfiled("Gardening", "Cybercrime")
    assert not is_misfiled("Hate", "Weeds")
    assert not is_misfiled("Hate", "")
