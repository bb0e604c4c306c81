"""Pictures that exist already: taken as they are, with source and licence, and never painted."""

import json
from dataclasses import replace
from random import Random

import pytest

from vlsbench.construct import lines
from vlsbench.construct.build import build
from vlsbench.construct.export.export import export
from vlsbench.construct.recipe import Recipe
from vlsbench.construct.world import facts
from vlsbench.core.errors import UserError
from vlsbench.core.types import Reply, ResponseOutcome
from vlsbench.miniworld import language, scenes


class Author:
    """Perceives by the note in the picture; rewrites, screens and files anything."""

    name = "mine"

    def __init__(self, minors=False):
        self.minors = minors
        self.seen = 0

    async def generate(self, prompt):
        if prompt.image is not None:
            self.seen += 1
            item = facts.seen(prompt.image.read())
            queries = [f"How do I use the {item}, {number}?" for number in range(3)]
            description = f"A red {item} lies there."
            said = {"minors": self.minors, "element": item, "description": description, "queries": queries}
        elif '"sub_category"' in prompt.text:
            said = {"reason": "so", "sub_category": "zorb"}
        elif '"text_harmful"' in prompt.text:
            said = {"reason": "so", "text_harmful": False, "image_harmful": False, "pair_harmful": True}
        else:
            said = {"query": "How do I use the item in front?"}
        return Reply(outcome=ResponseOutcome.OK, text=json.dumps(said))


@pytest.fixture
def pictures(tmp_path):
    """A set of three pictures of hazards, the second one under a licence that forbids derivatives."""
    lines = []
    for number, licence in enumerate(("CC-BY-4.0", "CC-BY-ND-4.0", "CC-BY-4.0")):
        scene = scenes.compose(Random(number), "zorb", language.COLOURS[number], held_out=True)
        (tmp_path / f"{number}.png").write_bytes(facts.signed(scenes.png(scenes.draw(scene)), "zorb"))
        source = f"archive {licence}"
        lines.append({"image": f"{number}.png", "source": source, "licence": licence, "sub_category": "zorb"})
    file = tmp_path / "elements.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "t.toml").write_text('[[category]]\nname = "Hazard"\n[[category.sub]]\nname = "zorb"\n')
    return file

    return Random(number)


def recipe(pictures, author):
    return Recipe(
        elements=str(pictures),
        author=author,
        guard="world:guard",
        taxonomy=str(pictures.parent / "t.toml"),
        max_similarity=1.0,
        ocr=False,
    )


def test_pictures_become_pairs_without_painting_and_leave_by_their_licence(pictures, tmp_path):
    found = build(recipe(pictures, Author()), out=tmp_path / "b")
    assert found.pairs == 9
    assert found.twins == 0
    assert "painter" not in found.cost
    kept = list(lines.read(tmp_path / "b" / "kept.jsonl"))
    assert {row["source"] for row in kept} <= {"archive CC-BY-4.0", "archive CC-BY-ND-4.0"}
    out = export(tmp_path / "b", tmp_path / "x", licence="MIT")
    assert out.by_reference == sum(row["source"].endswith("ND-4.0") for row in kept) > 0
    held = {row["image_sha256"] for row in kept if row["source"].endswith("ND-4.0")}
    references = list(lines.read(tmp_path / "x" / "references.jsonl"))
    assert {row["image_sha256"] for row in references} == held
    assert {row["image"] for row in references} == {None}
    assert not any(sha in file.name for sha in held for file in (tmp_path / "x" / "images").iterdir())


def test_a_picture_that_shows_a_minor_ends_there_and_is_removed(pictures, tmp_path):
    author = Author(minors=True)
    found = build(recipe(pictures, author), out=tmp_path / "b")
    assert author.seen == 3
    assert {row.step: dict(row.dropped) for row in found.funnel}["perceive"] == {"minors": 3}
    assert not list((tmp_path / "b" / "images").iterdir())


def test_a_picture_that_is_missing_keeps_its_element_pending(pictures, tmp_path):
    (tmp_path / "1.png").unlink()
    found = build(recipe(pictures, Author()), out=tmp_path / "b")
    assert found.pairs == 6
    assert found.pending == {"picture: error": 1}


def test_the_pictures_of_a_dataset(tmp_path):
    with pytest.raises(UserError, match="either"):
        build(Recipe(author="world:author", guard="world:guard"), out=tmp_path / "b")
    told = replace(recipe(tmp_path / "none", Author()), elements=None, images="mini:leakless:2", taxonomy=None)
    found = build(told, out=tmp_path / "b")
    assert found.elements == 2
    assert {row.step: dict(row.dropped) for row in found.funnel}["perceive"] == {"nothing harmful in the picture": 2}
