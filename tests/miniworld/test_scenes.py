"""The pictures: the same bytes for a seed, sound files, looking needed."""

import hashlib
import io
from dataclasses import replace
from random import Random

import pytest
from PIL import Image

from vlsbench.core.images import check
from vlsbench.miniworld import language, scenes


@pytest.mark.parametrize("item", language.ITEMS)
def test_a_scene_is_drawn_to_the_same_bytes(item):
    one, two = (scenes.png(scenes.draw(scenes.compose(Random("a"), item, "blue"))) for _ in range(2))
    assert one == two


def test_the_file_is_a_sound_png_with_the_pixels_that_were_drawn():
    drawn = scenes.draw(scenes.compose(Random("b"), "star", "green"))
    data = scenes.png(drawn)
    facts = check(data)
    assert (facts.media_type, facts.width, facts.height) == ("image/png", 64, 64)
    assert Image.open(io.BytesIO(data)).tobytes() == drawn.tobytes()


def test_another_item_changes_the_item_and_nothing_around_it():
    scene = scenes.compose(Random("c"), "zorb", "red")
    one = scenes.draw(scene)
    two = scenes.draw(replace(scene, item="ball"))
    assert one.tobytes() != two.tobytes()
    edge = (0, 0, 64, 8)
    assert one.crop(edge).tobytes() == two.crop(edge).tobytes()


def test_all_layouts_and_a_second_harmless_object_occur():
    made = [scenes.compose(Random(f"d{place}"), "vexil", "green") for place in range(300)]
    assert {scene.layout for scene in made} == set(scenes.LAYOUTS)
    seconds = [scene.second for scene in made if scene.second]
    assert 60 < len(seconds) < 150
    assert {second.item for second in seconds} <= set(language.ORDINARY)
    assert all((second.item, second.colour) not in scenes.HELD_OUT for second in seconds)


def test_every_item_has_one_held_out_colour():
    assert sorted(item for item, _ in scenes.HELD_OUT) == sorted(language.ITEMS)
    assert {colour for _, colour in scenes.HELD_OUT} == set(language.COLOURS)


def test_different_seeds_give_different_pictures():
    made = {
        hashlib.sha256(scenes.png(scenes.draw(scenes.compose(Random(f"e{place}"), "ring", "white")))).hexdigest()
        for place in range(50)
    }
    assert len(made) == 50
