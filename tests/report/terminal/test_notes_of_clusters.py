"""Where few clusters carry a figure, every place that shows the figure says so."""

from __future__ import annotations

import json

from run_folders import HandMade
from vlsbench.cli.main import main


def one_image_for_half(path, model: str = "openai:target"):
    """A run of 60 samples, 30 of which share an image."""
    made = HandMade(path, 60, model=model)
    made.judge()
    for number in range(60):
        image = f"{0 if number < 30 else number:064x}"
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
