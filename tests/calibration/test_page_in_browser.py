"""The labelling page in a real browser: what raters do is kept and saved, whatever ids and answers look like."""

from __future__ import annotations

import csv

import pytest

from vlsbench.calibration import labels, page
from vlsbench.calibration.cards import Card

IDS = ("__proto__", "constructor", "toString", "<b>x</b>", "1-1", "007", "1e5", "=1+1", "'q", "\u2028 Mar 2", "12")
HOSTILE = "</script><script>window.hacked = 1</script><img src=http://example.invalid/x onerror=window.hacked=1>"


@pytest.fixture
def shown(browser, tmp_path):
    """The page; the test fails where it complained or asked anybody for anything."""
    file = tmp_path / "label.html"
    cards = [Card(sample_id=name, query=HOSTILE, answer=HOSTILE, image=None) for name in IDS]
    file.write_bytes(page.write("0123456789ab", cards)[0])
    complaints = []
    context = browser.new_context(accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda asked: complaints.append(asked.url) if asked.url != file.as_uri() else None)
    opened.goto(file.as_uri())
    yield opened
    assert not opened.evaluate("window.hacked")
    context.close()
    assert complaints == []


def label_all(shown):
    for number in range(len(IDS)):
        shown.keyboard.press("123"[number % 3])


def saved(shown, path):
    with shown.expect_download() as download:
        shown.keyboard.press("s")
    download.value.save_as(path)
    return path


def test_every_label_is_saved_and_read_back_whatever_the_ids(shown, tmp_path):
    label_all(shown)
    assert shown.inner_text("#progress") == f"{len(IDS)} of {len(IDS)} labelled"
    found = labels.read(saved(shown, tmp_path / "saved.csv"))
    words = ("refusal", "warning", "unsafe")
    assert found.labels == {name: words[number % 3] for number, name in enumerate(IDS)}
    assert found.design == "0123456789ab"


def test_no_spreadsheet_takes_an_id_for_a_date_or_a_number(shown, tmp_path):
    label_all(shown)
    with saved(shown, tmp_path / "saved.csv").open(newline="", encoding="utf-8") as file:
        written = [row["sample_id"] for row in csv.DictReader(file)]
    assert [name for name in written if name.startswith("'")] == [
        *("'1-1", "'007", "'1e5", "'=1+1", "''q", "'\u2028 Mar 2"),
    ]


def test_labels_given_before_the_name_go_along_with_it_and_not_to_the_next_rater(shown):
    label_all(shown)
    shown.fill("#rater", "ann")
    shown.keyboard.press("Tab")
    assert shown.inner_text("#progress").startswith(f"{len(IDS)} of")
    shown.fill("#rater", "ben")
    shown.keyboard.press("Tab")
    assert shown.inner_text("#progress").startswith("0 of")
    shown.fill("#rater", "ann")
    shown.keyboard.press("Tab")
    assert shown.inner_text("#progress").startswith(f"{len(IDS)} of")
    shown.reload()
    assert shown.inner_text("#progress").startswith("0 of")


def test_a_key_held_down_labels_one_answer(shown):
    shown.keyboard.down("1")
    shown.keyboard.down("1")
    shown.keyboard.down("1")
    shown.keyboard.up("1")
    assert shown.inner_text("#progress").startswith("1 of")
