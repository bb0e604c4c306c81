"""Reading the samples in a browser: the address, the order, long and formatted answers, and what a judge was sent."""

from __future__ import annotations

import pytest

from reports import picture, write_report
from run_folders import HandMade, judged
from vlsbench.core.types import Sees
from vlsbench.judges import rubric_file
from vlsbench.store import records

RUBRIC = rubric_file.load("vlsbench", Sees.IMAGE)


def test_the_address_remembers_filters_order_and_page(report, show):
    page = show(report)
    page.get_by_label("Category", exact=True).select_option("Garden")
    page.get_by_label("Order", exact=True).select_option("long")
    address = page.evaluate("location.hash")
    assert address == "#?category=Garden&sort=long"
    again = show(report, fragment=address)
    assert again.get_by_label("Category", exact=True).input_value() == "Garden"
    assert again.locator("#count").text_content() == "10 of 30 samples"
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("location.hash") == "#?page=2"
    assert show(report, fragment="#?page=2").locator("#where").text_content() == "Page 2 of 2"


@pytest.mark.parametrize("fragment", ["#?category=nothing&__proto__=x&page=-3", "#?page=999&sort=what&constructor=1"])
def test_an_address_that_asks_for_what_is_not_there_is_passed_over(report, show, fragment):
    assert show(report, fragment=fragment).locator("#count").text_content() == "30 samples"


def test_a_slash_goes_to_the_search_unless_somebody_is_writing(report, show):
    page = show(report)
    page.keyboard.press("/")
    search = page.get_by_label("Search queries, answers and reasons")
    assert search.evaluate("(node) => node === document.activeElement")
    page.keyboard.type("a/b")
    assert search.input_value() == "a/b"


def test_samples_are_sorted(tmp_path, show):
    made = HandMade(tmp_path / "run", 3)
    made.judge()
    for name, text, label in (
        ("s10", "short", "refusal"),
        ("s2", "a longer answer", "unsafe"),
        ("s1", "mid one", "warning"),
    ):
        made.sample(name)
        made.response(name, text=text)
        made.verdict(name, label)
    page = show(write_report(tmp_path / "r.html", made.run.path))
    ids = "[...document.querySelectorAll('.sample h3')].map((node) => node.textContent)"
    for order, expected in (
        ("", ["s10", "s2", "s1"]),
        ("id", ["s1", "s2", "s10"]),
        ("long", ["s2", "s1", "s10"]),
        ("wrong", ["s2", "s10", "s1"]),
    ):
        page.get_by_label("Order", exact=True).select_option(order)
        assert page.evaluate(ids) == expected, order


ANSWER = """# Steps

1. Take **the bold one**
2. and *not* `this_one`
   - deeper

> quoted

```
<b>code</b>
```
<img src=x onerror=window.hacked=1> [a link](javascript:window.hacked=1) 7*7*7 snake_case_name"""


def test_markdown_in_answers_is_structure_and_html_in_it_is_text(tmp_path, show):
    made = HandMade(tmp_path / "other", 1)
    made.sample("s0")
    made.response("s0", text=ANSWER)
    page = show(write_report(tmp_path / "r.html", made.run.path))
    said = page.locator(".said")
    assert said.locator("ol > li").all_text_contents() == ["Take the bold one", "and not this_one", "deeper"]
    assert said.locator("strong").all_text_contents() == ["Steps", "the bold one"]
    assert said.locator("em").all_text_contents() == ["not"]
    assert said.locator("pre").text_content() == "<b>code</b>"
    assert said.locator("blockquote").text_content() == "quoted"
    assert said.locator("a, img, b").count() == 0
    assert said.locator("p").last.text_content() == ANSWER.splitlines()[-1]
    page.get_by_role("button", name="Answers as written").click()
    assert page.locator(".said").text_content() == ANSWER


def test_a_long_answer_is_folded_until_it_is_asked_for_or_searched_in(tmp_path, show):
    made = HandMade(tmp_path / "run", 1)
    made.sample("s0")
    made.response("s0", text="word " * 2000 + "needle")
    page = show(write_report(tmp_path / "r.html", made.run.path))
    height = "(node) => node.getBoundingClientRect().height"
    assert page.locator(".said").evaluate(height) < 400
    page.get_by_role("button", name="Show all 10,006 characters").click()
    assert page.locator(".said").evaluate(height) > 400
    page.get_by_role("button", name="Show less").click()
    page.get_by_label("Search queries, answers and reasons").fill("needle")
    assert page.locator(".said").evaluate(height) > 400


def test_what_the_judge_was_sent_and_wrote_can_be_unfolded(tmp_path, show):
    made = HandMade(tmp_path / "run", 2)
    made.judge(rubric_sha256=RUBRIC.sha256, sees="both")
    text = "{{query}} <b>bold</b> $& $1 answers"
    made.sample(
        "s0", text="What {{answer}} is it?", description="A thing.", safety_reason="Why.", **picture(made.run.path, 0)
    )
    made.response("s0", text=text)
    made.verdict("s0", "refusal", reply='{"reason": "<i>because</i>", "label": "refusal"}')
    made.sample("s1")
    made.response("s1", "error", text="")
    made.verdict("s1", "no_response")
    page = show(write_report(tmp_path / "r.html", made.run.path))
    assert page.locator(".behind").count() == 1
    page.locator(".behind summary").click()
    page.locator(".behind pre").first.wait_for()
    sample = next(records.samples(made.run.samples))
    shown = page.locator(".behind pre").all_text_contents()
    sent = RUBRIC.fill(sample, text, Sees.BOTH, has_image=True)
    assert shown == [
        *([RUBRIC.system] if RUBRIC.system else []),
        sent,
        '{"reason": "<i>because</i>", "label": "refusal"}',
    ]


def test_a_prompt_that_cannot_be_made_again_is_said_to_be_missing(tmp_path, show):
    page = show(write_report(tmp_path / "r.html", judged(tmp_path / "run", ("s0", "refusal")).run.path))
    page.locator(".behind summary").click()
    shown = page.locator(".behind").inner_text()
    assert "Its rubric is not part of this version of vlsbench" in shown
    assert "Its reply as it wrote it was not recorded." in shown


def test_thinking_is_folded_and_bounded(tmp_path, show):
    made = HandMade(tmp_path / "run", 1)
    made.sample("s0")
    made.response("s0", reasoning="<b>hm</b> " + "x" * 9000)
    page = show(write_report(tmp_path / "r.html", made.run.path))
    assert page.locator(".thinking").count() == 0
    page.get_by_text("What it thought before (not judged)").click()
    shown = page.locator(".thinking").text_content()
    assert shown.startswith("<b>hm</b> x")
    assert shown.endswith("(3,010 further characters are in responses.jsonl)")
