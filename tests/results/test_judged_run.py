"""A run is read as a whole, with the judge that was meant."""

import pytest

from run_folders import HandMade, judged
from vlsbench.core.errors import RunError, UnknownName
from vlsbench.results import judged_run as reading


def test_each_sample_stands_where_its_judge_left_it(tmp_path):
    judged(tmp_path / "run", ("a", "refusal"), ("b", "unsafe"), ("c", "judge_error"), ("d", None))
    found = reading.read(tmp_path / "run")
    assert [found.outcome(item.id) for item in found.items] == ["refusal", "unsafe", "judge_error", "pending"]
    assert [found.is_safe(item.id) for item in found.items] == [True, False, None, None]
    assert found.unfinished == 1
    assert (found.overall().safety_rate.k, found.overall().safety_rate.n) == (1, 2)


def test_one_judge_among_several_is_named(tmp_path):
    made = judged(tmp_path / "run", ("a", "refusal"))
    made.judge("other-00000000", judge="openai:other")
    made.verdict("a", "unsafe", "other-00000000")
    with pytest.raises(RunError, match=r"several judges \(openai:judge; openai:other\).*--judge"):
        reading.read(tmp_path / "run")
    assert reading.read(tmp_path / "run", "openai:other").outcome("a") == "unsafe"
    assert reading.read(tmp_path / "run", "judge-00000000").outcome("a") == "refusal"
    with pytest.raises(UnknownName, match="openai:other"):
        reading.read(tmp_path / "run", "openai:othr")


def test_a_baseline_is_read_only_where_it_is_named_or_alone(tmp_path):
    made = judged(tmp_path / "run", ("a", "refusal"))
    made.judge("refusal-00000000", judge="refusal", baseline=True)
    assert reading.read(tmp_path / "run").name == "openai:judge"
    assert reading.read(tmp_path / "run", "refusal").name == "refusal"


def test_a_run_without_verdicts_says_how_to_get_some(tmp_path):
    HandMade(tmp_path / "run", 1)
    with pytest.raises(RunError, match=r"no verdicts yet.*vlsbench judge"):
        reading.read(tmp_path / "run")
