"""Which samples a shard holds."""

import random

import pytest

from builders import ListedDataset
from vlsbench.core.errors import UserError
from vlsbench.core.types import Sample
from vlsbench.run.shards.split import Shard, ShardOfSet, Together


def grouped(samples):
    groups = Together()
    for sample in samples:
        groups.add(sample)
    return groups


def sample(number, **fields):
    return Sample(id=f"s{number}", text="?", **fields)


def test_a_shard_is_every_nth_sample_where_none_belong_together():
    groups = grouped([sample(n) for n in range(10)])
    assert groups.numbers(Shard(index=1, of=3)) == [0, 3, 6, 9]
    assert groups.numbers(Shard(index=3, of=3)) == [2, 5, 8]


def test_groups_and_twins_stay_together_wherever_they_stand():
    samples = [
        sample(0, group="a"),
        sample(1, twin_of="s5"),
        sample(2),
        sample(3, group="b"),
        sample(4, group="a"),
        sample(5, group="b"),
        sample(6, twin_of="s4"),
        sample(7, twin_of="nobody"),
    ]
    groups = grouped(samples)
    # {0, 4, 6}, {1, 3, 5}, {2}, {7}: the order is that of the first of each
    assert groups.numbers(Shard(index=1, of=2)) == [0, 2, 4, 6]
    assert groups.numbers(Shard(index=2, of=2)) == [1, 3, 5, 7]


def test_the_shards_of_any_set_make_up_the_set():
    dice = random.Random(7)
    samples = [
        sample(
            n,
            group=dice.choice(["", "", "x", "y", f"g{n // 5}"]),
            twin_of=dice.choice([None, f"s{dice.randrange(300)}"]),
        )
        for n in range(300)
    ]
    groups = grouped(samples)
    where = {}
    for index in range(1, 8):
        try:
            numbers = groups.numbers(Shard(index=index, of=7))
        except UserError:
            continue
        assert numbers == sorted(numbers)
        for number in numbers:
            assert where.setdefault(number, index) == index
    assert len(where) == 300
    for number, each in enumerate(samples):
        if each.twin_of:
            assert where[int(each.twin_of[1:])] == where[number]


def test_descriptions_are_counted_by_shard():
    groups = grouped([sample(0, description="d"), sample(1), sample(2, safety_reason="r"), sample(3)])
    assert groups.described(groups.numbers(Shard(index=1, of=2))) == 2
    assert groups.described(groups.numbers(Shard(index=2, of=2))) == 0


def test_more_shards_than_groups_leave_some_empty_which_is_said():
    groups = grouped([sample(0, group="a"), sample(1, group="a"), sample(2)])
    assert groups.numbers(Shard(index=2, of=3)) == [2]
    with pytest.raises(UserError, match=r"Shard 3/3 would be empty: the set has 2 groups"):
        groups.numbers(Shard(index=3, of=3))


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "a/b", "1/0", "-1/4", "1/4/2", "1 / 4"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UserError, match="--shard takes I/N"):
        Shard.parse(text)


def test_the_dataset_of_a_shard_begins_anywhere():
    whole = ListedDataset([sample(n) for n in range(12)], name="whole")
    part = ShardOfSet(whole=whole, numbers=[1, 2, 5, 6, 11])
    assert [each.id for each in part] == ["s1", "s2", "s5", "s6", "s11"]
    assert [each.id for each in part.since(2)] == ["s5", "s6", "s11"]
    assert list(part.since(5)) == []
    assert (part.name, part.root, part.revision) == ("whole", None, "")
