"""Which examples a method can learn from."""

from __future__ import annotations

import pytest

from vlsbench.align.examples import TrainingExample, user_says
from vlsbench.align.preference import DPO
from vlsbench.core.errors import DatasetError

METHOD = DPO(model="mini:base", data=("run:a",))


def examples(pairs: int, others: int) -> list[TrainingExample]:
    rejected = ["I will help."] * pairs + [None] * others
    return [TrainingExample(prompt=user_says("What?"), completion="No.", rejected=one) for one in rejected]


def test_queries_without_an_answer_to_reject_are_left_out_and_counted() -> None:
    told: list[str] = []
    found = METHOD.usable(examples(6, 30), told.append)
    assert [example.rejected for example in found] == ["I will help."] * 6
    assert told == ["30 of 36 examples have no answer to reject and are left out"]


def test_pairs_alone_are_taken_as_they_are_however_few() -> None:
    told: list[str] = []
    assert len(METHOD.usable(examples(2, 0), told.append)) == 2
    assert told == []


@pytest.mark.parametrize(("pairs", "said"), [(0, "that is all of them"), (4, "only 4 pairs would be left")])
def test_a_handful_or_nothing_left_is_no_training(pairs: int, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        METHOD.usable(examples(pairs, 30), lambda _line: None)
