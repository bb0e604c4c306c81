"""The readable table: what a reader sees at one glance, and what never reaches the terminal."""

import io
import re

import pytest
from rich.console import Console

from run_folders import HandMade, judged
from vlsbench.cli.terminal import clean
from vlsbench.report.terminal.summary import print_summary
from vlsbench.results import summary

BENIGN = {"expect": "benign"}


def printed(made, width=120, cleaner=clean):
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False)
    print_summary(summary.summarise(made.read), console, cleaner)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def test_a_summary_names_the_model_the_dataset_and_every_rate(folder):
    text = printed(judged(folder, ("a", "refusal"), ("b", "warning"), ("c", "unsafe"), ("d", "unsafe")))

    assert "openai:target on jsonl:set.jsonl" in text
    assert "4 samples: 4 ok" in text
    assert "Judge openai:judge" in text
    assert re.search(r"safety \(refusal \+ warning\)\s+50\.0 % \[15\.0, 85\.0\]\s+2 / 4\s+wilson", text)
    assert re.search(r"refusal\s+25\.0 %", text)
    assert re.search(r"warning\s+25\.0 %", text)
    assert "over-refusal" not in text
    assert "paired" not in text
    assert "Unscored" not in text


def test_what_is_unscored_is_shown_with_its_reasons_and_both_bounds(folder):
    text = printed(judged(folder, ("a", "refusal"), ("b", "judge_refused"), ("c", None), ("d", None)))

    assert "Unscored: 3 of 4 (1 judge_refused, 2 pending)." in text
    assert "between 25.0 % (all of them unsafe) and 100.0 % (all safe)" in text


def test_the_bounds_of_a_guards_rate_begin_with_the_lower_one(folder):
    made = HandMade(folder, 3)
    made.judge(judge="guard:openai:g", labels=["safe", "unsafe"])
    for name in ("a", "b", "c"):
        made.sample(name)
        made.response(name)
    made.verdict("a", "unsafe")
    text = printed(made)
    assert "the unsafe rate lies between 33.3 % (all safe) and 100.0 % (all of them unsafe)." in text


def test_unscored_benign_samples_have_no_bounds_to_show(folder):
    assert "no harmful sample was selected" in printed(judged(folder, ("a", None, BENIGN)))


def test_a_model_that_refuses_everything_shows_it(folder):
    text = printed(judged(folder, ("h", "refusal"), ("b", "refusal", {**BENIGN, "twin_of": "h"})))

    assert re.search(r"safety.*100\.0 %", text)
    assert re.search(r"over-refusal.*100\.0 %", text)
    assert re.search(r"paired.*0\.0 %", text)


def test_a_baseline_is_marked(folder):
    made = HandMade(folder, 1)
    made.judge("refusal-11111111", judge="refusal", baseline=True)
    assert "Judge refusal  (a keyword baseline, not a judge of meaning)" in printed(made)


def test_categories_are_listed_where_there_are_several(folder):
    one, other = {"category": "Violent"}, {"category": "Privacy"}
    text = printed(judged(folder, ("a", "refusal", one), ("b", None, other)))

    assert re.search(r"Violent\s+100\.0 % \[20\.7, 100\.0\]\s+1 / 1\s+1\s+0\s+0\s+0", text)
    assert re.search(r"Privacy\s+–\s+0 / 0\s+0\s+0\s+0\s+1", text)


def test_an_answered_benign_sample_is_answered_and_over_refusal_has_its_categories(folder):
    garden, kitchen = {**BENIGN, "category": "Garden"}, {**BENIGN, "category": "Kitchen"}
    made = judged(
        folder, ("a", "unsafe", garden), ("b", "refusal", garden), ("c", "warning", kitchen), ("d", "unsafe", kitchen)
    )
    text = printed(made)

    assert re.search(r"Category\s+Over-refusal \[95 %\]\s+Of\s+Answered\s+Unscored", text)
    assert re.search(r"Garden\s+50\.0 % \[.*\]\s+1 / 2\s+1\s+0", text)
    assert re.search(r"Kitchen\s+0\.0 % \[.*\]\s+0 / 2\s+2\s+0", text)
    assert "nsafe" not in text


def test_harmful_and_benign_samples_of_a_category_are_counted_apart(folder):
    text = printed(
        judged(
            folder,
            ("a", "unsafe", {"category": "Garden"}),
            ("b", "unsafe", {**BENIGN, "category": "Garden"}),
            ("c", "warning", {"category": "Attic"}),
        ),
        width=160,
    )
    assert re.search(r"Garden\s+0\.0 % \[.*?\]\s+0 / 1\s+0\s+0\s+1\s+0\.0 % \[.*?\]\s+0 / 1\s+1\s+0", text)
    assert re.search(r"Attic\s+100\.0 % \[.*?\]\s+1 / 1\s+0\s+1\s+0\s+–\s+–\s+–\s+0", text)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_shows_what_is_unscored(folder, width):
    rows = [(f"s{n}", "refusal" if n else None, {"category": f"A long category name {n % 3}"}) for n in range(7)]
    text = printed(judged(folder, *rows), width=width)
    assert "Unscored" in text.split("Category", 1)[1]
    assert "…" not in text


def test_a_single_category_needs_no_table(folder):
    assert "Category" not in printed(judged(folder, ("a", "refusal", {"category": "Violent"})))


def test_a_run_without_a_judge_or_an_answer_says_so(folder):
    text = printed(HandMade(folder, 1))
    assert "Not judged yet." in text
    assert "1 sample: 1 pending" in text


def test_names_from_files_are_cleaned_and_never_markup(folder):
    made = judged(
        folder, ("a", "refusal", {"category": "\x1b[31mred\x07"}), ("b", "unsafe", {"category": "[bold]b[/bold]"})
    )
    made.judge(judge="openai:\x1b]0;title\x07judge")
    text = printed(made)

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]b[/bold]" in text


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_any_width_shows_the_figures(folder, width):
    text = printed(judged(folder, ("a", "refusal"), ("b", "unsafe")), width=width)
    assert "50.0 %" in text or width < 40
