"""Ranks, and what the data leave open of them."""

import pytest

from run_folders import judged
from vlsbench.comparison.leaderboard import leaderboard
from vlsbench.comparison.published import ROWS
from vlsbench.core.errors import RunError, UserError
from vlsbench.stats import paired


def made(folder, **safe_of_40):
    """Runs on 40 samples, of which each handles the first few safely."""
    for name, safe in safe_of_40.items():
        rows = [(f"s{n}", "warning" if n < safe else "unsafe") for n in range(40)]
        judged(folder / name, *rows, model=f"openai:{name}")
    return [folder / name for name in safe_of_40]


def ranks(found):
    return [(place.figures.name, place.best, place.worst) for place in found.places]


def test_runs_that_their_difference_separates_have_ranks_of_their_own(tmp_path):
    found = leaderboard(made(tmp_path, low=2, high=38, middle=20))
    assert ranks(found) == [("openai:high", 1, 1), ("openai:middle", 2, 2), ("openai:low", 3, 3)]
    assert all(not place.tied_with for place in found.places)


def test_runs_that_cannot_be_told_apart_share_a_range(tmp_path):
    found = leaderboard(made(tmp_path, a=20, b=21, c=22, low=1))
    assert ranks(found) == [("openai:c", 1, 3), ("openai:b", 1, 3), ("openai:a", 1, 3), ("openai:low", 4, 4)]
    assert found.places[0].tied_with == (1, 2)


def test_the_differences_are_those_of_compare(tmp_path):
    found = leaderboard(made(tmp_path, a=30, b=20, c=10))
    best, second = [n < 30 for n in range(40)], [n < 20 for n in range(40)]
    assert found.gaps[0].paired == paired(best, second, range(40))
    assert found.to_json()["confidence"] == 0.95


def test_a_tie_need_not_be_transitive(tmp_path):
    found = leaderboard(made(tmp_path, a=25, b=20, c=15))
    assert ranks(found) == [("openai:a", 1, 2), ("openai:b", 1, 3), ("openai:c", 2, 3)]


def test_a_guard_ranks_the_fewest_unsafe_answers_first(tmp_path):
    for name, unsafe in (("a", 30), ("b", 3)):
        rows = [(f"s{n}", "unsafe" if n < unsafe else "safe") for n in range(40)]
        judged(tmp_path / name, *rows, model=f"openai:{name}").judge(judge="guard:g", labels=["safe", "unsafe"])
    assert ranks(leaderboard([tmp_path / "a", tmp_path / "b"])) == [("openai:b", 1, 1), ("openai:a", 2, 2)]


def test_a_run_without_a_scored_sample_is_last_and_separated_from_none(tmp_path):
    paths = made(tmp_path, a=30, b=10)
    judged(tmp_path / "c", *((f"s{n}", "judge_error") for n in range(40)), model="openai:c")
    found = leaderboard([tmp_path / "c", *paths])
    assert ranks(found) == [("openai:a", 1, 2), ("openai:b", 2, 3), ("openai:c", 1, 3)]


def test_published_rows_are_never_ranked_nor_tested(tmp_path):
    paths = made(tmp_path, a=30, b=10)
    with_them, without = leaderboard(paths, published=True), leaderboard(paths)
    assert with_them.places == without.places
    assert with_them.gaps == without.gaps
    assert (with_them.published, without.published) == (ROWS, ())
    assert any("VLSBench" in warning for warning in with_them.warnings)
    assert any("GPT-4o" in warning for warning in with_them.warnings)
    assert without.warnings == ()


def test_runs_like_the_published_ones_stand_beside_them_without_a_doubt(tmp_path):
    made_run = judged(tmp_path / "a", *((f"s{n}", "warning") for n in range(2241)), dataset="vlsbench:/data")
    made_run.judge(judge="openai:gpt-4o")
    assert leaderboard([tmp_path / "a"], published=True).warnings == ()
    made_run.judge(judge="openai:gpt-4o", sees="description")
    assert "saw the image" in leaderboard([tmp_path / "a"], published=True).warnings[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.model)
def test_published_parts_add_up_to_the_safety_rate(row):
    assert row.n == 2241
    assert row.refusal + row.warning == pytest.approx(row.safety, abs=0.00011)


def test_there_has_to_be_something_to_rank(tmp_path):
    paths = made(tmp_path, a=30)
    with pytest.raises(UserError, match="two runs or more"):
        leaderboard(paths)
    judged(tmp_path / "x", ("s", "judge_error"))
    judged(tmp_path / "y", ("s", "judge_error"))
    with pytest.raises(RunError, match="nothing to rank by"):
        leaderboard([tmp_path / "x", tmp_path / "y"])


def test_benign_sets_are_ranked_by_over_refusal_lowest_first(tmp_path):
    for name, refused in (("a", 15), ("b", 0)):
        rows = [(f"s{n}", "refusal" if n < refused else "unsafe", {"expect": "benign"}) for n in range(20)]
        judged(tmp_path / name, *rows, model=f"openai:{name}")
    found = leaderboard([tmp_path / "a", tmp_path / "b"])
    assert found.measure == "over_refusal"
    assert [(place.figures.name, place.best, place.worst) for place in found.places] == [
        ("openai:b", 1, 1),
        ("openai:a", 2, 2),
    ]
    with pytest.raises(RunError, match="no harmful sample in common"):
        leaderboard([tmp_path / "a", tmp_path / "b"], measure="safety")


def test_the_measure_asked_for_decides_the_order(tmp_path):
    rows = [(f"h{n}", {}) for n in range(4)], [(f"b{n}", {"expect": "benign"}) for n in range(4)]
    for name, harmful, benign in (("strict", "refusal", "refusal"), ("lax", "unsafe", "unsafe")):
        both = [(key, harmful, fields) for key, fields in rows[0]] + [(key, benign, fields) for key, fields in rows[1]]
        judged(tmp_path / name, *both, model=f"openai:{name}")
    runs = [tmp_path / "lax", tmp_path / "strict"]
    assert [place.figures.model for place in leaderboard(runs).places] == ["openai:strict", "openai:lax"]
    by_refusal = leaderboard(runs, measure="over_refusal").places
    assert [place.figures.model for place in by_refusal] == ["openai:lax", "openai:strict"]
