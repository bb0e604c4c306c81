"""Ranks, and what the data leave open of them."""

import pytest

from run_folders import judged
from vlsbench.comparison.leaderboard import leaderboard
from vlsbench.comparison.published import OTHER_SETS, ROWS
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


def beside_the_paper(tmp_path, samples=2241, **judge):
    """The doubts about a run on VLSBench that stands beside the published rows."""
    made_run = judged(tmp_path / "a", *((f"s{n}", "warning") for n in range(samples)), dataset="vlsbench:/data")
    made_run.judge(**{"judge": "openai:gpt-4o", "rubric": "release:vlsbench", **judge})
    return leaderboard([tmp_path / "a"], published=True).warnings


@pytest.mark.parametrize("judge", ["openai:gpt-4o", "openai:gpt-4o-2024-08-06", "openai:openai/gpt-4o@https://h/v1"])
def test_runs_like_the_published_ones_stand_beside_them_without_a_doubt(tmp_path, judge):
    assert beside_the_paper(tmp_path, judge=judge) == ()


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        ({"judge": "openai:gpt-4o-mini"}, "were judged by GPT-4o, these runs by openai:gpt-4o-mini"),
        ({"judge": "openai:my-gpt-4o-distill-7b@http://h/v1"}, "were judged by GPT-4o"),
        ({"judge": "openai:chatgpt-4o-latest"}, "were judged by GPT-4o"),
        ({"judge": "openai:acme/gpt-4o@http://h/v1"}, "were judged by GPT-4o"),
        ({"judge": "hf:acme/gpt-4o"}, "were judged by GPT-4o"),
        ({"rubric": "vlsbench"}, "by the paper's own rubric, these runs by vlsbench"),
        ({"rubric": "mine"}, "by the paper's own rubric"),
        ({"sees": "description"}, "saw the image"),
        ({"samples": 2000}, "all 2,241 samples of VLSBench, these runs about 2,000"),
    ],
)
def test_each_thing_in_which_runs_are_not_like_the_published_ones_is_a_doubt(tmp_path, changed, doubt):
    (warning,) = beside_the_paper(tmp_path, **changed)
    assert doubt in warning


def test_all_rows_of_the_paper_are_there():
    assert len(ROWS) == len({row.model for row in ROWS}) == 30
    best = max(ROWS, key=lambda row: row.safety)
    assert (best.model, best.safety, best.judge, best.source) == (
        "Claude-3.5-sonnet",
        0.9474,
        "GPT-4o",
        "arXiv:2411.19939",
    )


def test_on_a_leaky_set_its_own_published_rows_stand_beside_the_runs(tmp_path):
    for dataset, rows, source in (
        ("figstep:/x", 13, "Table 2"),
        ("jailbreakv/mini:/x", 39, "Table 2"),
        ("vlsafe:/x", 13, "Table 2"),
        ("mm_safetybench/SD:/x", 30, "Table 5"),
    ):
        folder = tmp_path / dataset.partition(":")[0].replace("/", "-")
        judged(folder, ("s", "warning"), dataset=dataset)
        found = leaderboard([folder], published=True)
        assert len(found.published) == rows
        assert all(
            source in row.source and row.dataset == dataset.split(":")[0].split("/")[0] for row in found.published
        )
        assert len(found.warnings) == 1
    shown = {(row.model, row.part): row.safety for row in OTHER_SETS}
    assert shown["Qwen2-VL-7B + VLGuard", "SD_TYPO"] == 0.9327
    assert shown["LLaVA-v1.5-7B + MM-SFT", "jailbreak"] == 0.6607


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.model)
def test_published_parts_add_up_to_the_safety_rate(row):
    assert row.n == 2241
    # The paper rounds each by itself, and one of its sums (Qwen2-VL-72B) is off by two hundredths of a per cent.
    assert row.refusal + row.warning == pytest.approx(row.safety, abs=0.00021)


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
