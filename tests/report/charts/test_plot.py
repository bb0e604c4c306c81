"""Figures as files for papers."""

from __future__ import annotations

import pytest

from builders import vlsbench
from run_folders import judged

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
