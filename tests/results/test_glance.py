"""A summary as Python prints it, and as a notebook shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import vlsbench
from run_folders import judged
from vlsbench.core.types import Rate
from vlsbench.results.summary import Summary, summarise
from vlsbench.store.run_folder import Run


def summary_of(path: Path, *samples: tuple[str, str]) -> Summary:
    return summarise(Run(judged(path, *samples).run.path))


def test_a_summary_prints_as_a_small_table(tmp_path: Path) -> None:
    found = summary_of(tmp_path / "run", ("a", "refusal"), ("b", "warning"), ("c", "unsafe"))
    heading, heads, safety, *others = str(found).splitlines()
    assert heading.startswith(f"{found.model} on {found.dataset}: n = 3; 3 ok")
    assert heads.split() == ["judge", "rate", "value", "[95", "%", "interval]", "of", "unscored"]
    (judge,) = found.judges
    assert safety.startswith(f"{judge}  safety")
    assert "66.7 % [" in safety
    assert safety.split()[-4:] == ["2", "/", "3", "0"]
    assert [line.split()[0] for line in others] == ["refusal", "warning"]


def test_a_rate_reads_alike_wherever_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = summary_of(tmp_path / "run", ("a", "refusal"), ("b", "unsafe"))
    assert vlsbench("show", tmp_path / "run") == 0
    (figures,) = found.judges.values()
    assert str(figures.overall.safety_rate) in capsys.readouterr().out
    assert str(Rate(k=0, n=0, value=None, low=None, high=None, method="none")) == "–"
    assert str(Rate(k=1, n=2, value=0.5, low=None, high=None, method="none")) == "50.0 %"


def test_a_notebook_is_shown_names_and_never_markup(tmp_path: Path) -> None:
    made = judged(tmp_path / "run", ("a", "refusal"), model="openai:<script>alert(1)</script>\x1b[2J@http://h/v1")
    found = summarise(Run(made.run.path))
    shown = found._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "\x1b" not in shown
    assert "\x1b" not in str(found)
    assert shown.count("<tr>") == 1 + 3


def test_a_run_without_verdicts_says_so() -> None:
    found = Summary(run="r", model="m", dataset="d", n=1, responses={"ok": 1}, judges={})
    assert str(found) == "m on d: n = 1; 1 ok\nNot judged yet."
    assert "Not judged yet." in found._repr_html_()
