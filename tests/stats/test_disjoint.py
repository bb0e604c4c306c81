from vlsbench.stats.disjoint import DisjointSets


def test_members_belong_together_directly_and_through_others():
    sets = DisjointSets()
    for one, other in (("a", "b"), ("c", "d"), ("d", "b"), ("e", "e")):
        sets.join(one, other)
    assert len({sets.root(member) for member in "abcd"}) == 1
    assert sets.root("e") == "e"
    assert sets.root("f") == "f"


def test_a_long_chain_is_one_set():
    sets = DisjointSets()
    for number in range(5000):
        sets.join(number + 1, number)
    assert len({sets.root(number) for number in range(5001)}) == 1
