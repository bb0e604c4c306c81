"""``compare``, ``leaderboard`` and ``table`` as typed."""

import csv
import io
import json
import re

import pytest

from builders import vlsbench
from run_folders import judged

LABELS = ("refusal", "warning", "unsafe", "unsafe", "warning", "unsafe")


@pytest.fixture
def runs(tmp_path):
    """Three models on six samples in two categories."""
    for number, name in enumerate("abc"):
        rows = [(f"s{n}", LABELS[(n + number) % 6], {"category": f"c{n % 2}", "text": "Secret?"}) for n in range(6)]
        judged(tmp_path / name, *rows, model=f"openai:{name}")
    return [str(tmp_path / name) for name in "abc"]


@pytest.mark.parametrize("command", ["leaderboard", "table"])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_terminal_is_too_narrow_for_names_and_figures(tmp_path, monkeypatch, capsys, command, width):
    monkeypatch.setenv("COLUMNS", str(width))
    sets = ("vlsbench:/a", "figstep:/a", "mm_safetybench/SD:/a", "jsonl:/a/mine.jsonl", "xstest:/a", "siuo:/a")
    runs = []
    for model in ("openai:organisation/model-7b-instruct", "openai:organisation/model-13b-instruct"):
        for number, name in enumerate(sets if command == "table" else sets[:1]):
            runs.append(tmp_path / f"{len(runs)}")
            rows = [(f"s{n}", LABELS[(n + number) % 6]) for n in range(6)]
            judged(runs[-1], *rows, model=model, dataset=name, dataset_hash=str(number) * 64)
    assert vlsbench(command, *runs) == 0
    shown = capsys.readouterr().out
    # A folded name stands on several lines, in a column of its own.
    cells = [cell for line in shown.splitlines() for cell in re.split(r"\s{2,}", line.strip())]
    names = "".join(cell for cell in cells if re.search("[a-z]", cell))
    assert names.count("openai:organisation/model-7b-instruct") >= 1
    assert names.count("openai:organisation/model-13b-instruct") >= 1
    assert shown.count("[18.8, 81.2]") >= (12 if command == "table" else 2)
    assert "…" not in shown


def test_the_measure_is_chosen_on_the_command_line(tmp_path, capsys):
    for name in "ab":
        rows = [("x", "refusal"), ("y", "refusal", {"expect": "benign", "twin_of": "x"})]
        judged(tmp_path / name, *rows, model=f"openai:{name}")
    for command in ("leaderboard", "table"):
        for measure in ("safety", "over-refusal", "paired"):
            assert vlsbench(command, tmp_path / "a", tmp_path / "b", "--measure", measure, "--json") == 0
            assert json.loads(capsys.readouterr().out)["measure"] == measure.replace("-", "_")
        assert vlsbench(command, tmp_path / "a", tmp_path / "b", "--measure", "over-refusal") == 0
        assert "ver-refusal" in capsys.readouterr().out


FORMATS = ["--json", "--markdown", "--latex", "--csv", None]


@pytest.mark.parametrize("command", ["compare", "leaderboard", "table"])
@pytest.mark.parametrize("form", FORMATS)
def test_each_command_prints_in_each_format(runs, command, form, capsys):
    assert vlsbench(command, *runs, *([form] if form else [])) == 0
    printed = capsys.readouterr()
    assert "openai:b" in printed.out.replace("\\", "").replace("&#58;", ":")
    assert printed.err == ""
    assert "Secret" not in printed.out
    if form == "--json":
        json.loads(printed.out)
    if form == "--csv":
        rows = list(csv.reader(io.StringIO(printed.out)))
        assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("command", ["compare", "leaderboard", "table"])
@pytest.mark.parametrize("form", FORMATS)
def test_what_was_forced_is_said_in_each_format(runs, command, form, capsys, tmp_path):
    judged(tmp_path / "d", *((f"s{n}", "refusal", {"text": "Secret?"}) for n in range(6))).judge(sees="both")
    assert vlsbench(command, *runs, tmp_path / "d") == 2
    refused = capsys.readouterr()
    assert refused.out == ""
    assert "what the judge sees" in refused.err
    assert vlsbench(command, *runs, tmp_path / "d", "--force", *([form] if form else [])) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "by force" in out
    assert "what the judge sees" in out


@pytest.fixture
def refused(tmp_path):
    """Two models of which the judge refused different answers: A's unsafe ones."""
    for name, labels in (("a", ["refusal"] * 60 + ["judge_refused"] * 40), ("b", ["refusal"] * 60 + ["unsafe"] * 40)):
        # Every other safe answer of b is an unsafe one of a, so that the two are alike where all is known.
        swapped = labels[20:] + labels[:20] if name == "b" else labels
        judged(tmp_path / name, *((f"s{n}", said) for n, said in enumerate(swapped)), model=f"openai:{name}")
    return [str(tmp_path / "a"), str(tmp_path / "b"), "--max-unscored", "1"]


@pytest.mark.parametrize("command", ["compare", "leaderboard"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_conclusion_that_missing_verdicts_could_undo_is_open_in_each_format(refused, command, form, capsys):
    assert vlsbench(command, *refused, *([form] if form else [])) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "is open. 40 verdicts are missing" in out
    if form == "--json":
        found = json.loads(out)["differences"][0]
        assert (found["open"], found["missing"], found["tipping_point"] is None) == (True, 40, False)
        assert found["bounds"]["low"] < found["value"]
        assert found["sign_holds"] is (found["bounds"]["low"] > 0)
    elif form != "--csv" and command == "compare":
        assert "0.001 open" in out.replace("\\", "").replace("&lt;", "<")
        assert "Bounds" in out


@pytest.mark.parametrize("command", ["compare", "leaderboard", "table"])
@pytest.mark.parametrize("form", ["--json", None])
def test_too_much_unscored_is_exit_code_1_after_the_figures(refused, command, form, capsys):
    runs = refused[:2]
    assert vlsbench(command, *runs, *([form] if form else [])) == 1
    printed = capsys.readouterr()
    assert "openai" in printed.out
    assert "40.0 % of the samples of a run are unscored" in printed.err
    assert vlsbench(command, *runs, "--max-unscored", "0.4") == 0
    assert vlsbench(command, *runs, "--max-unscored", "0.39") == 1


def test_json_of_a_comparison_has_its_documented_fields(runs, capsys):
    assert vlsbench("compare", *runs, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    top = {"judge", "measure", "n", "by", "warnings", "notes", "runs", "family", "differences", "differing"}
    assert found.keys() == top
    assert found["family"]["size"] == 9
    assert found["differences"][0].keys() >= {"first", "second", "measure", "group", "value", "low", "high", "p_holm"}
    assert found["runs"][0].keys() >= {"name", "path", "selected", "unfinished", "corrected", "safety_rate", "groups"}
    assert found["differing"][0]["standings"].keys() == {"openai:a", "openai:b", "openai:c"}


def test_samples_that_differ_are_counted_and_a_few_are_named(runs, capsys):
    assert vlsbench("compare", *runs, "--show-samples", 2, "--by", "none") == 0
    assert "on 6 samples: s0, s1 and 4 more" in " ".join(capsys.readouterr().out.split())


def test_all_samples_that_differ_go_to_a_file(runs, capsys, tmp_path):
    file = tmp_path / "differing.csv"
    assert vlsbench("compare", *runs, "--differing", file) == 0
    assert "6 samples written" in capsys.readouterr().err
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert rows[0] == {
        "sample_id": "s0",
        "category": "c0",
        "sub_category": "(none)",
        "measure": "safety",
        "openai:a": "refusal",
        "openai:b": "warning",
        "openai:c": "unsafe",
    }
    assert vlsbench("compare", *runs, "--differing", tmp_path / "missing" / "x.csv") == 3


@pytest.mark.parametrize("command", ["compare", "leaderboard"])
def test_one_run_is_too_few(runs, command, capsys):
    assert vlsbench(command, runs[0]) == 2
    assert "vlsbench show" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compare", "leaderboard", "table"])
def test_a_folder_that_is_no_run_says_so(runs, command, capsys, tmp_path):
    assert vlsbench(command, runs[0], tmp_path) == 2
    assert "not a run folder" in capsys.readouterr().err


def test_an_unfinished_run_is_marked(tmp_path, capsys):
    judged(tmp_path / "a", ("x", "refusal"), ("y", None))
    assert vlsbench("table", tmp_path / "a", "--max-unscored", "0.5") == 0
    assert "100.0 [20.7, 100.0]†" in " ".join(capsys.readouterr().out.split())


def test_published_rows_stand_apart(runs, capsys):
    assert vlsbench("leaderboard", *runs, "--published", "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["kind"] for row in rows[:4]] == ["run", "run", "run", "published"]
    assert rows[3]["rank_best"] == ""
    assert rows[3]["n"] == "2241"
    assert vlsbench("leaderboard", *runs, "--published") == 0
    out = capsys.readouterr().out
    assert out.index("openai:a") < out.index("Published (arXiv:2411.19939)") < out.index("Gemini-1.5-pro")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dataset", ["vlsbench:/x", "mm_safetybench/SD:/x"])
def test_published_rows_are_in_each_format(tmp_path, capsys, form, dataset):
    judged(tmp_path / "a", ("x", "refusal"), dataset=dataset)
    assert vlsbench("leaderboard", tmp_path / "a", "--published", *([form] if form else [])) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "2411.19939" in out.replace("\\", "")
    assert ("94.74" in out or "0.9474" in out) is (dataset == "vlsbench:/x")
    assert ("94.49" in out or "0.9449" in out) is (dataset != "vlsbench:/x")
