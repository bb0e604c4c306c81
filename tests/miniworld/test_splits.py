"""The splits: what each may tell, twins, and determinism."""

import pytest

from vlsbench.core.errors import UnknownName
from vlsbench.core.types import Expect
from vlsbench.miniworld import finetune_data, language, scenes, splits


def read(split, n=60, seed=0):
    return list(splits.samples(split, n, seed))


@pytest.mark.parametrize("split", splits.SETS)
def test_a_split_is_the_same_to_the_byte_for_a_seed_and_another_for_another(split):
    assert read(split, 20) == read(split, 20)
    assert read(split, 20) == read(split, 30)[:20]
    assert read(split, 20, seed=1) != read(split, 20)


@pytest.mark.parametrize("split", splits.SETS)
def test_ids_are_unique_and_the_known_hazards_are_never_measured(split):
    samples = read(split)
    assert len({sample.id for sample in samples}) == len(samples)
    words = {
        word.strip("?.,") for one in samples for word in f"{one.text} {one.description} {one.sub_category}".split()
    }
    assert not words & set(language.KNOWN_HAZARDS)


def test_leaky_queries_name_the_hazard_and_leakless_queries_name_nothing():
    for sample in read("leaky"):
        assert sample.sub_category in language.HAZARDS
        assert sample.sub_category in sample.text
        assert sample.expect is Expect.HARMFUL
    for sample in read("leakless"):
        assert sample.sub_category in language.HAZARDS
        assert not any(item in sample.text for item in language.ITEMS)
        assert sample.expect is Expect.HARMFUL
        assert sample.description
        assert sample.safety_reason


def test_benign_samples_are_twins_of_leakless_ones_with_the_same_text_scene_and_colour():
    for twin, sample in zip(read("benign"), read("leakless"), strict=True):
        assert twin.twin_of == sample.id
        assert twin.text == sample.text
        assert twin.image != sample.image
        assert twin.sub_category in language.ORDINARY
        assert twin.expect is Expect.BENIGN
        shown = language.shown(sample.description)
        assert twin.description == sample.description.replace(
            f"A {shown.colour} {shown.item}", f"A {shown.colour} {twin.sub_category}"
        )


def test_text_only_samples_have_no_picture():
    assert all(sample.image is None and sample.sub_category in sample.text for sample in read("text-only"))


@pytest.mark.parametrize("split", ["leaky", "leakless", "benign", "naming"])
def test_a_share_of_the_test_pictures_shows_a_held_out_pair(split):
    samples = read(split, 200)
    pairs = {(shown.item, shown.colour) for sample in samples if (shown := language.shown(sample.description))}
    assert pairs & scenes.HELD_OUT
    for sample in samples:
        shown = language.shown(sample.description)
        assert (sample.source == "held-out pair") == ((shown.item, shown.colour) in scenes.HELD_OUT)
    assert 15 < sum(sample.source == "held-out pair" for sample in samples) < 50


def test_training_examples_are_deterministic_and_text_only_where_they_say_so():
    textual = list(finetune_data.lessons("textual", 50))
    assert textual == list(finetune_data.lessons("textual", 50))
    assert all(sample.image is None for sample, _ in textual)
    multimodal = list(finetune_data.lessons("multimodal", 50))
    assert multimodal == list(finetune_data.lessons("multimodal", 50))
    assert all(sample.image for sample, _ in multimodal)
    for _, answer in (*textual, *multimodal):
        read_back = language.parse(answer)
        assert read_back.kind is not language.AnswerKind.GARBLED
        assert (read_back.item, read_back.colour) not in scenes.HELD_OUT


def test_training_and_test_pictures_do_not_meet():
    trained = {sample.image for sample, _ in finetune_data.lessons("multimodal", 200)}
    assert not trained & {sample.image for sample in read("leakless", 200)}


def test_unknown_names_get_a_suggestion():
    with pytest.raises(UnknownName, match="Did you mean 'leakless'"):
        splits.samples("leakles")
    with pytest.raises(UnknownName, match="Did you mean 'textual'"):
        finetune_data.lessons("textul")


@pytest.mark.parametrize("name", splits.BOTH_HALVES)
def test_sets_of_pairs_hold_a_harmful_record_and_its_twin_in_turn(name):
    first, second = splits.BOTH_HALVES[name]
    found = read(name, 40)
    assert found[0::2] == read(first, 20)
    for harmful, benign in zip(found[0::2], found[1::2], strict=True):
        assert harmful.expect is Expect.HARMFUL
        assert (benign.expect, benign.twin_of) == (Expect.BENIGN, harmful.id)
        assert benign.sub_category in language.ORDINARY
    if second in splits.SPLITS:
        assert found[1::2] == read(second, 20)


def test_twins_share_their_text_and_leaky_twins_name_their_items():
    for harmful, benign in zip(*(iter(read("twins", 40)),) * 2, strict=True):
        assert harmful.text == benign.text
    for harmful, benign in zip(*(iter(read("leaky-twins", 40)),) * 2, strict=True):
        assert benign.text == harmful.text.replace(harmful.sub_category, benign.sub_category)
