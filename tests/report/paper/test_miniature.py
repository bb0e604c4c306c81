"""`vlsbench paper --miniature`, small: the same tables and figures, whose numbers are those of the runs."""

from __future__ import annotations

import html
import re

import pytest

from builders import responses, vlsbench
from vlsbench.core import words
from vlsbench.report.inputs import gather

pytest.importorskip("torch")

N = 12


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper") / "out"
    assert vlsbench("paper", "--miniature", "--samples", N, "--out", folder, "--quiet") == 0
    return folder


@pytest.fixture(scope="module")
def page(out):
    return html.unescape((out / "report.html").read_text())


def headings(page):
    return [re.sub("<[^>]+>", "", text) for text in re.findall(r"<h[34][^>]*>(.*?)</h[34]>", page)]


@pytest.mark.parametrize("name", ["Table 1", "Table 2", "Table 3", "Table 5", *(f"Figure {n}" for n in (3, 4, 7, 9))])
def test_the_headings_name_the_tables_and_figures(page, name):
    assert any(re.match(rf"{name}\b", heading) for heading in headings(page))


@pytest.mark.parametrize("number", [12, 14, 15, 16, 17])
def test_and_those_that_come_later(page, number):
    assert any(re.match(rf"Figure {number}\b", heading) for heading in headings(page))


def test_the_figures_of_table_3_are_those_of_the_runs(out, page):
    table = page[page.index("Table 3: safety") :]
    runs = [part for part in gather([str(out)]).runs if "leakless" in part.summary.dataset]
    assert len(runs) == 4
    for part in runs:
        assert words.rate(part.block.safety_rate) in table
    assert "paper: LLaVA-v1.5-7B + Textual-SFT" in table


def test_it_shows_the_finding(out):
    parts = gather([str(out)])
    full = {part.runs["full"].model: part.runs["full"].block.safety_rate.value for part in parts.ablations}
    leakless = {part.model: part.block.safety_rate.value for part in parts.runs if "leakless" in part.dataset}
    assert full["textual-sft"] > 0.9
    assert leakless["textual-sft"] < 0.1
    assert leakless["multimodal-sft"] > 0.8
    by_set = {part.figures.dataset.split(":")[1]: part.figures for part in parts.audits}
    assert by_set["leaky"].r1_minus_r2.value == 0
    assert by_set["leakless"].r1_minus_r2.value == 1


def test_it_says_what_it_is_not(page):
    assert "It is no evidence about real models." in page
    assert "only the pattern can be compared, never a figure" in page


def test_the_same_command_continues(out, capsys):
    before = {run: (run / "responses.jsonl").stat().st_mtime_ns for run in out.iterdir() if responses(run)}
    assert before
    assert vlsbench("paper", "--miniature", "--samples", N, "--out", out, "--quiet") == 0
    assert before == {run: (run / "responses.jsonl").stat().st_mtime_ns for run in before}
    assert "report.html" in capsys.readouterr().out


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_draws_it_without_a_complaint_and_without_a_bar_below(out, show, width):
    shown = show(out / "report.html", width=width)
    shown.locator("#figure-paper-7").scroll_into_view_if_needed()
    shown.wait_for_selector("#figure-paper-7 canvas, #figure-paper-7 svg")
    assert shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert shown.locator(".example img").count() == 3
