"""Models by datasets."""

import pytest

from run_folders import graded, judged
from vlsbench.comparison.table import table
from vlsbench.core.errors import RunError, UserError

LEAKY = {"dataset": "mini:leaky:200:0", "dataset_hash": "1" * 64}
LEAKLESS = {"dataset": "mini:leakless:200:0", "dataset_hash": "2" * 64}


def shown(found):
    return [[None if cell is None else (cell.rate.k, cell.rate.n) for cell in row] for row in found.cells]


def test_each_run_is_a_cell(tmp_path):
    judged(tmp_path / "1", ("x", "refusal"), ("y", "unsafe"), model="openai:a", **LEAKY)
    judged(tmp_path / "2", ("x", "unsafe"), ("z", "unsafe"), model="openai:a", **LEAKLESS)
    judged(tmp_path / "3", ("x", "refusal"), ("z", "warning"), model="openai:b", **LEAKLESS)
    found = table([tmp_path / name for name in "123"])
    assert found.models == ("openai:a", "openai:b")
    assert found.datasets == ("mini:leaky", "mini:leakless")
    assert shown(found) == [[(1, 2), (0, 2)], [None, (2, 2)]]
    assert found.averages == (0.25, None)


def test_other_settings_make_another_row_that_says_so(tmp_path):
    judged(tmp_path / "1", ("x", "refusal"), model="openai:a", system="Be kind to everybody.")
    judged(tmp_path / "2", ("x", "unsafe"), model="openai:a")
    judged(tmp_path / "3", ("x", "unsafe"), model="openai:a", model_details={"digest": "f" * 64})
    found = table([tmp_path / name for name in "123"])
    assert len(found.models) == len(set(found.models)) == 3
    assert "kind" not in " ".join(found.models)
    assert "digest #" in found.models[2]


@pytest.mark.parametrize(
    ("references", "names"),
    [
        (("vlsbench:/data/a", "figstep:./b"), ("vlsbench", "figstep")),
        (("mm_safetybench/SD:/data/mm", "mm_safetybench/TYPO:/data/mm"), ("mm_safetybench/SD", "mm_safetybench/TYPO")),
        (("vlsbench:/a", "vlsbench:/b"), ("vlsbench:/a", "vlsbench:/b")),
        (("jsonl:/sets/mine.jsonl", "jsonl:other.jsonl"), ("jsonl:mine", "jsonl:other")),
        (("vlsbench:/a", "vlsbench:/a"), ("vlsbench [n = 1]", "vlsbench [n = 2]")),
        (("mini:leaky:200:0", "mini:leaky:50:0"), ("mini:leaky", "mini:leaky:50:0")),
        (("hf-data:someone/set@v1", "mine"), ("hf-data:someone/set@v1", "mine")),
    ],
)
def test_columns_are_named_by_dataset_and_never_alike(tmp_path, references, names):
    rows = ("x", "refusal"), ("y", "refusal")
    for number, reference in enumerate(references):
        judged(tmp_path / str(number), *rows[: number + 1], dataset=reference, dataset_hash=str(number) * 64)
    assert table([tmp_path / "0", tmp_path / "1"]).datasets == names


def test_two_runs_for_one_cell_are_refused(tmp_path):
    for name in "ab":
        judged(tmp_path / name, ("x", "refusal"))
    with pytest.raises(UserError, match="Leave one of them out"):
        table([tmp_path / "a", tmp_path / "b"])


def test_cells_of_another_judge_are_refused_or_come_with_a_warning(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"), **LEAKY)
    judged(tmp_path / "b", ("x", "refusal"), **LEAKLESS).judge(rubric_sha256="1" * 64)
    with pytest.raises(RunError, match=r"hash of the rubric.*--force"):
        table([tmp_path / "a", tmp_path / "b"])
    assert "hash of the rubric" in table([tmp_path / "a", tmp_path / "b"], force=True).warnings[0]


def test_an_unfinished_run_is_reported(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"), ("y", None))
    found = table([tmp_path / "a"])
    assert found.cells[0][0].unfinished == 1
    assert "1 of its 2 samples" in found.warnings[0]


def test_no_run_makes_no_table():
    with pytest.raises(UserError):
        table([])


BENIGN = {"expect": "benign"}


def test_each_dataset_shows_the_measure_that_it_has(tmp_path):
    judged(tmp_path / "1", ("x", "refusal"), ("y", "unsafe"), **LEAKY)
    judged(tmp_path / "2", ("x", "unsafe", BENIGN), ("z", "refusal", BENIGN), ("w", "unsafe", BENIGN), **LEAKLESS)
    found = table([tmp_path / name for name in "12"])
    assert found.measures == ("safety", "over_refusal")
    assert found.measure == "safety"
    assert shown(found) == [[(1, 2), (1, 3)]]
    assert found.averages == (None,)
    assert [each["measure"] for each in found.to_json()["datasets"]] == ["safety", "over_refusal"]


def test_the_measure_asked_for_is_shown_and_is_nothing_where_a_set_lacks_it(tmp_path):
    judged(tmp_path / "1", ("x", "refusal"), ("y", "refusal", {**BENIGN, "twin_of": "x"}), **LEAKY)
    judged(tmp_path / "2", ("x", "unsafe"), **LEAKLESS)
    runs = [tmp_path / name for name in "12"]
    assert shown(table(runs, measure="over_refusal")) == [[(1, 1), (0, 0)]]
    assert shown(table(runs, measure="paired")) == [[(0, 1), (0, 0)]]
    assert table(runs, measure="paired").cells[0][1].rate.value is None


def test_a_guard_has_no_safety_rate_to_ask_for(tmp_path):
    judged(tmp_path / "a", ("x", "unsafe")).judge(labels=["safe", "unsafe"])
    assert table([tmp_path / "a"]).measure == "unsafe"
    with pytest.raises(UserError, match="leave --measure out"):
        table([tmp_path / "a"], measure="safety")
    with pytest.raises(UserError, match="measure"):
        table([tmp_path / "a"], measure="kindness")


def test_adapters_of_one_name_and_tables_of_ones_own_keep_apart(tmp_path):
    for number, adapter in enumerate(("one", "two")):
        judged(
            tmp_path / str(number), ("x", "refusal"), model=f"hf:/m/base+/{adapter}/lora", dataset="csv:/sets/mine.csv"
        )
    found = table([tmp_path / name for name in "01"])
    assert found.models == ("hf:m/base+one/lora", "hf:m/base+two/lora")
    assert found.datasets == ("csv:mine",)


def test_the_bounds_of_a_mean_grade_hold_the_mean(tmp_path):
    graded(tmp_path / "a", ("x", 0.3, "rec"), ("y", 0.3, "rec"))
    (cell,) = table([tmp_path / "a"]).cells[0]
    assert (cell.bounds.low, cell.bounds.high) == pytest.approx((0.3, 0.3))


def test_the_bounds_of_a_mean_grade_are_around_it(tmp_path):
    made = judged(tmp_path / "a", *((name, None) for name in "xyz"))
    made.judge(labels=["graded"])
    for name in "xy":
        made.response(name)
        made.verdict(name, "scored", label="graded", score=0.4)
    ((cell,),) = table([tmp_path / "a"]).cells
    assert cell.rate.value == pytest.approx(0.4)
    assert (cell.bounds.low, cell.bounds.high) == pytest.approx((0.8 / 3, 1.8 / 3))
