"""The labelling page asks nobody for anything and runs nothing that a model wrote."""

import base64
import hashlib
import json
import re

import pytest

from vlsbench.calibration import page, sheet
from vlsbench.calibration.cards import Card, thumbnail
from vlsbench.core.errors import MissingExtra

HOSTILE = "</script><script>alert(1)</script><!-- {{ 7 * 7 }} <img src=http://evil.example/x onerror=alert(1)> & \u2028"


@pytest.fixture
def picture(tmp_path, make_picture):
    (tmp_path / "one.png").write_bytes(make_picture(3, (1600, 900)))
    return tmp_path / "one.png"


def card(number=0, image=None, text=HOSTILE):
    return Card(sample_id=f"s{number}", query=text, answer=text, image=image)


def shown(html):
    """What the page's script reads."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def test_hostile_text_is_data_and_never_markup():
    html, _ = page.write("d" * 12, [card()])
    text = html.decode()
    assert text.count("<script") == 2
    assert "alert(1)</script>" not in text
    assert "<img src=http" not in text
    assert shown(text)["cards"][0]["answer"] == HOSTILE


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else():
    text = page.write("d" * 12, [card(text="q")])[0].decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r'(?:src|href|action)\s*=\s*"?(?:https?:)?//', text)


def test_images_are_within_the_page_once_each_and_small(picture):
    html, missing = page.write("d" * 12, [card(0, picture, "q"), card(1, picture, "q"), card(2, None, "q")])
    data = shown(html.decode())
    assert missing == 0
    assert [row["image"] for row in data["cards"]] == [0, 0, None]
    assert len(data["images"]) == 1
    assert data["images"][0].startswith("data:image/jpeg;base64,")
    assert len(thumbnail(picture)) < 60_000


def test_an_image_that_is_gone_is_said_and_does_not_stop_the_page(tmp_path):
    html, missing = page.write("d" * 12, [card(0, tmp_path / "gone.png", "q")])
    assert missing == 1
    (row,) = shown(html.decode())["cards"]
    assert row["image"] is None
    assert "missing or damaged" in row["note"]
    assert str(tmp_path) not in html.decode()


def test_without_jinja2_the_install_line_is_shown(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"pip install '\S*\[report\]'"):
        page.write("d" * 12, [])


@pytest.mark.parametrize("name", ["1-1", "007", "1e5", "123456789012", "1/2", "3.10", "Mar-2", "=1", "'x"])
def test_an_id_that_a_spreadsheet_would_rewrite_is_guarded_and_comes_back(name):
    assert sheet.as_text(name) == f"'{name}"
    assert sheet.restored(sheet.as_text(name)) == name


@pytest.mark.parametrize("name", ["0", "12", "2240", "s1", "b02dfee260fa"])
def test_an_id_that_a_spreadsheet_leaves_alone_stays_as_it_is(name):
    assert sheet.as_text(name) == name
