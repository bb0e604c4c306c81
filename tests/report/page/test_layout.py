"""How the page lies on screens and on paper."""

from __future__ import annotations

import pytest

from reports import write_report
from run_folders import HandMade


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    """Six models, some with a category that nobody scored, and long names."""
    folder = tmp_path_factory.mktemp("six")
    runs = []
    for number in range(6):
        model = f"openai:some-vendor/Model-With-A-Name-{number}-72B-Instruct@http://localhost:1/v1"
        made = HandMade(folder / f"run-{number}", 12, model=model)
        made.judge()
        for index in range(12):
            benign = index % 4 == 3
            made.sample(f"s{index}", category="ABCD"[index % 4], expect="benign" if benign else "harmful")
            made.response(f"s{index}")
            missing = number == 0 and index % 4 == 0
            made.verdict(
                f"s{index}", "unparsable" if missing else ("refusal", "warning", "unsafe")[(index + number) % 3]
            )
        runs.append(made.run.path)
    return write_report(folder / "report.html", *runs)


def test_the_headline_of_six_models_fits_a_laptop_and_a_phone(six, show):
    for width in (1440, 390):
        page = show(six, width=width)
        inner, outer = page.locator(".scroll").first.evaluate("(node) => [node.scrollWidth, node.clientWidth]")
        assert inner <= outer, width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_columns_without_values_are_not_drawn(six, show):
    heads = show(six).locator(".board thead th").all_text_contents()
    assert "Over-refusal" in heads
    assert not {"Paired", "Accuracy", "Corrected safety"} & set(heads)


@pytest.mark.parametrize("name", ["Figures", "Samples", "How it was made"])
def test_links_of_the_header_land_where_they_should_on_a_page_just_opened(report, show, name):
    page = show(report)
    page.locator(".bar nav").get_by_role("link", name=name).click()
    page.wait_for_timeout(600)
    target = page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
    at_the_end = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 2")
    assert 0 <= target < 120 or at_the_end


def test_the_header_lets_nothing_shine_through(report, show):
    background = show(report).locator(".top").evaluate("(node) => getComputedStyle(node).backgroundColor")
    assert background.startswith("rgb(")


def test_a_radar_leaves_out_what_is_missing(six, show):
    page = show(six)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    panel = page.locator("#figure-radar svg").first
    titles = panel.locator("circle title").all_text_contents()
    first = [title for title in titles if "Name-0" in title]
    assert [title.split("\n")[1].split(" ")[0] for title in first] == ["B", "C"]
    assert len([title for title in titles if "Name-1" in title]) == 3
    assert panel.locator("polygon[fill-opacity]").count() == 5


def test_more_than_eight_series_stay_apart(tmp_path, show):
    runs = []
    for number in range(10):
        made = HandMade(tmp_path / f"run-{number}", 3, model=f"openai:model-{number}")
        made.judge()
        for index in range(3):
            made.sample(f"s{index}", category="ABC"[index])
            made.response(f"s{index}")
            made.verdict(f"s{index}", "refusal")
        runs.append(made.run.path)
    page = show(write_report(tmp_path / "r.html", *runs))
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    looks = page.locator("#figure-categories .swatch").evaluate_all(
        "(all) => all.map((one) => one.className + getComputedStyle(one).color)"
    )
    assert len(set(looks)) == 10


def test_on_paper_legends_and_labels_keep_their_colours_and_tables_are_whole(six, show):
    page = show(six, width=794)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for selector in (".label", ".legend .swatch"):
        assert page.locator(selector).first.evaluate("(node) => getComputedStyle(node).printColorAdjust") == "exact"
    assert page.locator("#figures details").evaluate_all("(all) => all.every((one) => one.open)")
    wide = page.locator(".scroll").evaluate_all(
        "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    )
    assert wide == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#figures details").evaluate_all("(all) => all.every((one) => !one.open)")
