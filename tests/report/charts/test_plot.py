"""Figures as files for papers."""

from __future__ import annotations

import html
import json
import re

import pytest

from builders import vlsbench
from run_folders import judged
from vlsbench.report import inputs
from vlsbench.report.charts import paper, single
from vlsbench.report.charts.look import Look, arranged

pytest.importorskip("matplotlib")

BEGINS = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}


@pytest.mark.parametrize("ending", list(BEGINS))
@pytest.mark.parametrize("kind", ["safety", "labels", "radar"])
def test_a_figure_is_a_file_of_the_format_asked_for(study, tmp_path, kind, ending):
    out = tmp_path / f"figure.{ending}"
    assert vlsbench("plot", kind, *study.runs, "--out", out, "--base", "careful") == 0
    assert out.read_bytes().startswith(BEGINS[ending])
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("kind", ["over-refusal", "paired", "categories", "agreement", "taxonomy", "counts", "words"])
def test_every_figure_of_runs_can_be_drawn(study, tmp_path, kind):
    if kind == "words":
        pytest.importorskip("wordcloud")
    assert vlsbench("plot", kind, *study.runs, "--out", tmp_path / "figure.svg", "--width", "page") == 0


def test_the_accuracy_of_a_set_with_right_answers_can_be_drawn(tmp_path):
    made = judged(tmp_path / "run", ("a", "correct"), ("b", "incorrect"))
    made.judge(labels=["correct", "incorrect"])
    assert vlsbench("plot", "accuracy", made.run.path, "--out", tmp_path / "figure.svg") == 0
    assert "50.0" in (tmp_path / "figure.svg").read_text()


def test_the_same_figure_is_the_same_file(study, tmp_path):
    for name in ("one.svg", "two.svg"):
        assert vlsbench("plot", "safety", *study.runs, "--out", tmp_path / name) == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_names_are_drawn_as_they_are(tmp_path):
    made = judged(
        tmp_path / "run", ("s0", "refusal", {"category": "a_1 $x^2$ <b>"}), ("s1", "unsafe", {"category": "b"})
    )
    assert vlsbench("plot", "categories", made.run.path, "--out", tmp_path / "f.svg") == 0
    assert "a_1 $x^2$ &lt;b&gt;" in (tmp_path / "f.svg").read_text()


def test_a_dataset_can_be_drawn(tmp_path):
    assert vlsbench("plot", "counts", "mini:leaky:20", "--out", tmp_path / "f.pdf") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["radr", "RUN", "--out", "f.pdf"], "No figure named 'radr'. Did you mean 'radar'?"),
        (
            ["safety", "RUN", "mini:leaky:3", "--out", "f.pdf"],
            "plot safety is about a run, and mini:leaky:3 is a dataset",
        ),
        (["leakage", "RUN", "--out", "f.pdf"], "is about an audit, and run is a run; leave it out."),
        (
            ["radar", "RUN", "--out", "f.pdf"],
            "There is nothing to plot: run holds no safety rate over three categories",
        ),
        (["safety", "RUN", "--out", "f.gif"], "takes a file that ends in .pdf, .svg, .png"),
        (["safety", "RUN", "--out", "."], "is a folder; name a file"),
        (["safety", "RUN", "--out", "no/f.pdf"], "There is no folder no"),
    ],
    ids=str,
)
def test_what_cannot_be_drawn_is_said(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    judged(tmp_path / "run", ("s0", "refusal"))
    assert vlsbench("plot", *(word.replace("RUN", "run") for word in words)) == 2
    assert said in capsys.readouterr().err


def texts_of(file):
    """The texts of an SVG, in their order."""
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", file.read_text(encoding="utf-8"))]


def test_axes_have_titles_and_end_at_a_hundred_per_cent(study, tmp_path):
    out = tmp_path / "f.svg"
    assert vlsbench("plot", "safety", *study.runs, "--out", out) == 0
    found = texts_of(out)
    assert "Safety rate (%)" in found
    assert [text for text in found if text in ("0", "25", "50", "75", "100")] == ["0", "25", "50", "75", "100"]


def test_a_radar_has_a_scale_and_no_line_to_what_is_missing(tmp_path):
    rows = [(f"s{number}", "refusal", {"category": "ABC"[number % 3]}) for number in range(6)]
    one = judged(tmp_path / "one", *rows).run.path
    other = judged(tmp_path / "other", *rows[:2], ("s2", "unparsable", {"category": "C"})).run.path
    figure = single.figure("radar", inputs.gather([str(one), str(other)]))
    assert figure.panels[0][1][1] == (1.0, 1.0, None)
    out = tmp_path / "f.svg"
    paper.save(figure, out)
    assert {"50 %", "100 %"} <= set(texts_of(out))


@pytest.mark.parametrize("width", paper.WIDTHS)
def test_every_name_of_a_taxonomy_of_six_by_nineteen_is_there_in_whole(tmp_path, width):
    subs = [(f"Category {number % 6}", f"Some Rather Long Name of Harm {number}") for number in range(19)]
    rows = [
        {"sample_id": f"{number}-{count}", "text": "x", "category": name, "sub_category": sub}
        for number, (name, sub) in enumerate(subs)
        for count in range(1 + number * number)
    ]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "f.svg"
    assert vlsbench("plot", "taxonomy", f"jsonl:{tmp_path / 'set.jsonl'}", "--out", out, "--width", width) == 0
    shown = " ".join(text.strip() for text in texts_of(out))
    assert all(f" {sub} (" in shown for _, sub in subs)
    assert all(f"Category {number}" in shown for number in range(6))


def test_long_names_are_broken_between_words_and_never_cut(tmp_path):
    name = "Unsafe handling of extraordinarily-complicated laboratory equipment without any supervision whatsoever"
    made = judged(tmp_path / "run", ("s0", "refusal", {"category": name}), ("s1", "unsafe", {"category": "b"}))
    out = tmp_path / "f.svg"
    assert vlsbench("plot", "categories", made.run.path, "--out", out) == 0
    assert name.replace("-", "") in " ".join(texts_of(out)).replace("- ", "").replace("-", "")


def test_order_labels_colours_and_size_can_be_chosen(study, tmp_path):
    out = tmp_path / "f.svg"
    words = ("--order", "eager,careful", "--label", "eager=Ours", "--colours", "#123456", "--font-size", "9")
    assert vlsbench("plot", "safety", *study.runs, "--out", out, *words) == 0
    found = texts_of(out)
    assert found.index("Ours") < found.index("careful")
    assert "#123456" in out.read_text()
    assert re.search(r"font(-size)?: 9(px)?[ ;\x27\x22]", out.read_text())


def test_the_greatest_value_can_stand_first(study, tmp_path):
    figure = single.figure("safety", inputs.gather(list(map(str, study.runs))))
    values = [point.value for point in arranged(figure, Look(order=("value",))).points[0]]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--order", "nobody"), "The figure has no 'nobody'. It has: careful, eager"),
        (("--label", "nobody=x"), "The figure has no 'nobody'"),
        (("--label", "x"), "should be NAME=TEXT"),
        (("--colours", "nocolour"), "'nocolour' is no colour"),
        (("--font", "No Such Font"), "There is no font 'No Such Font' here"),
        (("--font-size", "99"), "between 4 and 24"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_a_look_that_cannot_be_had_is_said(study, tmp_path, capsys, words, said):
    assert vlsbench("plot", "safety", *study.runs, "--out", tmp_path / "f.svg", *words) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
