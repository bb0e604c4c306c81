from __future__ import annotations

import json

import pytest

from run_folders import HandMade, judged
from vlsbench.core.errors import RunError, UserError
from vlsbench.report import inputs


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value) if not isinstance(value, str) else value)
    return path


def test_each_input_is_read_as_what_it_is(tmp_path):
    judged(tmp_path / "run", ("s0", "refusal"))
    write(tmp_path / "audit" / "audit.json", {"n": 1, "dataset": "jsonl:/x/set.jsonl"})
    write(tmp_path / "ablation" / "ablation.json", {"conditions": {"text": {}, "full": {}}})
    for name in ("full", "text"):
        judged(tmp_path / "ablation" / name, ("s0", "refusal"))
    write(tmp_path / "cmp.json", {"runs": [], "differences": []})
    found = inputs.gather(
        [*(str(tmp_path / name) for name in ("run", "audit", "ablation", "cmp.json")), "mini:leaky:5"]
    )
    assert [part.name for part in found.runs] == ["target"]
    assert [part.name for part in found.audits] == ["set"]
    assert list(found.ablations[0].runs) == ["text", "full"]
    assert [part.name for part in found.comparisons] == ["cmp"]
    assert [part.name for part in found.datasets] == ["mini:leaky:5:0"]
    assert len(found.answered) == 3


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("nowhere", "is neither a folder nor a file, and no dataset reference"),
        ("empty", "is no run, audit or ablation folder"),
        ("set.jsonl", "as a dataset it is named jsonl:"),
        ("other.json", "is no comparison"),
        ("broken.json", "is damaged"),
        ("list.json", "holds no JSON object"),
        ("mini:leakie", "Did you mean"),
        ("badaudit", "is damaged"),
    ],
)
def test_what_is_no_input_is_named_and_says_what_would_be(tmp_path, monkeypatch, ref, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write(tmp_path / "set.jsonl", "{}")
    write(tmp_path / "other.json", {})
    write(tmp_path / "broken.json", "{")
    write(tmp_path / "list.json", [])
    write(tmp_path / "badaudit" / "audit.json", "{")
    with pytest.raises(UserError, match=said) as caught:
        inputs.gather([ref])
    assert ref in str(caught.value) or ref == "mini:leakie"


def test_naming_an_input_twice_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judged(tmp_path / "run", ("s0", "refusal"))
    with pytest.raises(UserError, match=r"\./run is named twice \(also as run\)"):
        inputs.gather(["run", "./run"])


def test_runs_get_names_that_tell_them_apart(tmp_path):
    for folder, model, data in (
        ("a", "openai:one@http://x/v1", "jsonl:/1/set.jsonl"),
        ("b", "openai:two@http://x/v1", "jsonl:/1/set.jsonl"),
        ("c", "openai:two@http://x/v1", "jsonl:/2/set.jsonl"),
        ("d", "openai:two@http://x/v1", "jsonl:/2/set.jsonl"),
    ):
        HandMade(tmp_path / folder, 1, model=model, dataset=data)
    found = inputs.gather([str(tmp_path / name) for name in "abcd"])
    assert [part.name for part in found.runs] == [
        "one on jsonl:/1/set.jsonl",
        "two on jsonl:/1/set.jsonl",
        "two on jsonl:/2/set.jsonl (c)",
        "two on jsonl:/2/set.jsonl (d)",
    ]


def test_the_charted_judge_is_the_first_that_is_no_baseline(tmp_path):
    made = HandMade(tmp_path / "run", 1)
    made.judge("refusal-11111111", judge="refusal", baseline=True)
    made.judge()
    (part,) = inputs.gather([str(made.run.path)]).runs
    assert part.primary == "openai:judge"
    assert list(part.stems.values()) == ["openai:judge", "refusal"]


def test_a_folder_of_results_stands_for_those_inside_it(tmp_path):
    for name in ("b", "a", "a.old-20260101-120000"):
        judged(tmp_path / "runs" / name, ("s0", "refusal"))
    (tmp_path / "runs" / "notes").mkdir()
    found = inputs.gather([str(tmp_path / "runs")])
    assert [part.run.path.name for part in found.runs] == ["a", "b"]
    assert found.refs == tuple(str(tmp_path / "runs" / name) for name in ("a", "b"))


def test_a_folder_without_results_is_named(tmp_path):
    with pytest.raises(RunError, match="nor does a folder in it"):
        inputs.gather([str(tmp_path)])
