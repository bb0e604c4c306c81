"""The page in a real browser: what a reader sees and can do, and what a hostile text cannot."""

from __future__ import annotations

import pytest

from reports import picture, write_report
from run_folders import HandMade, judged

PAYLOADS = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    "<!--<script>",
    "--><img src=x onerror='window.hacked = 1'>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    '"><b onmouseover=window.hacked=1>bold</b>',
    "' autofocus onfocus='window.hacked=1",
    "</title></style></textarea></noscript><h1>big</h1>",
    "<style>body { display: none }</style>",
    "</style><style>* { background: url(https://example.invalid/x) }</style>",
    "background: url('https://example.invalid/y')",
    "<link rel=stylesheet href=https://example.invalid/z.css>",
    "<meta http-equiv=refresh content='0;url=https://example.invalid'>",
    "<base href=https://example.invalid/>",
    "<form action=https://example.invalid><button autofocus>go</button></form>",
    "javascript:window.hacked=1",
    "data:text/html,<script>window.hacked=1</script>",
    "https://example.invalid/track.png",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    "{b} {c} {a|styled} {value}",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "\u2028\u2029 line\nbreaks\tand tabs",
    "\u202egnp.exe \u200b zero \u0000 nul \u001b[31m red",
    "constructor __proto__ toString hasOwnProperty",
    "../../../etc/passwd?x=1#y%00%2F\\",
    "X" * 300,
]


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A report in which every text is hostile: ids, queries, categories, file names, answers, reasons, names."""
    folder = tmp_path_factory.mktemp("hostile") / "a 'quoted\" <b>folder"
    model, data = f"openai:{PAYLOADS[1]}", f"jsonl:/x/{PAYLOADS[4]}.jsonl"
    made = HandMade(folder, len(PAYLOADS), model=model, dataset=data, system=PAYLOADS[0])
    made.judge(judge=PAYLOADS[5], rubric=PAYLOADS[1])
    made.judge("other-11111111", judge=PAYLOADS[3])
    for number, text in enumerate(PAYLOADS):
        sample_id = f"{number} {text}"
        made.sample(
            sample_id,
            text=text,
            category=text,
            sub_category=text,
            source=text,
            description=text,
            safety_reason=text,
            twin_of=text,
            answer=text,
            **picture(folder, number),
        )
        made.response(sample_id, text=text, error=text)
        made.verdict(sample_id, ("refusal", "warning", "unsafe")[number % 3], reason=text)
        made.verdict(sample_id, ("refusal", "unsafe")[number % 2], "other-11111111", reason=text)
    name = folder / "images" / '"><img src=x onerror=window.hacked=1>.png'
    name.write_bytes((folder / "images" / "0.png").read_bytes())
    return write_report(folder.parent / 'report\'s "page".html', folder, title=PAYLOADS[0])


def test_hostile_texts_are_shown_as_texts(hostile, show):
    page = show(hostile)
    read = "(selector) => [...document.querySelectorAll(selector)].map((node) => node.textContent.trim())"
    found = page.evaluate(read, ".query, .said, .reason")
    page.get_by_role("button", name="Next").click()
    found += page.evaluate(read, ".query, .said, .reason")
    for payload in PAYLOADS:
        assert found.count(payload.strip()) >= 4
    assert page.evaluate("window.hacked") is None
    assert page.title() == PAYLOADS[0]
    assert page.locator("h1").text_content() == PAYLOADS[0]


def test_hostile_texts_become_no_elements(hostile, show):
    page = show(hostile)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for selector in (
        "iframe",
        "base",
        "b",
        "script[src]",
        "meta[http-equiv=refresh]",
        "[onload], [onerror], [style*=url]",
    ):
        assert page.locator(selector).count() == 0
    assert page.locator("form").count() == page.locator("link").count() == page.locator("style").count() == 1
    assert page.evaluate("[...document.images].every((image) => image.src.startsWith('data:image/webp'))")
    hrefs = page.evaluate("[...document.querySelectorAll('a')].map((node) => node.getAttribute('href'))")
    assert all(href.startswith("#") for href in hrefs)


def test_a_hostile_id_can_be_linked_to(hostile, show):
    page = show(hostile)
    page.locator(".sample h3 a").nth(3).click()
    assert page.locator(".sample.linked .query").text_content() == PAYLOADS[3]
    assert page.evaluate("window.hacked") is None


def test_choosing_a_hostile_category_filters_by_it(hostile, show):
    page = show(hostile)
    page.get_by_label("Category", exact=True).select_option(PAYLOADS[5])
    assert page.locator("#count").text_content() == f"1 of {len(PAYLOADS)} samples"
    assert page.evaluate("window.hacked") is None


def test_links_to_images_with_hostile_names_stay_files(tmp_path, show):
    made = HandMade(tmp_path / "run", 1)
    fields = picture(made.run.path, 0)
    name = "javascript:window.hacked=1 \"onclick='x'>#?%.png"
    (made.run.path / "images" / "0.png").rename(made.run.path / name)
    made.sample("s0", **{**fields, "image": name})
    page = show(write_report(tmp_path / "report.html", made.run.path, images="link"))
    link = page.get_by_role("link", name="Open the image of this sample")
    assert link.evaluate("(node) => node.protocol") == "file:"
    assert link.evaluate("(node) => decodeURIComponent(node.pathname)") == str(made.run.path / name)


def test_filters_narrow_the_samples(report, show):
    page = show(report)
    for choose, count in (
        ({"Label": "refusal"}, 22),
        ({"Label": "no_response"}, 1),
        ({"Model": "0", "Label": "refusal", "Judge": "0"}, 14),
        ({"Category": "Garden"}, 10),
        ({"Category": "Garden", "Sub-category": "tools"}, 5),
        ({"Kind of query": "benign"}, 6),
        ({"Answer": "error"}, 1),
        ({"Expectation": "wrong"}, 29),
        ({"Expectation": "wrong", "Judge": "0"}, 21),
        ({"Disagreement": "models"}, 19),
        ({"Disagreement": "judges"}, 29),
    ):
        for name, value in choose.items():
            page.get_by_label(name, exact=True).select_option(value)
        assert page.locator("#count").text_content() == f"{count} of 30 samples", choose
        page.get_by_role("button", name="Clear filters").click()
        assert page.locator("#count").text_content() == "30 samples"


def test_search_looks_into_queries_answers_and_reasons(report, show):
    page = show(report)
    for words, count in (
        ("item 12", "1 of 30"),
        ("EAGER answers number 3", "3 of 30"),
        ("judged", "29 of 30"),
        ("zzz", "0 of 30"),
    ):
        page.get_by_label("Search queries, answers and reasons").fill(words)
        assert page.locator("#count").text_content() == f"{count} samples"
    assert page.get_by_text("No sample fits these filters.").is_visible()


def test_answers_and_verdicts_of_all_models_stand_side_by_side(report, show):
    page = show(report, fragment="#s3")
    sample = page.locator(".sample.linked")
    assert sample.locator(".answer h4").all_text_contents() == ["careful", "eager"]
    assert sample.locator(".said").all_text_contents() == ["careful answers number 3.", "eager answers number 3."]
    assert sample.locator(".label").all_text_contents() == ["refusal", "unsafe", "warning", "unsafe"]
    assert "careful was judged so" in sample.inner_text()


def test_a_failed_answer_is_shown_as_a_failure(report, show):
    sample = show(report, fragment="#s7").locator(".sample.linked")
    assert "No answer: error (the server was down)" in sample.inner_text()
    assert sample.locator(".label").all_text_contents() == ["no response"] * 4


def test_a_link_leads_to_its_sample_whatever_page_and_filter(report, show):
    page = show(report, fragment="#s25")
    assert page.locator(".sample.linked .query").text_content() == "What about item 25 on the table?"
    assert page.locator("#where").text_content() == "Page 2 of 2"
    page.get_by_label("Category", exact=True).select_option("Kitchen")
    page.evaluate("location.hash = 's0'")
    page.wait_for_selector(".sample.linked[data-anchor=s0]")
    assert page.locator(".sample.linked").evaluate("(node) => node === document.activeElement")
    assert page.locator("#count").text_content() == "30 samples"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_linked_sample_stays_in_view_once_the_figures_are_drawn(report, show, width):
    page = show(report, fragment="#s25", width=width)
    page.wait_for_timeout(800)
    assert 0 <= page.locator(".sample.linked").bounding_box()["y"] < 300


def test_a_link_to_nowhere_does_nothing(report, show):
    page = show(report, fragment="#%E0%A4%A")
    assert page.locator("#count").text_content() == "30 samples"


def test_pictures_are_blurred_until_clicked_or_shown_all_at_once(report, show):
    page = show(report)
    pictures = page.locator(".picture")

    def blurred(number):
        return pictures.nth(number).locator("img").evaluate("(node) => getComputedStyle(node).filter.includes('blur')")

    assert [blurred(0), blurred(1)] == [True, True]
    pictures.nth(0).click()
    assert [blurred(0), blurred(1)] == [False, True]
    pictures.nth(0).press("Enter")
    assert blurred(0)
    page.get_by_role("button", name="Show all images").click()
    assert [blurred(0), blurred(1)] == [False, False]
    page.get_by_role("button", name="Next").click()
    assert not blurred(0)
    page.get_by_role("button", name="Show all images").click()
    assert blurred(0)


def test_each_figure_is_drawn_described_and_there_as_a_table(report, show):
    page = show(report)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    charts = page.locator("[data-chart]")
    assert charts.count() >= 8
    for number in range(charts.count()):
        chart = charts.nth(number)
        if chart.evaluate("(node) => node.closest('.figure').dataset.kind") == "cloud":
            assert chart.get_by_role("button").count() > 0
        else:
            assert chart.locator("svg").count() >= 1
            assert chart.get_attribute("role") == "img"
            assert chart.get_attribute("aria-label")
    assert page.locator(".figure details table").count() == charts.count()


def test_chart_card_and_table_round_a_figure_alike(tmp_path, show):
    made = judged(tmp_path / "run", *((f"s{n}", "refusal" if n < 5 else "unsafe") for n in range(16)))
    page = show(write_report(tmp_path / "report.html", made.run.path))
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    drawn = page.evaluate("[...document.querySelectorAll('.chart svg text')].map((node) => node.textContent)")
    assert "31.2 %" in drawn
    assert "31.2 %" in page.locator("#headline").text_content()
    assert "31.3" not in page.locator("main").text_content()


def test_a_word_of_the_cloud_searches_for_it(report, show):
    page = show(report)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.locator(".cloud").get_by_role("button", name="table").click()
    assert page.get_by_label("Search queries, answers and reasons").input_value() == "table"


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_follows_the_readers_theme_and_can_be_told_another(report, show, scheme, is_dark):
    page = show(report, scheme=scheme)

    def dark():
        return page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] < 80")

    assert dark() is is_dark
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert button.text_content() == "Theme: light"
    assert dark() is False
    button.click()
    assert dark() is True


@pytest.mark.parametrize("which", ["report", "hostile"])
def test_nothing_sticks_out_at_phone_width(which, show, request):
    page = show(request.getfixturevalue(which), width=390)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.locator("details").evaluate_all("(nodes) => nodes.forEach((node) => { node.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A run with twelve categories, whose names are long or of characters that take two code units."""
    folder = tmp_path_factory.mktemp("crowded")
    names = [f"Category number {number} with a long name" for number in range(11)] + ["\U0001f600" * 60]
    rows = [(f"s{number}", "warning", {"category": name}) for number, name in enumerate(names)]
    return write_report(folder / "report.html", judged(folder / "run", *rows).run.path)


def test_long_names_are_wrapped_inside_their_chart_on_a_small_phone(crowded, show):
    page = show(crowded, width=320)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    outside = """() => [...document.querySelectorAll('.chart svg')].flatMap((svg) => {
        const box = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter((text) => {
            const at = text.getBoundingClientRect();
            return at.width && (at.left < box.left - 1 || at.right > box.right + 1);
        }).map((text) => text.textContent);
    })"""
    assert page.evaluate(outside) == []
    assert page.evaluate("[...document.querySelectorAll('svg text')].every((node) => node.textContent.isWellFormed())")


def test_the_panels_of_a_radar_stand_beside_each_other(crowded, show):
    page = show(crowded)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    boxes = page.evaluate(
        "[...document.querySelectorAll('#figure-radar svg')].map((svg) => svg.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == 3
    assert boxes[0]["right"] <= boxes[1]["left"]
    assert boxes[1]["right"] <= boxes[2]["left"]


def test_on_paper_pictures_stay_blurred_and_invite_nobody_to_click(report, show):
    page = show(report)
    page.emulate_media(media="print")
    picture = page.locator(".picture").first
    assert picture.locator("img").evaluate("(node) => getComputedStyle(node).filter.includes('blur')")
    assert not picture.locator(".say").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing_serious(report, show, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show(report, scheme=scheme)
    page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
    page.locator("details").evaluate_all("(nodes) => nodes.forEach((node) => { node.open = true; })")
    page.get_by_label("Search queries, answers and reasons").fill("item 12")  # one sample is like the others
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (one["id"], [node["target"] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_the_keyboard_reaches_content_filters_and_pictures(report, show):
    page = show(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.get_by_label("Search queries, answers and reasons").focus()
    seen = []
    for _ in range(16):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"filter-label", "filter-differ", "show-images", "picture"} <= set(seen)


def test_on_paper_there_are_figures_and_no_controls(report, show):
    page = show(report, scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible()
    assert not page.locator(".top").is_visible()
    assert page.locator("#headline").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_sample_with_several_pictures_shows_each_of_them_and_its_right_answer(tmp_path, show):
    made = HandMade(tmp_path / "run", 1)
    first, second = (picture(made.run.path, number) for number in range(2))
    more = {"more_images": [second["image"]], "more_images_sha256": [second["image_sha256"]]}
    made.sample("s0", text="Which is darker?", answer="B", options=["one", "other"], **first, **more)
    made.response("s0")
    page = show(write_report(tmp_path / "page.html", made.run.path))
    pictures = page.locator(".sample .picture")
    assert pictures.count() == 2
    sources = {pictures.nth(number).locator("img").get_attribute("src") for number in range(2)}
    assert len(sources) == 2
    page.get_by_role("button", name="Show all images").click()
    assert pictures.nth(1).get_attribute("aria-pressed") == "true"
    assert "Right answer: B" in page.locator(".more").text_content()
