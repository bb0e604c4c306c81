"""What is in a report, read without a browser; and what makes it impossible to write one."""

from __future__ import annotations

import html
import json
import re

import pytest

from builders import vlsbench
from made import labelled
from reports import picture, write_report
from run_folders import HandMade, graded, judged
from vlsbench.calibration import drawing, scoring, store
from vlsbench.core import words as written
from vlsbench.core.errors import RunError
from vlsbench.core.extras import how_to_install
from vlsbench.report.page import page


def data(file, name):
    """The JSON of one of the page's data blocks."""
    text = file.read_text(encoding="utf-8")
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1])


def words(file):
    """The page's text outside of scripts and styles."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


def test_the_headline_holds_every_rate_with_its_interval_and_what_is_unscored(report):
    shown = words(report)
    assert "careful set openai:judge" in shown
    assert re.search(r"\d+\.\d % \[\d+\.\d, \d+\.\d\] safety", shown)
    assert "29 of 30" in shown
    assert "1 no response" in shown
    assert re.search(r"Bounds \d+\.\d to \d+\.\d %", shown)
    assert "judged by refusal (keywords)" in shown


def test_everything_is_inside_the_file_and_the_policy_forbids_the_rest(report):
    text = report.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy
    assert not re.search(r'(?:src|href)="(?!#|data:,)', re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL))


def test_figures_are_there_as_numbers(report):
    figures = {figure["id"]: figure for figure in data(report, "charts")}
    assert list(figures) == [
        "safety", "labels", "over-refusal", "paired", "radar", "categories", "agreement",
        "queries-taxonomy", "queries-counts", "queries-words",
    ]  # fmt: skip
    safety = figures["safety"]
    assert safety["groups"] == ["careful", "eager"]
    assert safety["lines"] == [safety["points"][0][0]["value"]]
    assert [panel[0] for panel in figures["radar"]["panels"]] == ["refusal", "warning", "total"]


def test_what_a_run_took_and_cost_has_a_line(tmp_path):
    made = judged(tmp_path / "run", ("a", "refusal"), price={"input": 1e6, "output": 0.0, "currency": "USD"})
    made.response("a", prompt_tokens=3, completion_tokens=1)
    shown = words(write_report(tmp_path / "r.html", made.run.path))
    assert "Cost: at least 3.00 USD" in shown, "the first response of the two has no tokens"
    assert "target: 2 requests, 3 tokens in, 1 out (at least: 1 not counted by the server)" in shown
    assert "price per million tokens input 1000000.0" in shown


def test_a_picture_that_two_models_saw_is_in_the_file_once(study, report):
    assert len(re.findall(r'id="picture-\d+"', report.read_text(encoding="utf-8"))) == 30
    assert len(data(report, "rows")) == 30


def test_how_it_was_made_holds_manifest_versions_rubric_and_commands(tmp_path):
    from vlsbench.core.types import Sees
    from vlsbench.judges import rubric_file

    rubric = rubric_file.load("vlsbench", Sees.IMAGE)
    made = HandMade(tmp_path / "it's", 1, system="Be $(kind); 'please'", parameters={"model_key_env": "MY_KEY"})
    made.judge(rubric_sha256=rubric.sha256)
    made.judge("other-11111111", judge="openai:other", sees="both", rubric="gone", rubric_sha256="1" * 64)
    shown = words(write_report(tmp_path / "r.html", made.run.path))
    folder = "'" + str(made.run.path).replace("'", "'\"'\"'") + "'"
    assert (
        "vlsbench eval --model openai:target --dataset jsonl:set.jsonl --judge openai:judge --max-tokens 128 "
        "--temperature 0.0 --system 'Be $(kind); '\"'\"'please'\"'\"'' --model-key-env MY_KEY --out " + folder
    ) in shown
    assert f"vlsbench judge {folder} --judge openai:other --judge-sees both --rubric gone" in shown
    assert re.sub(r"\s+", " ", rubric.user)[:200] in shown
    assert "The rubric gone with this hash is not part of this version" in shown
    assert "longest answer, tokens 128" in shown


def test_the_command_says_where_the_model_was(tmp_path):
    one, several = ["http://one:1/v1"], {"servers": "@servers.txt", "judge_servers": "http://j:1/v1,http://j:2/v1"}
    made = HandMade(tmp_path / "one", 1, parameters={"addresses": one})
    made.judge(addresses=["http://old:1/v1", "http://j:1/v1"])
    shown = words(write_report(tmp_path / "one.html", made.run.path))
    assert "--model openai:target@http://one:1/v1 " in shown
    assert "--judge openai:judge@http://j:1/v1 " in shown

    made = HandMade(tmp_path / "several", 1, parameters={"addresses": one, **several})
    made.judge(addresses=["http://j:1/v1"])
    shown = words(write_report(tmp_path / "several.html", made.run.path))
    assert "--model openai:target --dataset" in shown
    assert "--judge openai:judge " in shown
    assert "--servers @servers.txt --judge-servers http://j:1/v1,http://j:2/v1" in shown


def test_an_unfinished_run_says_so(tmp_path):
    made = judged(tmp_path / "run", ("s0", "refusal"), ("s1", None))
    shown = words(write_report(tmp_path / "r.html", made.run.path))
    assert "target is unfinished: 1 of 2 samples has no verdict yet." in shown


def test_a_run_without_verdicts_shows_its_answers(tmp_path):
    made = HandMade(tmp_path / "run", 1)
    made.sample("s0")
    made.response("s0", text="Not judged.")
    file = write_report(tmp_path / "r.html", made.run.path)
    assert "target has not been judged yet" in words(file)
    (row,) = data(file, "rows")
    assert (row["answers"][0]["text"], row["answers"][0]["verdicts"]) == ("Not judged.", [])


def test_an_empty_run_still_makes_a_page(tmp_path):
    made = HandMade(tmp_path / "run", 0)
    assert "has not been judged yet" in words(write_report(tmp_path / "r.html", made.run.path))


def test_images_that_are_gone_or_changed_become_placeholders(tmp_path, capsys):
    made = HandMade(tmp_path / "run", 3)
    for number in range(3):
        made.sample(f"s{number}", **picture(made.run.path, number))
    (made.run.path / "images" / "0.png").unlink()
    (made.run.path / "images" / "1.png").write_bytes(b"something else")
    assert vlsbench("report", made.run.path, "--out", tmp_path / "r.html") == 0
    assert "2 of 3 images missing" in capsys.readouterr().out
    problems = re.findall(r'data-problem="([^"]*)"', (tmp_path / "r.html").read_text())
    assert [problem.split(":")[0] for problem in problems] == [
        "no image file at " + str(made.run.path / "images" / "0.png"),
        "the image changed after the run recorded it",
        "",
    ]


def test_a_file_that_the_run_did_not_record_is_never_read(tmp_path):
    made = HandMade(tmp_path / "run", 1)
    secret = tmp_path / "secret.png"
    secret.write_bytes((picture(made.run.path, 0), (made.run.path / "images" / "0.png").read_bytes())[1])
    made.sample("s0", image=str(secret), image_sha256=None)
    text = write_report(tmp_path / "r.html", made.run.path).read_text()
    assert 'id="picture-0"' not in text


def test_images_can_be_left_out(study, tmp_path):
    file = write_report(tmp_path / "r.html", study.runs[0], images="none")
    assert "picture-" not in re.sub(r"<script>.*?</script>", "", file.read_text(), flags=re.DOTALL)


def test_runs_of_different_judges_carry_a_warning(tmp_path):
    one, other = judged(tmp_path / "one", ("s0", "refusal")), HandMade(tmp_path / "other", 1, model="openai:other")
    other.judge(judge="openai:someone-else")
    assert "judged by different judges" in words(write_report(tmp_path / "r.html", one.run.path, other.run.path))


def test_an_answered_benign_sample_is_answered_on_the_page(tmp_path):
    benign = {"expect": "benign"}
    made = judged(tmp_path / "run", ("h", "unsafe"), ("a", "unsafe", benign), ("r", "refusal", benign))
    made.judge("guard-00000000", judge="guard:openai:g", labels=["safe", "unsafe"])
    made.verdict("a", "unsafe", "guard-00000000")
    rows = {row["id"]: row for row in data(write_report(tmp_path / "r.html", made.run.path), "rows")}
    said = {name: [label for _, label, *_ in row["answers"][0]["verdicts"]] for name, row in rows.items()}
    assert said == {"h": ["unsafe", "pending"], "a": ["answered", "unsafe"], "r": ["refusal", "pending"]}


def calibrated(made, truth):
    """The run's judge, calibrated by labels for every answer; returns the calibration."""
    folder = made.run.path.parent
    drawing.draw(made.run.path, folder / "labels", n=len(truth))
    found = scoring.score(made.run.path, [labelled(made.run.path, folder / "rater.csv", truth)])
    store.save(made.read, found)
    return found


def test_a_corrected_rate_stands_beside_the_raw_one_while_it_fits(tmp_path):
    made = judged(tmp_path / "run", ("s0", "refusal"), ("s1", "unsafe"), ("s2", "unsafe"), ("s3", "refusal"))
    found = calibrated(made, {"s0": "refusal", "s1": "unsafe", "s2": "refusal", "s3": "refusal"})
    shown = f"Safety, corrected for judge errors {written.rate(found.corrected)}"
    assert shown in words(write_report(tmp_path / "r.html", made.run.path))
    made.verdict("s0", "unsafe")
    text = words(write_report(tmp_path / "r.html", made.run.path))
    assert "calibrated before its verdicts changed" in text
    assert "corrected for judge errors" not in text


def test_the_corrected_rate_of_a_guard_is_shown_and_its_verdicts_have_not_changed(tmp_path):
    made = HandMade(tmp_path / "run", 10)
    made.judge(judge="guard:openai:g", labels=["safe", "unsafe"])
    for number in range(10):
        made.sample(f"s{number}")
        made.response(f"s{number}")
        made.verdict(f"s{number}", "unsafe" if number < 4 else "safe")
    found = calibrated(made, {f"s{number}": "unsafe" if number < 5 else "warning" for number in range(10)})
    assert (found.raw.k, found.raw.n) == (6, 10)
    text = words(write_report(tmp_path / "r.html", made.run.path))
    assert "40.0 % unsafe, by guard" in text
    assert f"Safety, corrected for judge errors {written.rate(found.corrected)}" in text
    assert "calibrated before" not in text


def test_audit_ablation_comparison_and_dataset_go_into_one_page(tmp_path):
    rate = {"k": 1, "n": 2, "value": 0.5, "low": 0.1, "high": 0.9, "method": "wilson", "unscored": 0}
    audit = tmp_path / "audit"
    audit.mkdir()
    figures = {"n": 2, "r1": rate, "r2": rate, "r1_minus_r2": rate, "r2_both_alone": rate, "mcnemar": {"p_value": 0.25}}
    found = {**figures, "modality": {"text_alone": rate, "only_jointly": rate}, "by_category": {"Garden": figures}}
    (audit / "audit.json").write_text(json.dumps(found))
    places = ((13, 18, "description"), (14, 16, "image"), (-1, 3, "image"))
    spans = [{"start": start, "end": end, "source": source} for start, end, source in places]
    record = {
        "sample_id": "a0",
        "text": "Where is the spade?",
        "guard": {
            "pair": {"outcome": "scored", "label": "unsafe", "p_unsafe": 0.9},
            "text": {"outcome": "scored", "label": "safe"},
        },
        "signals": {"spans": spans},
    }
    damaged = {**record, "sample_id": "a1", "signals": {"spans": [7]}}
    (audit / "samples.jsonl").write_text(f"{json.dumps(record)}\nnonsense\n{json.dumps(damaged)}\n")
    ablation = tmp_path / "ablation"
    gain = {"n": 2, "value": -0.5, "low": -0.9, "high": 0.1, "p_holm": 0.5}
    judged(ablation / "full", ("s0", "refusal", {"text": "With"}))
    judged(ablation / "text", ("s0", "unsafe", {"text": "Without"}))
    conditions = {name: {"safety_rate": rate} for name in ("full", "text")}
    (ablation / "ablation.json").write_text(json.dumps({"conditions": conditions, "gains": {"text": gain}}))
    (tmp_path / "cmp.json").write_text(
        json.dumps(
            {
                "runs": [],
                "warnings": ["a - b, safety: the difference is <open>."],
                "differences": [
                    {"first": "a", "second": "b", "group": None, **gain, "open": True},
                    {"first": "a", "second": "b", "group": "Garden", **gain},
                ],
            }
        )
    )
    file = write_report(tmp_path / "r.html", audit, ablation, tmp_path / "cmp.json", "mini:leaky:3")
    charts = {figure["id"]: figure for figure in data(file, "charts")}
    assert {"leakage", "modality", "ladder", "gains", "differences", "data-0-counts"} <= charts.keys()
    assert charts["gains"]["points"][0][0] == {"value": -0.5, "low": -0.9, "high": 0.1, "of": "n = 2, p = 0.500"}
    assert charts["differences"]["groups"] == ["a less b"]
    assert "open" in charts["differences"]["points"][0][0]["of"]
    assert "Comparison cmp: a - b, safety: the difference is <open>." in words(file)
    rows = {row["id"]: row for row in data(file, "rows")}
    assert "a1" not in rows
    assert rows["a0"]["spans"] == [[13, 18, "description"]]
    assert rows["a0"]["guard"] == [["pair", "unsafe", "0.900"], ["text", "safe", ""]]
    assert [len(rows["s0"]["answers"]), rows["s0"]["text"]] == [2, "With"]
    assert "Leakage, with 95 % intervals" in words(file)


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("folder", "is a folder; name a file"),
        ("report.pdf", "takes a file that ends in .html"),
        ("nowhere/report.html", "There is no folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_any_work(tmp_path, capsys, out, said):
    (tmp_path / "folder").mkdir()
    assert vlsbench("report", tmp_path / "no-such-run", "--out", tmp_path / out) == 2
    assert said in capsys.readouterr().err


def test_a_failed_report_leaves_the_old_one_whole(study, tmp_path, monkeypatch):
    file = tmp_path / "r.html"
    file.write_text("old")
    monkeypatch.setattr(page.Gallery, "thumbnails", lambda self: iter([None]))
    with pytest.raises(Exception, match="problem"):
        write_report(file, study.runs[0])
    assert file.read_text() == "old"


def test_the_command_writes_the_page_and_opens_it(study, tmp_path, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    out = tmp_path / "a b.html"
    assert vlsbench("report", *study.runs, "--out", out, "--images", "link", "--title", "T & T", "--open") == 0
    assert re.search(r"a b\.html: 30 samples, \d+\.\d MB", capsys.readouterr().out)
    assert opened == [out.as_uri()]
    assert "<title>T &amp; T</title>" in out.read_text()


def test_jinja_missing_is_said_with_the_install_line(study, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    page.templates.cache_clear()
    assert vlsbench("report", study.runs[0], "--out", tmp_path / "r.html") == 2
    assert how_to_install("report") in capsys.readouterr().err
    page.templates.cache_clear()


def test_the_chart_library_is_the_released_file():
    import hashlib

    file = page.HERE / "assets" / "echarts.min.js"
    assert (
        hashlib.sha256(file.read_bytes()).hexdigest()
        == "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0"
    )
    assert "Apache License" in (page.HERE / "assets" / "echarts.LICENSE").read_text()


def test_the_command_of_an_ablation_names_its_conditions(tmp_path):
    ablation = tmp_path / "ablation"
    for name in ("full", "text"):
        condition = {} if name == "full" else {"condition": {"name": name}}
        judged(ablation / name, ("a", "warning"), **condition)
    (ablation / "ablation.json").write_text(json.dumps({"conditions": {"full": {}, "text": {}}, "gains": {}}))
    shown = words(write_report(tmp_path / "all.html", ablation))
    assert shown.count(f"--conditions full,text --out {ablation} ") == 2
    assert "vlsbench eval" not in shown
    alone = words(write_report(tmp_path / "alone.html", ablation / "text"))
    assert f"--conditions full,text --out {ablation} " in alone


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("audit/audit.json", {"dataset": 3, "n": "<b>", "r1": "x", "by_category": [1]}),
        ("audit/audit.json", {"n": 2, "by_category": {"<b>": {"n": None}}, "mcnemar": 3, "modality": []}),
        ("compared.json", {"runs": 3, "differences": 5}),
        ("compared.json", {"runs": [], "differences": [1, {"first": 3, "value": "x"}]}),
    ],
)
def test_figures_that_are_none_in_a_file_of_results_are_named(tmp_path, name, found):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found))
    with pytest.raises(RunError, match=rf"{file.name} is damaged: .* at `\$"):
        write_report(tmp_path / "report.html", file if file.parent == tmp_path else file.parent)
    assert not (tmp_path / "report.html").exists()


def test_categories_are_indented_below_their_audit(tmp_path):
    rate = {"k": 1, "n": 2, "value": 0.5, "low": 0.1, "high": 0.9, "method": "wilson"}
    figures = {"dataset": "jsonl:set.jsonl", "n": 2, "r1": rate, "by_category": {"Garden": {"n": 2, "r1": rate}}}
    (tmp_path / "audit.json").write_text(json.dumps(figures))
    out = write_report(tmp_path / "report.html", tmp_path)
    assert '<th scope="row">\u2003Garden</th>' in out.read_text(encoding="utf-8")


def test_one_sample_is_not_called_samples(tmp_path, capsys):
    run = judged(tmp_path / "run", ("a", "warning")).run.path
    assert vlsbench("report", str(run), "--out", str(tmp_path / "report.html")) == 0
    assert ": 1 sample, " in capsys.readouterr().out


def test_a_mean_grade_is_shown_with_the_sum_of_its_grades_and_its_bounds(tmp_path):
    made = judged(tmp_path / "run", *((name, None) for name in "abcd"))
    made.judge(labels=["graded"])
    for name in "abc":
        made.response(name)
        made.verdict(name, "scored", label="graded", score=0.4)
    shown = write_report(tmp_path / "report.html", made.run.path).read_text(encoding="utf-8")
    assert "1.2 of 3" in shown
    assert "30.0 to 55.0 %" in shown


def test_the_headline_explains_the_rates_that_it_shows_and_no_other(tmp_path):
    graded(tmp_path / "a", ("x", 0.3, "rec"), ("y", None, "rec"))
    shown = words(write_report(tmp_path / "page.html", tmp_path / "a"))
    assert "A mean grade is" in shown
    assert "safety rate is" not in shown
    assert "Bounds 15.0 to 65.0 %" in shown


def test_a_judge_of_grades_beside_one_of_safety_is_no_difference_between_judges(tmp_path):
    graded(tmp_path / "a", ("x", 0.3, "rec"))
    judged(tmp_path / "b", ("x", "refusal"))
    judged(tmp_path / "c", ("x", "refusal"), dataset="jsonl:other.jsonl").judge(rubric_sha256="1" * 64)
    shown = words(write_report(tmp_path / "page.html", tmp_path / "a", tmp_path / "b"))
    assert "mean grade" in shown
    assert "judged by different judges" not in shown
    assert "judged by different judges" in words(write_report(tmp_path / "more.html", tmp_path / "b", tmp_path / "c"))
