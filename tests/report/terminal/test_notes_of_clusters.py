"""Where few clusters carry a figure, every place that shows the figure says so."""

from __future__ import annotations

import json
import re

from reports import write_report
from run_folders import HandMade
from vlsbench.cli.main import main
from vlsbench.core import words
from vlsbench.results import judged_run


def one_image_for_half(path, model: str = "openai:target"):
    """A run of 60 samples, 30 of which share an image."""
    return run_of_60(path, lambda number: 0 if number < 30 else number, model)


def pairs_of_images(path, model: str = "openai:target"):
    """A run of 60 samples, two to an image."""
    return run_of_60(path, lambda number: number // 2, model)


def run_of_60(path, image_of, model):
    made = HandMade(path, 60, model=model)
    made.judge()
    for number in range(60):
        image = f"{image_of(number):064x}"
        made.sample(f"s{number}", image="a.png", image_sha256=image)
        made.response(f"s{number}")
        made.verdict(f"s{number}", "refusal" if number % 3 else "unsafe")
    return path


def test_show_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    one_image_for_half(tmp_path / "run")
    assert main(["show", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "Safety: No interval" in said
    assert "too few clusters carry the figure" in said


def test_show_on_a_narrow_terminal_says_over_how_many_clusters(tmp_path, capsys, monkeypatch):
    pairs_of_images(tmp_path / "run")
    for columns, times in (("80", 1), ("200", 3)):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(["show", str(tmp_path / "run")]) == 0
        assert capsys.readouterr().out.count("30 clusters, worth ") == times


def test_show_json_has_clusters_and_no_interval(tmp_path, capsys):
    one_image_for_half(tmp_path / "run")
    assert main(["show", str(tmp_path / "run"), "--json"]) == 0
    (judge,) = json.loads(capsys.readouterr().out)["judges"].values()
    rate = judge["safety_rate"]
    assert (rate["n"], rate["clusters"], rate["low"], rate["effective"]) == (60, 31, None, None)
    assert rate["note"].startswith("No interval")


def test_compare_says_so_and_its_sheet_has_clusters(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    runs = [str(one_image_for_half(tmp_path / name, f"openai:{name}")) for name in "ab"]
    assert main(["compare", *runs]) == 0
    assert "No interval" in capsys.readouterr().out
    assert main(["compare", *runs, "--csv"]) == 0
    head, row, *_ = capsys.readouterr().out.splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["clusters"] == "31"


def test_a_note_names_the_figures_that_it_is_about_and_is_said_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    runs = [str(one_image_for_half(tmp_path / name, f"openai:{name}")) for name in "ab"]
    assert main(["compare", *runs, "--by", "none"]) == 0
    said = capsys.readouterr().out
    assert said.count("No interval") == 1
    assert "Safety: No interval" in said


def test_a_table_says_which_of_its_cells_few_clusters_carry(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    one_image_for_half(tmp_path / "run")
    for form in ([], ["--latex"], ["--markdown"]):
        assert main(["table", str(tmp_path / "run"), *form]) == 0
        assert "openai:target on jsonl:set: No interval" in capsys.readouterr().out.replace("\\_", "_")


def test_the_page_has_clusters_and_what_they_are_worth_beside_each_figure(tmp_path):
    file = write_report(tmp_path / "r.html", one_image_for_half(tmp_path / "few"), pairs_of_images(tmp_path / "pairs"))
    text = file.read_text(encoding="utf-8")
    rate = judged_run.read(tmp_path / "pairs").overall().safety_rate
    shown = words.worth(rate)
    assert shown.startswith("30 clusters, worth ")
    assert f'title="wilson-clustered">{shown}</span>' in text
    assert '">31 clusters</span>' in text
    assert f"({words.of(rate)}; {shown})" in text
    assert ", safety: No interval" in text


def test_a_comparison_on_the_page_has_its_clusters_too(tmp_path, capsys):
    runs = [str(pairs_of_images(tmp_path / name, f"openai:{name}")) for name in "ab"]
    assert main(["compare", *runs, "--json"]) == 0
    (tmp_path / "c.json").write_text(capsys.readouterr().out, encoding="utf-8")
    text = write_report(tmp_path / "r.html", *runs, tmp_path / "c.json").read_text(encoding="utf-8")
    assert re.search(r"\(n = 60, 30 clusters, worth \d+, p = 1\.000\)", text)
