"""Keys stay out of what is recorded, in whatever notation they come."""

from __future__ import annotations

import json

import orjson
import pytest

from vlsbench.core import secrets

KEY = 'sk-1a2B/c+"d'


@pytest.fixture(autouse=True)
def _with_the_key(monkeypatch):
    monkeypatch.setattr(secrets, "_keys", {})
    secrets.remember(KEY)


def _escapes(key, form="\\u{:04x}"):
    return "".join(form.format(ord(char)) for char in key)


NOTATIONS = {
    "as it is": KEY,
    "escapes": _escapes(KEY),
    "capital escapes": _escapes(KEY, "\\u{:04X}"),
    "one escape": "\\u0073" + KEY[1:],
    "escapes in escapes": _escapes(KEY, "\\\\u{:04x}"),
    "JSON": json.dumps(KEY)[1:-1].replace("/", "\\/").replace("s", "\\u0073"),
}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_key_is_found_in_every_notation(notation):
    text = f"before {NOTATIONS[notation]} after"
    assert secrets.hide(text) == "before [key] after"
    assert orjson.loads(secrets.hide_in_json(orjson.dumps({"text": text}))) == {"text": "before [key] after"}


def test_texts_with_other_escapes_stay_as_they_are():
    text = 'a \\u0073 "quoted" \\ and\nlines \x01'
    assert secrets.hide(text) == text
    assert orjson.loads(secrets.hide_in_json(orjson.dumps(text))) == text
