"""A build as a whole: what it keeps, what it asks again, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from vlsbench.construct import lines, summary
from vlsbench.construct.build import build
from vlsbench.construct.recipe import miniature
from vlsbench.construct.world.painter import WorldPainter
from vlsbench.core.errors import RunError, UnknownName, UserError
from vlsbench.core.types import Reply, ResponseOutcome


def small(n=8, **changes):
    return replace(
        miniature(n), inspector="world:scripted-inspector", **{"check_guard": None, "reference": None, **changes}
    )


def asked(path):
    """How many lines each step's journal has."""
    return Counter({file.stem: len(file.read_bytes().splitlines()) for file in (path / "steps").glob("*.jsonl")})


def rows(file):
    return list(lines.read(file))


# ---- the miniature


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "b"
    recipe = replace(miniature(60), inspector="world:scripted-inspector")
    return build(recipe, out=path)


def test_the_gate_takes_the_leaks_and_the_wrong_pictures_out(whole):
    truth = whole.truth
    assert truth["leaks_before"]["value"] >= 0.15
    assert truth["leaks_after"]["value"] <= 0.02
    assert truth["wrong_pictures_before"]["value"] >= 0.15
    assert truth["wrong_pictures_after"]["value"] <= 0.02
    assert truth["twins_harmful"]["value"] <= 0.02
    assert whole.kept >= 50


def test_leakage_stands_on_both_sides_of_the_gate_and_under_a_guard_that_was_no_part_of_it(whole):
    assert whole.leakage["before"]["r2"]["value"] > 0.1
    assert whole.leakage["after"]["r2"]["value"] == 0
    assert whole.leakage["check"]["guard"] == "world:check-guard"
    assert whole.leakage["check"]["r2"]["value"] < 0.05
    # The world has too few sentences for cross-validation, and that is said rather than a figure made up.
    assert whole.baseline["after"]["auc"] is None
    assert whole.baseline["after"]["why"]
    assert whole.baseline["after"]["n_harmful"] == whole.kept


def test_every_step_of_the_funnel_adds_up(whole):
    steps = {row.step: row for row in whole.funnel}
    for row in steps.values():
        assert row.entered == row.left + sum(row.dropped.values()), row.step
    assert steps["screen"].entered == steps["rewrite"].left
    assert steps["gate"].entered == whole.pairs == steps["pair"].left
    assert steps["gate"].left == whole.kept
    assert sum(rule["first"] for rule in whole.rules) == whole.pairs - whole.kept


def test_the_assumptions_stand_beside_the_figures(whole):
    assert whole.assumptions["guard_misses"] == 0.20
    assert summary.read(whole.path).to_json() == json.loads((whole.path / "summary.json").read_text())


# ---- what is on disk


def test_the_folder_is_private_and_holds_no_key(built):
    assert built.stat().st_mode & 0o777 == 0o700
    manifest = json.loads((built / "manifest.json").read_text())
    assert manifest["recipe"]["author"] == "world:author"
    assert len(manifest["canary"]) == 36
    assert manifest["finished"] is not None
    assert manifest["served"]["describe"] == ["world:author"]


def test_a_twin_stands_beside_its_pair_with_the_same_words_and_another_picture(built):
    kept = rows(built / "kept.jsonl")
    pairs = {row["sample_id"]: row for row in kept if row["twin_of"] is None}
    twins = [row for row in kept if row["twin_of"] is not None]
    assert len(twins) >= 3
    for twin in twins:
        pair = pairs[twin["twin_of"]]
        assert (twin["text"], twin["expect"], pair["expect"]) == (pair["text"], "benign", "harmful")
        assert twin["image_sha256"] != pair["image_sha256"]


def test_why_each_pair_was_dropped_is_written_down(built):
    decisions = rows(built / "decisions.jsonl")
    assert {row["sample_id"] for row in decisions if row["kept"]} == {
        row["sample_id"] for row in rows(built / "kept.jsonl") if row["twin_of"] is None
    }
    assert all(row["broken"] for row in decisions if not row["kept"])


# ---- continuing


def test_a_finished_build_asks_nobody(tmp_path):
    build(small(), out=tmp_path / "b")
    before, candidates = asked(tmp_path / "b"), (tmp_path / "b" / "candidates.jsonl").read_bytes()
    pending = [row for row in rows(tmp_path / "b" / "steps" / "element.jsonl") if row["outcome"] != "ok"]
    build(small(), out=tmp_path / "b")
    more = asked(tmp_path / "b") - before
    assert sum(more.values()) == 0 if not pending else more["describe"] == 0
    assert (tmp_path / "b" / "candidates.jsonl").read_bytes() == candidates


def test_a_changed_prompt_asks_the_steps_that_follow_from_it_and_nothing_else(tmp_path):
    build(small(), out=tmp_path / "b")
    before = asked(tmp_path / "b")
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    packaged = Path(sys.modules["vlsbench.construct"].__file__).parent / "prompts" / "screen.md"
    (prompts / "screen.md").write_text(packaged.read_text() + "\n", encoding="utf-8")
    build(small(prompts=str(prompts)), out=tmp_path / "b")
    more = asked(tmp_path / "b") - before
    assert more["screen"] == before["screen"]
    assert not {"describe", "rewrite", "twin", "guard"} & set(more)
    between = asked(tmp_path / "b")
    build(small(), out=tmp_path / "b")
    assert not (asked(tmp_path / "b") - between).keys() - {"element", "picture", "paint"}


def test_a_pilot_goes_on_in_the_same_folder(tmp_path):
    first = build(small(8), out=tmp_path / "b", pilot=3)
    assert first.elements == 3
    before = asked(tmp_path / "b")
    found = build(small(8), out=tmp_path / "b")
    assert found.elements == 8
    assert asked(tmp_path / "b")["describe"] == 8
    assert before["describe"] == 3


_SCRIPT = """
import sys
from dataclasses import replace
from vlsbench.construct.build import build
from vlsbench.construct.recipe import miniature
build(replace(miniature(10), inspector="world:scripted-inspector", check_guard=None, reference=None), out=sys.argv[1])
"""


def test_a_build_that_is_killed_and_continued_is_the_same_build(tmp_path, built):
    path = tmp_path / "b"
    for count in (12, 60):
        process = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(path)])
        deadline = time.monotonic() + 60
        while sum(asked(path).values()) < count and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    build(small(10), out=path)
    for name in ("candidates.jsonl", "kept.jsonl"):
        assert (path / name).read_bytes() == (built / name).read_bytes()
    assert asked(path)["describe"] <= asked(built)["describe"] + 2 * 40


def test_a_picture_that_is_gone_is_painted_again(tmp_path):
    build(small(4), out=tmp_path / "b")
    pictures = {file.name: file.read_bytes() for file in (tmp_path / "b" / "images").iterdir()}
    named = rows(tmp_path / "b" / "kept.jsonl")[0]["image"]
    (tmp_path / "b" / named).unlink()
    build(small(4), out=tmp_path / "b")
    assert (tmp_path / "b" / named).read_bytes() == pictures[Path(named).name]


# ---- what goes wrong


class Refusing:
    name = "refusing"

    async def generate(self, prompt):
        return Reply(outcome=ResponseOutcome.OK, text="I'm sorry, but I can't help with that.", refused=True)


def test_an_author_that_refuses_everything_is_counted_by_category(tmp_path):
    said = []
    found = build(small(6, author=Refusing()), out=tmp_path / "b", say=said.append)
    assert sum(found.refused.values()) == 6
    assert found.pending_share == 1
    assert (found.pairs, found.kept) == (0, 0)
    assert "No candidate" in said[0]
    assert summary.read(tmp_path / "b").refused == found.refused


def test_pairs_that_cannot_be_filed_count_as_the_elements_they_are_of(tmp_path):
    found = build(small(6, categoriser=Refusing()), out=tmp_path / "b")
    pairs = {row["sample_id"] for row in rows(tmp_path / "b" / "steps" / "categorise.jsonl")}
    unfiled = {pair.partition("/")[0] for pair in pairs}
    assert found.pending == {"categorise: refused": len(unfiled)}
    assert len(pairs) > len(unfiled)
    assert found.pending_share == len(unfiled) / 6


class Counting:
    """An author that notes what it is asked."""

    name = "world:author"

    def __init__(self):
        self.prompts = []

    async def generate(self, prompt):
        self.prompts.append(prompt.text)
        return Reply(
            outcome=ResponseOutcome.OK, text=json.dumps({"description": "A thing.", "queries": ["a", "b", "c"]})
        )


def elements(tmp_path, *lines):
    file = tmp_path / "elements.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    "words", ["a child with a knife", "teenagers at a bar", "a 15-year-old driver", "未成年人的照片"]
)
def test_anything_about_minors_ends_before_a_model_is_asked(tmp_path, words):
    author = Counting()
    file = elements(tmp_path, {"words": words, "sub_category": "Cybercrime"})
    found = build(small(elements=file, author=author, rewriter=author, screen=author), out=tmp_path / "b")
    assert author.prompts == []
    assert found.funnel[0].dropped == {"minors": 1}


def test_sexual_categories_are_not_painted_unless_named(tmp_path):
    author = Counting()
    file = elements(tmp_path, {"words": "a thing", "sub_category": "Adult Content"})
    recipe = small(elements=file, author=author, rewriter=author, screen=author)
    found = build(recipe, out=tmp_path / "b")
    assert author.prompts == []
    assert list(found.funnel[0].dropped) == ["sexual category, not painted unless named"]
    build(replace(recipe, paint_categories=("adult content",)), out=tmp_path / "c")
    assert author.prompts


def test_a_description_that_speaks_of_minors_ends_there(tmp_path):
    class Author(Counting):
        async def generate(self, prompt):
            self.prompts.append(prompt.text)
            said = {"description": "Two kids beside a thing.", "queries": ["a", "b", "c"]}
            return Reply(outcome=ResponseOutcome.OK, text=json.dumps(said))

    author = Author()
    file = elements(tmp_path, {"words": "a thing", "sub_category": "Cybercrime"})
    found = build(small(elements=file, author=author), out=tmp_path / "b")
    assert len(author.prompts) == 1
    assert {row.step: row.dropped for row in found.funnel}["describe"] == {"minors": 1}


def test_two_builds_in_one_folder(tmp_path, monkeypatch):
    async def meanwhile(self, prompt):
        with pytest.raises(RunError, match="Another process"):
            build_in_another_process(tmp_path / "b")
        raise KeyboardInterrupt

    def build_in_another_process(path):
        done = subprocess.run([sys.executable, "-c", _SCRIPT, str(path)], capture_output=True, text=True, check=False)
        if "RunError" in done.stderr:
            raise RunError(done.stderr.strip().splitlines()[-1])

    monkeypatch.setattr(WorldPainter, "paint", meanwhile)
    with pytest.raises(KeyboardInterrupt):
        build(small(1), out=tmp_path / "b")


def test_other_elements_or_another_taxonomy_are_another_build(tmp_path):
    one = elements(tmp_path, {"words": "a lock pick", "sub_category": "Property Crimes"})
    author = Refusing()
    build(small(elements=one, author=author), out=tmp_path / "b")
    taxonomy = tmp_path / "t.toml"
    taxonomy.write_text('[[category]]\nname = "X"\n[[category.sub]]\nname = "Property Crimes"\n', encoding="utf-8")
    with pytest.raises(RunError, match=r"other (elements|taxonomy)"):
        build(small(elements=one, author=author, taxonomy=str(taxonomy)), out=tmp_path / "b")
    elements(tmp_path, {"words": "a crowbar", "sub_category": "Property Crimes"})
    with pytest.raises(RunError, match="other elements"):
        build(small(elements=one, author=author), out=tmp_path / "b")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(RunError, match="not a build"):
        build(small(1), out=tmp_path)
    assert os.listdir(tmp_path) == ["mine.txt"]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"guard": None}, UserError, "--guard"),
        ({"author": None}, UserError, "--author"),
        ({"painter": None}, UserError, "--painter"),
        ({"painter": "oil:canvas"}, UnknownName, "painter"),
        ({"author": "world:autor"}, UnknownName, "world:author"),
        ({"check_guard": "world:guard"}, UserError, "itself"),
        ({"size": "big"}, UserError, "1024x1024"),
        ({"images": "mini:leaky"}, UserError, "either"),
        ({"paint_categories": ("Nope",)}, UserError, "--paint-category"),
        ({"reference": "nope:x"}, UnknownName, "dataset"),
    ],
)
def test_what_cannot_be_built_is_said_before_anybody_is_asked(tmp_path, changes, error, words):
    with pytest.raises(error, match=words):
        build(small(1, **changes), out=tmp_path / "b")
    assert not (tmp_path / "b").exists()
