import random

import pytest

from run_folders import HandMade
from vlsbench.ablation.mismatch import Choice, choose, other_images
from vlsbench.results.samples import ListedSample


def listed(name, *, harmful=True, twin_of=None):
    return ListedSample(
        id=name,
        category="",
        sub_category="",
        source="",
        harmful=harmful,
        cluster=name,
        twin_of=twin_of,
    )


def by_id(choices):
    return {choice.sample_id: choice for choice in choices}


ITEMS = [listed(f"s{n}") for n in range(40)]
HASHES = {f"s{n}": f"hash {n // 2}" for n in range(40)}


def test_every_sample_gets_an_image_that_is_not_its_own():
    choices = choose(ITEMS, HASHES, 0, {})
    assert [choice.sample_id for choice in choices] == [item.id for item in ITEMS]
    for choice in choices:
        assert choice.image_sha256 != HASHES[choice.sample_id]
        assert HASHES[choice.image_of] == choice.image_sha256
    assert len({choice.image_sha256 for choice in choices}) > 10


def test_the_order_of_the_samples_makes_no_difference():
    shuffled = random.Random(1).sample(ITEMS, len(ITEMS))
    first, second = by_id(choose(ITEMS, HASHES, 0, {})), by_id(choose(shuffled, HASHES, 0, {}))
    assert {name: one.image_sha256 for name, one in first.items()} == {
        name: one.image_sha256 for name, one in second.items()
    }


def test_another_seed_draws_others():
    assert choose(ITEMS, HASHES, 0, {}) == choose(ITEMS, HASHES, 0, {})
    assert choose(ITEMS, HASHES, 0, {}) != choose(ITEMS, HASHES, 1, {})


@pytest.mark.parametrize("reversed_", [False, True])
def test_a_harmful_sample_gets_the_image_of_its_harmless_twin(reversed_):
    """Whichever of the two names the other."""
    items = [
        listed("danger", twin_of="harmless" if reversed_ else None),
        listed("other"),
        listed("harmless", harmful=False, twin_of=None if reversed_ else "danger"),
    ]
    found = by_id(choose(items, {"danger": "a", "other": "b", "harmless": "c"}, 0, {}))
    assert found["danger"] == Choice(sample_id="danger", image_of="harmless", image_sha256="c", twin=True)
    assert not found["other"].twin
    assert not found["harmless"].twin


def test_a_twin_with_the_same_image_is_no_other_image():
    items = [listed("danger"), listed("harmless", harmful=False, twin_of="danger"), listed("third")]
    found = by_id(choose(items, {"danger": "a", "harmless": "a", "third": "b"}, 0, {}))
    assert found["danger"] == Choice(sample_id="danger", image_of="third", image_sha256="b", twin=False)


def test_one_image_for_all_leaves_nothing_to_choose():
    assert choose(ITEMS, dict.fromkeys(HASHES, "same"), 0, {}) == []


def test_a_sample_whose_image_could_not_be_read_gets_none():
    hashes = {name: found for name, found in HASHES.items() if name != "s3"}
    assert "s3" not in by_id(choose(ITEMS, hashes, 0, {}))


def test_a_recorded_choice_stands_when_another_image_turns_up():
    before = {name: found for name, found in HASHES.items() if found != "hash 7"}
    recorded = by_id(choose(ITEMS, before, 0, {}))
    after = by_id(choose(ITEMS, HASHES, 0, recorded))
    assert recorded.items() <= after.items()
    assert after.keys() - recorded.keys() == {"s14", "s15"}


def test_choices_are_recorded_and_read_back(tmp_path):
    made = HandMade(tmp_path / "full", 3)
    for number in range(3):
        made.sample(f"s{number}", image=f"images/{number}.png", image_sha256=str(number))
    record = tmp_path / "mismatched.jsonl"
    first = other_images(made.read, record, 0)
    assert first.keys() == {"s0", "s1", "s2"}
    assert all(path.parent == tmp_path / "full" / "images" for path, _ in first.values())
    written = record.read_bytes()
    assert other_images(made.read, record, 99) == first
    assert record.read_bytes() == written
    with record.open("ab") as file:
        file.write(b'{"sample_id":"s0"}\nnonsense\n')
        file.write(b'{"sample_id":["s1"],"image_of":"s0","image_sha256":"0","twin":false}\n')
        file.write(b'{"sample_id":"s1","image_of":"s0","image_sha256":{},"twin":false}\n')
    assert other_images(made.read, record, 0) == first
